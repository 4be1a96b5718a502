// Reads fields of configurations that were loaded or dumped: what is missing or of another shape is
// the field's default, since whoever uses the configuration has checked it.
import { fieldOf, isList, type Json } from '../flow-text.ts';

/** The value at a path of field names; undefined: it is not set. */
export function at(value: Json | undefined, ...names: readonly string[]): Json | undefined {
  return names.reduce((part, name) => fieldOf(part, name), value);
}

/** A text, '' where there is none. */
export function textAt(value: Json | undefined, ...names: readonly string[]): string {
  const found = at(value, ...names);
  return typeof found === 'string' ? found : '';
}

/** A list, empty where there is none. */
export function listAt(value: Json | undefined, ...names: readonly string[]): readonly Json[] {
  const found = at(value, ...names);
  return found !== undefined && found !== null && typeof found === 'object' && isList(found)
    ? found
    : [];
}

/** Texts of a list. */
export function textsAt(value: Json | undefined, ...names: readonly string[]): readonly string[] {
  return listAt(value, ...names).filter((one): one is string => typeof one === 'string');
}

/** A number, 0 where there is none. */
export function numberAt(value: Json | undefined, ...names: readonly string[]): number {
  const found = at(value, ...names);
  return typeof found === 'number' ? found : 0;
}

/** True where that stands there; wrappers are plain values in ProtoJSON. */
export function isSet(value: Json | undefined, ...names: readonly string[]): boolean {
  return at(value, ...names) === true;
}
