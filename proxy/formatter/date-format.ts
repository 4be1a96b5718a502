// Dates by a strftime pattern, UTC or with an offset, without a clock: the time is an argument.
// What changes only by the second is built once a second.
import { utf8Bytes } from './byte-text.ts';

/** Envoy's default for %START_TIME%. */
export const DEFAULT_DATE_PATTERN = '%Y-%m-%dT%H:%M:%E3SZ';

const DAY_NAMES = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTH_NAMES = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August'],
  ...['September', 'October', 'November', 'December'],
];
const SECONDS_PER_DAY = 86_400;
/** Milliseconds come with at most microseconds; finer digits are zeros. */
const FRACTION_DIGITS = 9;
const FULL_FRACTION = -1;

/** A moment taken apart. */
interface CivilTime {
  readonly epochSeconds: number;
  readonly offsetMinutes: number;
  readonly year: number;
  /** 1 to 12 */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  /** 1 to 366 */
  readonly yearDay: number;
}

type FieldPrinter = (time: CivilTime) => string;
/** Text that is fixed within a second, or a number of digits of the second's fraction. */
type Part = FieldPrinter | { readonly digits: number };

/** A compiled pattern. Holds the text of the last second it printed. */
export class DateFormat {
  readonly #parts: readonly Part[];
  readonly #offsetMinutes: ((wallMs: number) => number) | null;
  #second = Number.NaN;
  /** One text per part; '' where the fraction goes. */
  readonly #texts: string[];

  /** `offsetMinutes`: local time's lead over UTC at a moment; null for UTC. */
  constructor(pattern: string, offsetMinutes: ((wallMs: number) => number) | null) {
    this.#parts = parsePattern(pattern);
    this.#offsetMinutes = offsetMinutes;
    this.#texts = this.#parts.map(() => '');
  }

