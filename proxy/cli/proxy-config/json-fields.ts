// Reads members of ProtoJSON whose shape nobody promises: a dump may be of a newer Envoy, or come
// from a program that writes lowerCamelCase. What is absent or of another kind reads as empty.

/** An object of JSON. */
export type JsonRecord = Readonly<Record<string, unknown>>;

const NOTHING: JsonRecord = {};

/** Whether it is an object, and no list. */
export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A member by its proto name, also where it is written in lowerCamelCase. */
export function member(value: JsonRecord, name: string): unknown {
  if (Object.hasOwn(value, name)) return value[name];
  const camel = name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  return Object.hasOwn(value, camel) ? value[camel] : undefined;
}

/** The object below a path of names; an empty one when there is none. */
export function record(value: JsonRecord, ...path: readonly string[]): JsonRecord {
  let current = value;
  for (const name of path) {
    const next = member(current, name);
    if (!isRecord(next)) return NOTHING;
    current = next;
  }
  return current;
}

/** A text, or a number as text; '' when there is none. */
export function text(value: JsonRecord, name: string): string {
  const found = member(value, name);
  return typeof found === 'string' || typeof found === 'number' ? String(found) : '';
}

/** The objects of a list. */
export function records(value: JsonRecord, name: string): readonly JsonRecord[] {
  const found = member(value, name);
  return Array.isArray(found) ? found.filter(isRecord) : [];
}

/** The texts of a list. */
export function texts(value: JsonRecord, name: string): readonly string[] {
  const found = member(value, name);
  return Array.isArray(found) ? found.filter((item) => typeof item === 'string') : [];
}

/** Name of a message's type without its package; '' for none. */
export function typeName(value: JsonRecord): string {
  return text(value, '@type').split('.').at(-1) ?? '';
}
