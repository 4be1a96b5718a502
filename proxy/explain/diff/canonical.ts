// Compiled values in a form that can be compared: equal forms mean equal behaviour, except where the
// value holds what nobody can look into.
import type { Json } from '../flow-text.ts';

/** A compiled value. */
export interface Canonical {
  readonly json: Json;
  /** It holds functions or hidden state: what its author wrote must be compared as well. */
  readonly isOpaque: boolean;
}

/** Members that say nothing of behaviour: the extension's code is known by its name. */
const CODE = new Set(['definition', 'schema', 'support', 'perRoute']);

/** `without`: members of the outermost object that are compared elsewhere. */
export function canonicalOf(value: unknown, without: readonly string[] = []): Canonical {
  const walk = new Walk();
  const json = walk.outer(value, without);
  return { json, isOpaque: walk.isOpaque };
}

class Walk {
  isOpaque = false;

  outer(value: unknown, without: readonly string[]): Json {
    if (value === null || typeof value !== 'object') return this.#value(value);
    const entries = Object.entries(value).filter(([name]) => !without.includes(name));
    return this.#object(Object.fromEntries(entries));
  }

  #value(value: unknown): Json {
    if (value === undefined || value === null) return null;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      return value;
    }
    if (typeof value === 'bigint') return String(value);
    if (typeof value === 'object') return this.#object(value);
    this.isOpaque = true;
    return 'code';
  }

  #object(value: object): Json {
    if (Array.isArray(value)) return value.map((item) => this.#value(item));
    if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
    if (value instanceof Set) return [...value].map((item) => this.#value(item));
    if (value instanceof Map) {
      return [...value].map(([key, member]) => [this.#value(key), this.#value(member)]);
    }
    if (isRegex(value)) return { regex: value.source };
    const prototype: unknown = Object.getPrototypeOf(value);
    // A class may keep what matters where nobody sees it.
    if (prototype !== Object.prototype && prototype !== null) this.isOpaque = true;
    return this.#members(value);
  }

  #members(value: object): Json {
    const entries = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([name, member]): readonly [string, Json] => {
        if (!CODE.has(name)) return [name, this.#value(member)];
        return [name, (member as { readonly name?: string } | null)?.name ?? null];
      });
    return Object.fromEntries(entries);
  }
}

/** SafeRegex: all of it follows from its source. */
function isRegex(value: object): value is { readonly source: string } {
  return 'source' in value && typeof value.source === 'string' && 'replaceAll' in value;
}
