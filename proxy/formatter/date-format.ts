// Dates by a strftime pattern, UTC or with an offset, without a clock: the time is an argument.
// What changes only by the second is built once a second.
import { utf8Bytes } from './byte-text.ts';
import {
  type CivilTime,
  colonOffsetPrinter,
  type FieldPrinter,
  fieldPrinter,
} from './date-fields.ts';

/** Envoy's default for %START_TIME%. */
export const DEFAULT_DATE_PATTERN = '%Y-%m-%dT%H:%M:%E3SZ';

const SECONDS_PER_DAY = 86_400;
/** Milliseconds come with at most microseconds; finer digits are zeros. */
const FRACTION_DIGITS = 9;
/** As absl. */
const MAX_FRACTION_DIGITS = 18;
const MICROSECOND_DIGITS = 6;
const FULL_FRACTION = -1;
const SECONDS = fieldPrinter('S', { flags: '', width: 0, modifier: '' }) as FieldPrinter;

/** Text that is fixed within a second, or a number of digits of the second's fraction. */
type Part = FieldPrinter | FractionPart;

interface FractionPart {
  /** FULL_FRACTION: as many as it has. */
  readonly digits: number;
  /** In front of digits, if there are any. */
  readonly lead: '' | '.';
}

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

function fraction(ms: number, part: FractionPart): string {
  if (part.digits === FULL_FRACTION) return fullFraction(ms, part.lead);
  return part.lead + fixedFraction(ms, part.digits);
}

/** As absl: no point without digits, but a digit where nothing else stands. */
function fullFraction(ms: number, lead: string): string {
  const text = fixedFraction(ms, MICROSECOND_DIGITS).replace(/0+$/, '');
  if (text === '') return lead === '' ? '0' : '';
  return lead + text;
}

function fixedFraction(ms: number, digits: number): string {
  if (digits === 3) {
    const whole = Math.floor(ms);
    if (whole > 99) return `${whole}`;
    return whole > 9 ? `0${whole}` : `00${whole}`;
  }
  const micros = Math.floor(ms * 1000 + 1e-6);
  return `${micros}`.padStart(MICROSECOND_DIGITS, '0').padEnd(digits, '0').slice(0, digits);
}

/**
 * Fractions as Envoy (`%3f`) and absl (`%E3S`, `%E*f`) write them; then what absl adds to strftime
 * (`%ET`, `%E4Y`, `%Ez`, `%:z`), then strftime's own with flags, width and modifier.
 */
const SPECIFIER =
  /%(?:E(\d+|\*)([Sf])|([1-9]?)f|(ET)|(E4Y)|(E\*?z|:{1,3}z)|([-_0^#]*)(\d*)([EO]?)([A-Za-z%]))/g;

const COLONS: Readonly<Record<string, number>> = { Ez: 1, 'E*z': 2, ':z': 1, '::z': 2, ':::z': 3 };

function parsePattern(pattern: string): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const match of pattern.matchAll(SPECIFIER)) {
    pushLiteral(parts, pattern.slice(end, match.index));
    end = match.index + match[0].length;
    pushSpecifier(parts, match);
  }
  pushLiteral(parts, pattern.slice(end));
  return parts;
}

function pushSpecifier(parts: Part[], match: RegExpMatchArray): void {
  const [, precision, kind, digits, separator, fourDigitYear, offset] = match;
  if (kind !== undefined) {
    pushFraction(parts, precision as string, kind);
  } else if (digits !== undefined) {
    parts.push({ digits: digits === '' ? FRACTION_DIGITS : Number(digits), lead: '' });
  } else if (separator !== undefined) {
    pushLiteral(parts, 'T');
  } else if (fourDigitYear !== undefined) {
    parts.push((time) => `${time.year}`.padStart(4, '0'));
  } else if (offset !== undefined) {
    parts.push(colonOffsetPrinter(COLONS[offset] as number));
  } else {
    pushField(parts, match);
  }
}

/** `%E3S` has the second in front of its fraction. */
function pushFraction(parts: Part[], precision: string, kind: string): void {
  const count = precision === '*' ? FULL_FRACTION : Number(precision);
  if (kind === 'S') parts.push(SECONDS);
  if (count === 0) return;
  parts.push({ digits: Math.min(count, MAX_FRACTION_DIGITS), lead: kind === 'S' ? '.' : '' });
}

function pushField(parts: Part[], match: RegExpMatchArray): void {
  const [flags = '', width = '', modifier = '', letter = ''] = match.slice(7);
  const printer = fieldPrinter(letter, { flags, width: Number(width), modifier });
  if (printer === null) pushLiteral(parts, match[0]);
  else parts.push(printer);
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
