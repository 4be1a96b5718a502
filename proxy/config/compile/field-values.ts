// Small conversions that compilers of many messages share: durations, enumerations, refusals.
import type { Duration } from '@bufbuild/protobuf/wkt';
import type { CompileContext } from '../../model/extension.ts';

const MS_PER_SECOND = 1000;
const NANOS_PER_MS = 1_000_000;

/** A field as compilers name it in problems: its value and its path below the message at hand. */
export interface DurationField {
  readonly path: string;
  readonly value: Duration | undefined;
}

/** Whole milliseconds of a duration, cut off as Envoy does; `absent` when the field is not set. */
export function durationMs<T>(
  context: CompileContext,
  field: DurationField,
  absent: T,
): number | T {
  const { value, path } = field;
  if (value === undefined) return absent;
  if (value.seconds < 0n || value.nanos < 0) {
    context.reject(path, 'Invalid duration: expected a positive duration such as 5s or 0.25s');
    return absent;
  }
  return Number(value.seconds) * MS_PER_SECOND + Math.floor(value.nanos / NANOS_PER_MS);
}

/** Refuses a flag that only works when it is off (or absent). */
export function refuseTrue(
  context: CompileContext,
  path: string,
  value: boolean | undefined,
): void {
  if (value === true) context.reject(path, 'is not supported yet: leave it out or set it to false');
}

/**
 * The member of `table` for an enumeration's number; null, and a rejection that names the value,
 * when the table has none.
 */
export function enumMember<T>(
  context: CompileContext,
  path: string,
  choice: {
    readonly value: number;
    readonly names: Readonly<Record<number, string>>;
    readonly table: Readonly<Partial<Record<number, T>>>;
  },
): T | null {
  const member = choice.table[choice.value];
  if (member !== undefined) return member;
  const supported = Object.keys(choice.table).map((number) => choice.names[Number(number)]);
  const name = choice.names[choice.value] ?? String(choice.value);
  context.reject(path, `${name} is not supported yet: use ${supported.join(' or ')}`);
  return null;
}
