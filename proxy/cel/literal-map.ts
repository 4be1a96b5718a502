// Maps that stand in an expression, and JSON of the host as CEL sees it.
import { CelError, type CelMap, type CelValue, equals } from './values.ts';

/** `{key: value}`; an error when a part is one, or when two keys are the same. */
export function literalMap(entries: readonly (readonly [CelValue, CelValue])[]): CelValue {
  for (const [index, [key, value]] of entries.entries()) {
    if (key instanceof CelError) return key;
    if (value instanceof CelError) return value;
    const isTwice = entries.slice(0, index).some(([other]) => equals(other, key) === true);
    if (isTwice) return new CelError('duplicate key in map');
  }
  return new EntriesMap(entries);
}

class EntriesMap implements CelMap {
  readonly size: number;
  readonly #entries: readonly (readonly [CelValue, CelValue])[];

  constructor(entries: readonly (readonly [CelValue, CelValue])[]) {
    this.#entries = entries;
    this.size = entries.length;
  }

  get(key: CelValue): CelValue | undefined {
    return this.#entries.find(([own]) => equals(own, key) === true)?.[1];
  }
}

/** JSON (metadata, structs): numbers are doubles, objects maps. */
export function fromJson(value: unknown): CelValue {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return value;
  }
  if (Array.isArray(value)) return value.map(fromJson);
  return typeof value === 'object' ? new JsonMap(value as Readonly<Record<string, unknown>>) : null;
}

class JsonMap implements CelMap {
  readonly #members: Readonly<Record<string, unknown>>;

  constructor(members: Readonly<Record<string, unknown>>) {
    this.#members = members;
  }

  get size(): number {
    return Object.keys(this.#members).length;
  }

  get(key: CelValue): CelValue | undefined {
    if (typeof key !== 'string' || !Object.hasOwn(this.#members, key)) return undefined;
    return fromJson(this.#members[key]);
  }
}
