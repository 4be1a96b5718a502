// Filter state that says itself how `%FILTER_STATE()%` prints it.
import type { JsonValue } from './format-options.ts';

/** An object in StreamInfo's filter state. */
export interface PrintableState {
  /** PLAIN */
  asText(): string;
  /** TYPED */
  asJson(): JsonValue;
  /** FIELD: one of its fields; null when it has no such field. */
  field(name: string): JsonValue;
}

/** True of an object that is one. */
export function isPrintableState(value: unknown): value is PrintableState {
  return typeof value === 'object' && value !== null && 'asText' in value && 'asJson' in value;
}
