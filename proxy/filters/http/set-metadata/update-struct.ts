// Merges a google.protobuf.Struct into another the way Envoy's set_metadata does.

type Struct = Readonly<Record<string, unknown>>;

/**
 * A new struct: objects are merged, lists are joined, of anything else the last one wins. Neither
 * argument changes.
 */
export function updateStruct(current: Struct, update: Struct): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...current };
  for (const [key, value] of Object.entries(update)) {
    const before = Object.hasOwn(current, key) ? current[key] : undefined;
    merged[key] = updateValue(before, value);
  }
  return merged;
}

function updateValue(before: unknown, value: unknown): unknown {
  if (Array.isArray(before) && Array.isArray(value)) return [...before, ...value];
  return isStruct(before) && isStruct(value) ? updateStruct(before, value) : value;
}

function isStruct(value: unknown): value is Struct {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
