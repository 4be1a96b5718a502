// google.protobuf.FieldMask on ProtoJSON with proto field names.
import type { JsonObject, JsonValue } from './backend.ts';

/** Only the fields that `paths` name, with `@type` kept; null when none of them is there. */
export function applyFieldMask(message: JsonObject, paths: readonly string[]): JsonObject | null {
  const kept: Record<string, JsonValue> = {};
  let isEmpty = true;
  for (const [name, value] of Object.entries(message)) {
    if (name === '@type') {
      kept[name] = value;
      continue;
    }
    const below = pathsBelow(name, paths);
    if (below === null) continue;
    const masked = below.length === 0 ? value : maskValue(value, below);
    if (masked === null) continue;
    kept[name] = masked;
    isEmpty = false;
  }
  return isEmpty ? null : kept;
}

/** What the paths say of a field: null, nothing; empty, all of it; else the paths inside it. */
function pathsBelow(name: string, paths: readonly string[]): readonly string[] | null {
  if (paths.includes(name)) return [];
  const below = paths
    .filter((path) => path.startsWith(`${name}.`))
    .map((path) => path.slice(name.length + 1));
  return below.length === 0 ? null : below;
}

/** FieldMask ends at repeated fields: a path cannot lead into their elements. */
function maskValue(value: JsonValue, paths: readonly string[]): JsonValue {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  return applyFieldMask(value as JsonObject, paths);
}
