// Envoy's --log-format: the flags of an spdlog pattern that have a meaning here. A flag without one
// (source file, line, function) prints nothing but its text stays harmless.

/** One diagnostic line before it is laid out. */
export interface LogRecord {
  readonly level: string;
  readonly wallMs: number;
  readonly component: string;
  readonly message: string;
  readonly pid: number;
  /** The worker's number; -1 in the primary. */
  readonly worker: number;
}

/** Lays out one record; made once per format. */
export type LogPattern = (record: LogRecord) => string;

/** Readable on a terminal: Envoy's default without its C++ source location. */
export const TERMINAL_LOG_FORMAT = '[%Y-%m-%d %T.%e][%t][%l][%n] %v';

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

type Flag = (record: LogRecord, time: Date) => string;

/** spdlog's pattern flags; times are local, as there. */
const FLAGS: Readonly<Record<string, Flag>> = {
  v: (record) => record.message,
  _: (record) => record.message.replaceAll('\n', '\\n'),
  n: (record) => record.component,
  l: (record) => record.level,
  L: (record) => (record.level[0] ?? '').toUpperCase(),
  t: (record) => String(record.pid),
  P: (record) => String(record.pid),
  Y: (_, time) => String(time.getFullYear()),
  C: (_, time) => two(time.getFullYear() % 100),
  m: (_, time) => two(time.getMonth() + 1),
  d: (_, time) => two(time.getDate()),
  H: (_, time) => two(time.getHours()),
  I: (_, time) => two(((time.getHours() + 11) % 12) + 1),
  M: (_, time) => two(time.getMinutes()),
  S: (_, time) => two(time.getSeconds()),
  p: (_, time) => (time.getHours() < 12 ? 'AM' : 'PM'),
  a: (_, time) => WEEKDAYS[time.getDay()] as string,
  b: (_, time) => MONTHS[time.getMonth()] as string,
  e: (_, time) => String(time.getMilliseconds()).padStart(3, '0'),
  f: (_, time) => `${String(time.getMilliseconds()).padStart(3, '0')}000`,
  F: (_, time) => `${String(time.getMilliseconds()).padStart(3, '0')}000000`,
  E: (record) => String(Math.floor(record.wallMs / 1000)),
  T: (_, time) => clock(time),
  X: (_, time) => clock(time),
  D: (_, time) =>
    `${two(time.getMonth() + 1)}/${two(time.getDate())}/${two(time.getFullYear() % 100)}`,
  z: (_, time) => zone(-time.getTimezoneOffset()),
  '%': () => '%',
};

/** Compiles a pattern; unknown flags print nothing. Padding (`%-8l`, `%8l`) is honoured. */
export function compileLogPattern(pattern: string): LogPattern {
  const parts: (string | Flag)[] = [];
  let end = 0;
  for (const match of pattern.matchAll(/%([-=]?)(\d{0,3})(.)/gs)) {
    parts.push(pattern.slice(end, match.index));
    end = match.index + match[0].length;
    const flag = FLAGS[match[3] as string];
    if (flag === undefined) continue;
    const width = Number(match[2]);
    parts.push(width === 0 ? flag : padded(flag, match[1] as string, width));
  }
  parts.push(pattern.slice(end));
  return (record) => {
    const time = new Date(record.wallMs);
    let text = '';
    for (const part of parts) text += typeof part === 'string' ? part : part(record, time);
    return text;
  };
}

function padded(flag: Flag, side: string, width: number): Flag {
  return (record, time) => {
    const text = flag(record, time);
    if (side === '-') return text.padEnd(width);
    if (side === '=') return text.padStart((text.length + width) >> 1).padEnd(width);
    return text.padStart(width);
  };
}

function clock(time: Date): string {
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

function zone(minutes: number): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