  /** Prints a wall-clock time in ms, which may have a fraction. */
  format(wallMs: number): string {
    const second = Math.floor(wallMs / 1000);
    if (second !== this.#second) this.#refresh(second, wallMs);
    const parts = this.#parts;
    let text = '';
    for (let index = 0; index < parts.length; index += 1) {
      const part = parts[index]!;
      text +=
        typeof part === 'function' ? this.#texts[index]! : fraction(wallMs - second * 1000, part);
    }
    return text;
  }

  #refresh(second: number, wallMs: number): void {
    const time = civilTime(second, this.#offsetMinutes === null ? 0 : this.#offsetMinutes(wallMs));
    for (const [index, part] of this.#parts.entries()) {
      if (typeof part === 'function') this.#texts[index] = part(time);
    }
    this.#second = second;
  }
}

/** True when the pattern would print a line feed, which no log line or header may contain. */
export function patternBreaksLine(pattern: string): boolean {
  return /\n|%[-_0^#]*[1-9]*[EO]?n/.test(pattern);
}

function fraction(ms: number, part: { readonly digits: number }): string {
  if (part.digits === 3) {
    const whole = Math.floor(ms);
    if (whole > 99) return `${whole}`;
    return whole > 9 ? `0${whole}` : `00${whole}`;
  }
  const micros = Math.floor(ms * 1000 + 1e-6);
  const text = `${micros}`.padStart(6, '0').padEnd(FRACTION_DIGITS, '0');
  return part.digits === FULL_FRACTION ? text.replace(/0+$/, '') : text.slice(0, part.digits);
}

/** Specifiers whose text is fixed within a second; compound ones are expanded beforehand. */
const FIELDS: Readonly<Record<string, FieldPrinter>> = {
  Y: (time) => `${time.year}`,
  y: (time) => two(time.year % 100),
  C: (time) => two(Math.floor(time.year / 100)),
  G: (time) => `${isoWeek(time).year}`,
  g: (time) => two(isoWeek(time).year % 100),
  V: (time) => two(isoWeek(time).week),
  m: (time) => two(time.month),
  B: (time) => MONTH_NAMES[time.month - 1]!,
  b: (time) => MONTH_NAMES[time.month - 1]!.slice(0, 3),
  h: (time) => MONTH_NAMES[time.month - 1]!.slice(0, 3),
  d: (time) => two(time.day),
  e: (time) => `${time.day}`.padStart(2),
  j: (time) => `${time.yearDay}`.padStart(3, '0'),
  A: (time) => DAY_NAMES[time.weekday]!,
  a: (time) => DAY_NAMES[time.weekday]!.slice(0, 3),
  u: (time) => `${time.weekday === 0 ? 7 : time.weekday}`,
  w: (time) => `${time.weekday}`,
  U: (time) => two(Math.floor((time.yearDay + 6 - time.weekday) / 7)),
  W: (time) => two(Math.floor((time.yearDay + 6 - ((time.weekday + 6) % 7)) / 7)),
  H: (time) => two(time.hour),
  k: (time) => `${time.hour}`.padStart(2),
  I: (time) => two(twelveHour(time.hour)),
  l: (time) => `${twelveHour(time.hour)}`.padStart(2),
  M: (time) => two(time.minute),
  S: (time) => two(time.second),
  p: (time) => (time.hour < 12 ? 'AM' : 'PM'),
  P: (time) => (time.hour < 12 ? 'am' : 'pm'),
  s: (time) => `${time.epochSeconds}`,
  z: (time) => offsetText(time.offsetMinutes, ''),
  Ez: (time) => offsetText(time.offsetMinutes, ':'),
  Z: (time) => (time.offsetMinutes === 0 ? 'UTC' : offsetText(time.offsetMinutes, '')),
  t: () => '\t',
  '%': () => '%',
};

const COMPOUNDS: Readonly<Record<string, string>> = {
  T: '%H:%M:%S',
  X: '%H:%M:%S',
  R: '%H:%M',
  r: '%I:%M:%S %p',
  D: '%m/%d/%y',
  x: '%m/%d/%y',
  F: '%Y-%m-%d',
  c: '%a %b %e %H:%M:%S %Y',
};

const SPECIFIER = /%(?:E([1-9*])([Sf])|([1-9])?f|(Ez|[A-Za-z%]))/g;

function parsePattern(pattern: string): Part[] {
  const expanded = pattern.replace(/%([A-Za-z%])/g, (whole, letter: string) => {
    return Object.hasOwn(COMPOUNDS, letter) ? COMPOUNDS[letter]! : whole;
  });
  const parts: Part[] = [];
  let end = 0;
  for (const match of expanded.matchAll(SPECIFIER)) {
    pushLiteral(parts, expanded.slice(end, match.index));
    end = match.index + match[0].length;
    pushSpecifier(parts, match);
  }
  pushLiteral(parts, expanded.slice(end));
  return parts;
}

function pushSpecifier(parts: Part[], match: RegExpMatchArray): void {
  const [whole, precision, kind, digits, letter] = match;
  if (kind !== undefined) {
    if (kind === 'S') {
      parts.push(FIELDS['S']!);
      pushLiteral(parts, '.');
    }
    parts.push({ digits: precision === '*' ? FULL_FRACTION : Number(precision) });
  } else if (letter === undefined) {
    parts.push({ digits: digits === undefined ? FRACTION_DIGITS : Number(digits) });
  } else if (Object.hasOwn(FIELDS, letter)) {
    parts.push(FIELDS[letter]!);
  } else {
    pushLiteral(parts, whole);
  }
}

function pushLiteral(parts: Part[], text: string): void {
  if (text === '') return;
  const bytes = utf8Bytes(text);
  parts.push(() => bytes);
}

/** Proleptic Gregorian calendar from days since 1970-01-01, with years that begin in March. */
function civilTime(epochSeconds: number, offsetMinutes: number): CivilTime {
  const local = epochSeconds + offsetMinutes * 60;
  const days = Math.floor(local / SECONDS_PER_DAY);
  const ofDay = local - days * SECONDS_PER_DAY;
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const ofEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) /
      365,
  );
  const ofMarchYear =
    ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * ofMarchYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const leap = isLeap(year) ? 1 : 0;
  return {
    epochSeconds,
    offsetMinutes,
    year,
    month,
    day: ofMarchYear - Math.floor((153 * marchMonth + 2) / 5) + 1,
    hour: Math.floor(ofDay / 3600),
    minute: Math.floor(ofDay / 60) % 60,
    second: ofDay % 60,
    weekday: (((days + 4) % 7) + 7) % 7,
    yearDay: month <= 2 ? ofMarchYear - 305 : ofMarchYear + 60 + leap,
  };
}

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

/** ISO 8601 week: the week of the year that holds its Thursday. */
function isoWeek(time: CivilTime): { readonly year: number; readonly week: number } {
  const monday = (time.weekday + 6) % 7;
  const week = Math.floor((time.yearDay - 1 - monday + 10) / 7);
  if (week < 1) return { year: time.year - 1, week: weeksInYear(time.year - 1) };
  if (week > weeksInYear(time.year)) return { year: time.year + 1, week: 1 };
  return { year: time.year, week };
}

function weeksInYear(year: number): number {
  const lastWeekday = (y: number): number =>
    (y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400)) % 7;
  return lastWeekday(year) === 4 || lastWeekday(year - 1) === 3 ? 53 : 52;
}

function twelveHour(hour: number): number {
  return hour % 12 === 0 ? 12 : hour % 12;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : `${value}`;
}

function offsetText(minutes: number, separator: string): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${separator}${two(size % 60)}`;
}
