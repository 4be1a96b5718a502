// Virtual hosts by domain. A look-up costs the same for one exact domain and for ten thousand.

/** A domain as it stands in the configuration, and what it leads to. */
export interface DomainEntry<T> {
  readonly domain: string;
  readonly value: T;
}

/** Domains of one wildcard kind whose fixed part has the same length. */
interface WildcardGroup<T> {
  readonly length: number;
  readonly byText: Map<string, DomainEntry<T>>;
}

/** Finds the value of the most specific domain: exact, longest suffix, longest prefix, any. */
export class DomainIndex<T> {
  readonly #exact = new Map<string, DomainEntry<T>>();
  /** `*.foo.com`, longest fixed part first. */
  readonly #suffixes: WildcardGroup<T>[] = [];
  /** `foo.*`, longest fixed part first. */
  readonly #prefixes: WildcardGroup<T>[] = [];
  #any: DomainEntry<T> | null = null;
  /** False: `*` is all there is. */
  #hasNames = false;
  /** The last host and its value: most requests of a worker ask for a host just asked for. */
  #lastHost: string | null = null;
  #lastValue: T | null = null;

  /** `domain` is in lower case; the first of equal domains stays. */
  add(domain: string, value: T): void {
    const entry = { domain, value };
    this.#lastHost = null;
    if (domain === '*') {
      this.#any ??= entry;
      return;
    }
    this.#hasNames = true;
    if (domain.startsWith('*')) addWildcard(this.#suffixes, domain.slice(1), entry);
    else if (domain.endsWith('*')) addWildcard(this.#prefixes, domain.slice(0, -1), entry);
    else if (!this.#exact.has(domain)) this.#exact.set(domain, entry);
  }

  /** For a request that names no host: Envoy does not ask for one where `*` is all there is. */
  findNameless(): DomainEntry<T> | null {
    return this.#hasNames ? null : this.#any;
  }

  /** The value for a host, whatever its case; null when no domain matches. */
  find(host: string): T | null {
    if (host === this.#lastHost) return this.#lastValue;
    const found = this.findEntry(host)?.value ?? null;
    this.#lastHost = host;
    this.#lastValue = found;
    return found;
  }

  /** The same with the domain that matches. */
  findEntry(host: string): DomainEntry<T> | null {
    const text = host.toLowerCase();
    return (
      this.#exact.get(text) ?? this.#searchSuffixes(text) ?? this.#searchPrefixes(text) ?? this.#any
    );
  }

  #searchSuffixes(host: string): DomainEntry<T> | undefined {
    for (const { length, byText } of this.#suffixes) {
      if (length >= host.length) continue;
      const entry = byText.get(host.slice(host.length - length));
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  #searchPrefixes(host: string): DomainEntry<T> | undefined {
    for (const { length, byText } of this.#prefixes) {
      if (length >= host.length) continue;
      const entry = byText.get(host.slice(0, length));
      if (entry !== undefined) return entry;
    }
    return undefined;
  }
}

function addWildcard<T>(groups: WildcardGroup<T>[], text: string, entry: DomainEntry<T>): void {
  let group = groups.find(({ length }) => length === text.length);
  if (group === undefined) {
    group = { length: text.length, byText: new Map() };
    groups.push(group);
    groups.sort((a, b) => b.length - a.length);
  }
  if (!group.byText.has(text)) group.byText.set(text, entry);
}
