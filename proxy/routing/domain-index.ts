// Virtual hosts by domain. A look-up costs the same for one exact domain and for ten thousand.

/** Domains of one wildcard kind whose fixed part has the same length. */
interface WildcardGroup<T> {
  readonly length: number;
  readonly byText: Map<string, T>;
}

/** Finds the value of the most specific domain: exact, longest suffix, longest prefix, any. */
export class DomainIndex<T> {
  readonly #exact = new Map<string, T>();
  /** `*.foo.com`, longest fixed part first. */
  readonly #suffixes: WildcardGroup<T>[] = [];
  /** `foo.*`, longest fixed part first. */
  readonly #prefixes: WildcardGroup<T>[] = [];
  #any: T | null = null;
  /** The last host and its value: most requests of a worker ask for a host just asked for. */
  #lastHost: string | null = null;
  #lastValue: T | null = null;

  /** `domain` is in lower case; the first of equal domains stays. */
  add(domain: string, value: T): void {
    if (domain === '*') this.#any ??= value;
    else if (domain.startsWith('*')) addWildcard(this.#suffixes, domain.slice(1), value);
    else if (domain.endsWith('*')) addWildcard(this.#prefixes, domain.slice(0, -1), value);
    else if (!this.#exact.has(domain)) this.#exact.set(domain, value);
    this.#lastHost = null;
  }

  /** The value for a host, whatever its case; null when no domain matches. */
  find(host: string): T | null {
    if (host === this.#lastHost) return this.#lastValue;
    const found = this.#search(host.toLowerCase());
    this.#lastHost = host;
    this.#lastValue = found;
    return found;
  }

  #search(host: string): T | null {
    return (
      this.#exact.get(host) ?? this.#searchSuffixes(host) ?? this.#searchPrefixes(host) ?? this.#any
    );
  }

  #searchSuffixes(host: string): T | undefined {
    for (const { length, byText } of this.#suffixes) {
      if (length >= host.length) continue;
      const value = byText.get(host.slice(host.length - length));
      if (value !== undefined) return value;
    }
    return undefined;
  }

  #searchPrefixes(host: string): T | undefined {
    for (const { length, byText } of this.#prefixes) {
      if (length >= host.length) continue;
      const value = byText.get(host.slice(0, length));
      if (value !== undefined) return value;
    }
    return undefined;
  }
}

function addWildcard<T>(groups: WildcardGroup<T>[], text: string, value: T): void {
  let group = groups.find(({ length }) => length === text.length);
  if (group === undefined) {
    group = { length: text.length, byText: new Map() };
    groups.push(group);
    groups.sort((left, right) => right.length - left.length);
  }
  if (!group.byText.has(text)) group.byText.set(text, value);
}
