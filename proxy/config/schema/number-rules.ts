// Rules on numbers, booleans and durations: bounds, constants and lists.
import type { Duration } from '@bufbuild/protobuf/wkt';
import type { RuleSet, ValueCheck } from './rule-set.ts';

interface Bound {
  readonly value: number | bigint;
  readonly text: string;
  readonly inclusive: boolean;
}

/** Nanoseconds of a duration, exact. */
export function durationNanos(duration: Pick<Duration, 'seconds' | 'nanos'>): bigint {
  return duration.seconds * 1_000_000_000n + BigInt(duration.nanos);
}

/** The checks of one rule set; `kind` is the rules' name in validate.FieldRules. */
export function numberChecks(rules: RuleSet, kind: string): ValueCheck[] {
  const unit = kind === 'duration' ? 's' : '';
  const convert = (value: unknown): number | bigint => {
    if (typeof value === 'object' && value !== null) return durationNanos(value as Duration);
    return typeof value === 'boolean' ? Number(value) : (value as number | bigint);
  };
  const bound = (name: string, inclusive: boolean): Bound | null => {
    const value = rules[name];
    if (value === undefined) return null;
    return { value: convert(value), text: show(value) + unit, inclusive };
  };
  const low = bound('gte', true) ?? bound('gt', false);
  const high = bound('lte', true) ?? bound('lt', false);
  const checks: ValueCheck[] = [];
  const range = rangeCheck(low, high);
  if (range !== null) checks.push((value) => range(convert(value)));
  if (rules['const'] !== undefined) {
    const wanted = convert(rules['const']);
    const text = show(rules['const']) + unit;
    checks.push((value) => (convert(value) === wanted ? null : `value must equal ${text}`));
  }
  pushList(checks, rules['in'], { convert, must: true });
  pushList(checks, rules['not_in'], { convert, must: false });
  return checks;
}

function show(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return String(Number(durationNanos(value as Duration)) / 1e9);
}

function rangeCheck(
  low: Bound | null,
  high: Bound | null,
): ((value: number | bigint) => string | null) | null {
  if (low === null && high === null) return null;
  const above = (value: number | bigint): boolean =>
    low === null || (low.inclusive ? value >= low.value : value > low.value);
  const below = (value: number | bigint): boolean =>
    high === null || (high.inclusive ? value <= high.value : value < high.value);
  const reason = rangeReason(low, high);
  // NaN is in no range.
  return (value) => (above(value) && below(value) ? null : reason);
}

function rangeReason(low: Bound | null, high: Bound | null): string {
  if (low !== null && high !== null) {
    const open = low.inclusive ? '[' : '(';
    const close = high.inclusive ? ']' : ')';
    return `value must be inside range ${open}${low.text}, ${high.text}${close}`;
  }
  if (low !== null) {
    return `value must be greater than ${low.inclusive ? 'or equal to ' : ''}${low.text}`;
  }
  return `value must be less than ${high?.inclusive ? 'or equal to ' : ''}${high?.text}`;
}

function pushList(
  checks: ValueCheck[],
  list: unknown,
  options: { convert(value: unknown): number | bigint; must: boolean },
): void {
  if (!Array.isArray(list)) return;
  const values = new Set(list.map(options.convert));
  const text = list.map(show).join(', ');
  const reason = `value must ${options.must ? '' : 'not '}be in list [${text}]`;
  checks.push((value) => (values.has(options.convert(value)) === options.must ? null : reason));
}
