// The specifiers of strftime whose text is fixed within a second, with glibc's flags and widths.

/** A moment taken apart. */
export interface CivilTime {
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

/** Prints one field of a moment. */
export type FieldPrinter = (time: CivilTime) => string;

/** A number, with its width and what fills it up. */
interface NumberField {
  readonly value: (time: CivilTime) => number;
  readonly width: number;
  readonly pad: '0' | ' ';
}

/** How a field is printed. */
export interface FieldStyle {
  /** Any of `-` (no filling), `_` (blanks), `0` (zeros), `^` (capitals) and `#` (other case). */
  readonly flags: string;
  /** Least number of characters; 0: the field's own. */
  readonly width: number;
  /** '', E or O: other eras and digits, which no locale here has. */
  readonly modifier: string;
}

const DAY_NAMES = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTH_NAMES = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August'],
  ...['September', 'October', 'November', 'December'],
];
/** Wider fields are cut down to this: no line needs more. */
const MAX_WIDTH = 64;
const MODIFIED: Readonly<Record<string, string>> = { '': '', E: 'cCxXyY', O: 'deHImMSuUVwWy' };

const NUMBERS: Readonly<Record<string, NumberField>> = {
  Y: number((time) => time.year, 1),
  y: number((time) => time.year % 100, 2),
  C: number((time) => Math.floor(time.year / 100), 2),
  G: number((time) => isoWeek(time).year, 1),
  g: number((time) => isoWeek(time).year % 100, 2),
  V: number((time) => isoWeek(time).week, 2),
  m: number((time) => time.month, 2),
  d: number((time) => time.day, 2),
  e: number((time) => time.day, 2, ' '),
  j: number((time) => time.yearDay, 3),
  u: number((time) => (time.weekday === 0 ? 7 : time.weekday), 1),
  w: number((time) => time.weekday, 1),
  U: number((time) => Math.floor((time.yearDay + 6 - time.weekday) / 7), 2),
  W: number((time) => Math.floor((time.yearDay + 6 - ((time.weekday + 6) % 7)) / 7), 2),
  H: number((time) => time.hour, 2),
  k: number((time) => time.hour, 2, ' '),
  I: number((time) => twelveHour(time.hour), 2),
  l: number((time) => twelveHour(time.hour), 2, ' '),
  M: number((time) => time.minute, 2),
  S: number((time) => time.second, 2),
  s: number((time) => time.epochSeconds, 1),
};

const TEXTS: Readonly<Record<string, FieldPrinter>> = {
  B: (time) => MONTH_NAMES[time.month - 1]!,
  b: (time) => MONTH_NAMES[time.month - 1]!.slice(0, 3),
  h: (time) => MONTH_NAMES[time.month - 1]!.slice(0, 3),
  A: (time) => DAY_NAMES[time.weekday]!,
  a: (time) => DAY_NAMES[time.weekday]!.slice(0, 3),
  p: (time) => (time.hour < 12 ? 'AM' : 'PM'),
  P: (time) => (time.hour < 12 ? 'am' : 'pm'),
  z: (time) => offsetText(time.offsetMinutes, ''),
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

/** `#`: capitals become small, anything else capital. */
const SMALL_BY_HASH = 'pZ';

/** The printer of a specifier's letter; null when there is no such specifier. */
export function fieldPrinter(letter: string, style: FieldStyle): FieldPrinter | null {
  const { flags, modifier } = style;
  if (modifier !== '' && !MODIFIED[modifier]!.includes(letter)) return null;
  const width = Math.min(style.width, MAX_WIDTH);
  if (Object.hasOwn(NUMBERS, letter)) return numberPrinter(NUMBERS[letter]!, flags, width);
  const text = textField(letter);
  if (text === null || (flags === '' && width === 0)) return text;
  const change = caseChange(letter, flags);
  const pad = flags.includes('0') ? '0' : ' ';
  return (time) => change(text(time)).padStart(width, pad);
}

/** Time zone offsets with one, two or no more colons: `+00:00`, `+00:00:00`, `+00`. */
export function colonOffsetPrinter(colons: number): FieldPrinter {
  if (colons === 1) return (time) => offsetText(time.offsetMinutes, ':');
  if (colons === 2) return (time) => `${offsetText(time.offsetMinutes, ':')}:00`;
  return ({ offsetMinutes }) => {
    const text = offsetText(offsetMinutes, ':');
    return offsetMinutes % 60 === 0 ? text.slice(0, 3) : text;
  };
}

function number(
  value: (time: CivilTime) => number,
  width: number,
  pad: NumberField['pad'] = '0',
): NumberField {
  return { value, width, pad };
}

function numberPrinter({ value, ...own }: NumberField, flags: string, width: number): FieldPrinter {
  const last = /[-_0](?=[^-_0]*$)/.exec(flags)?.[0];
  if (last === '-') return (time) => `${value(time)}`.padStart(width, '0');
  const pad = last === undefined ? own.pad : PADS[last]!;
  const size = width === 0 ? own.width : width;
  if (size === 2 && pad === '0') return (time) => two(value(time));
  return (time) => `${value(time)}`.padStart(size, pad);
}

const PADS: Readonly<Record<string, string>> = { _: ' ', '0': '0' };

function textField(letter: string): FieldPrinter | null {
  if (Object.hasOwn(TEXTS, letter)) return TEXTS[letter]!;
  if (!Object.hasOwn(COMPOUNDS, letter)) return null;
  const style = { flags: '', width: 0, modifier: '' };
  const parts = COMPOUNDS[letter]!.split(/%(.)/).map((part, index) =>
    index % 2 === 0 ? () => part : fieldPrinter(part, style)!,
  );
  return (time) => parts.map((part) => part(time)).join('');
}

function caseChange(letter: string, flags: string): (text: string) => string {
  if (flags.includes('#') && SMALL_BY_HASH.includes(letter)) return (text) => text.toLowerCase();
  const isUpper = flags.includes('^') || flags.includes('#');
  return isUpper ? (text) => text.toUpperCase() : (text) => text;
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
