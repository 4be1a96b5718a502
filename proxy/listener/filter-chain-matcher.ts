// Which filter chain takes a connection: Envoy's walk through nine criteria, each taking its most
// specific entry. What was decided is not taken back: a chain that fails a later criterion leaves
// the connection to the default filter chain, not to a less specific sibling.
import { type Cidr, CidrTable } from '../base/cidr-table.ts';
import type { FilterChainMatchConfig } from '../model/listener.ts';

/** What is known about a connection when its chain is chosen. */
export interface ConnectionFacts {
  readonly destinationPort: number;
  /** Octets of IP addresses; PIPE_OCTETS for a pipe. */
  readonly destination: readonly number[];
  readonly source: readonly number[];
  readonly sourcePort: number;
  /** The peer of the socket, whatever a listener filter made of the source. */
  readonly directSource: readonly number[];
  /** From this host: see sourceType. */
  readonly isLocal: boolean;
  /** SNI in lower case, '' for none. */
  readonly serverName: string;
  readonly transportProtocol: string;
  /** ALPN in the client's order. */
  readonly applicationProtocols: readonly string[];
}

/** What networks are compared with when an end has no IP address, as Envoy does it. */
export const PIPE_OCTETS: readonly number[] = [255, 255, 255, 255];

/** A chain on its way into the tree. */
interface Candidate<T> {
  readonly match: FilterChainMatchConfig;
  readonly chain: T;
}

/** Chooses among what is left behind one criterion. */
interface Level<T> {
  find(facts: ConnectionFacts): T | null;
}

type Build<T> = (candidates: readonly Candidate<T>[]) => Level<T>;

/** What two chains with equal criteria cannot be told apart by. */
export class DuplicateMatch extends Error {}

/** The chains of one listener. */
export class FilterChainMatcher<T> {
  readonly #root: Level<T>;
  readonly #fallback: T | null;

  /** `fallback`: the default filter chain. Throws DuplicateMatch when two chains match the same. */
  constructor(chains: readonly Candidate<T>[], fallback: T | null) {
    this.#root = byPort(chains);
    this.#fallback = fallback;
  }

  /** null: no chain takes it. */
  find(facts: ConnectionFacts): T | null {
    return this.#root.find(facts) ?? this.#fallback;
  }
}

/** Groups by keys of which each candidate has one or more; `any` stands for none. */
function group<T, K>(
  candidates: readonly Candidate<T>[],
  keysOf: (match: FilterChainMatchConfig) => readonly K[],
  any: K,
): Map<K, Candidate<T>[]> {
  const groups = new Map<K, Candidate<T>[]>();
  for (const candidate of candidates) {
    const keys = keysOf(candidate.match);
    for (const key of keys.length === 0 ? [any] : keys) {
      const members = groups.get(key);
      if (members === undefined) groups.set(key, [candidate]);
      else members.push(candidate);
    }
  }
  return groups;
}

function build<T, K>(groups: Map<K, Candidate<T>[]>, next: Build<T>): Map<K, Level<T>> {
  return new Map([...groups].map(([key, members]) => [key, next(members)]));
}

/** One key of the connection, else the entry for any. */
class ExactLevel<T, K> implements Level<T> {
  readonly #levels: ReadonlyMap<K, Level<T>>;
  readonly #keyOf: (facts: ConnectionFacts) => K;
  readonly #any: K;

  constructor(levels: ReadonlyMap<K, Level<T>>, keyOf: (facts: ConnectionFacts) => K, any: K) {
    this.#levels = levels;
    this.#keyOf = keyOf;
    this.#any = any;
  }

  find(facts: ConnectionFacts): T | null {
    const level = this.#levels.get(this.#keyOf(facts)) ?? this.#levels.get(this.#any);
    return level === undefined ? null : level.find(facts);
  }
}

/** The longest network, else the entry for any address. */
class NetworkLevel<T> implements Level<T> {
  readonly #table = new CidrTable<Level<T>>();
  readonly #any: Level<T> | null;
  readonly #addressOf: (facts: ConnectionFacts) => readonly number[];

  constructor(
    groups: Map<Cidr | null, Candidate<T>[]>,
    addressOf: (facts: ConnectionFacts) => readonly number[],
    next: Build<T>,
  ) {
    this.#addressOf = addressOf;
    const any = groups.get(null);
    this.#any = any === undefined ? null : next(any);
    for (const [cidr, members] of mergeEqual(groups)) this.#table.set(cidr, next(members));
  }

  find(facts: ConnectionFacts): T | null {
    const level = this.#table.lookup(this.#addressOf(facts)) ?? this.#any;
    return level === null ? null : level.find(facts);
  }
}

/** The same network may come as several objects. */
function mergeEqual<T>(
  groups: Map<Cidr | null, Candidate<T>[]>,
): readonly (readonly [Cidr, Candidate<T>[]])[] {
  const table = new CidrTable<Candidate<T>[]>();
  const merged: (readonly [Cidr, Candidate<T>[]])[] = [];
  for (const [cidr, members] of groups) {
    if (cidr === null) continue;
    const known = table.get(cidr);
    if (known !== undefined) {
      known.push(...members);
      continue;
    }
    const list = [...members];
    table.set(cidr, list);
    merged.push([cidr, list]);
  }
  return merged;
}

/** The exact name, then the longest `*.suffix`, then no name. */
class ServerNameLevel<T> implements Level<T> {
  readonly #levels: ReadonlyMap<string, Level<T>>;

  constructor(levels: ReadonlyMap<string, Level<T>>) {
    this.#levels = levels;
  }

  find(facts: ConnectionFacts): T | null {
    const level = this.#level(facts.serverName);
    return level === undefined ? null : level.find(facts);
  }

  #level(name: string): Level<T> | undefined {
    const exact = name === '' ? undefined : this.#levels.get(name);
    if (exact !== undefined) return exact;
    // From 1: what stands for `*` is not empty.
    for (let dot = name.indexOf('.', 1); dot !== -1; dot = name.indexOf('.', dot + 1)) {
      const level = this.#levels.get(`*${name.slice(dot)}`);
      if (level !== undefined) return level;
    }
    return this.#levels.get('');
  }
}

/** The client's first protocol that has an entry, else the entry for any. */
class ApplicationProtocolLevel<T> implements Level<T> {
  readonly #levels: ReadonlyMap<string, Level<T>>;

  constructor(levels: ReadonlyMap<string, Level<T>>) {
    this.#levels = levels;
  }

  find(facts: ConnectionFacts): T | null {
    for (const protocol of facts.applicationProtocols) {
      const level = this.#levels.get(protocol);
      if (level !== undefined) return level.find(facts);
    }
    return this.#levels.get('')?.find(facts) ?? null;
  }
}

/** Local connections and those from outside have entries of their own. */
class SourceTypeLevel<T> implements Level<T> {
  readonly #local: Level<T> | undefined;
  readonly #external: Level<T> | undefined;

  constructor(levels: ReadonlyMap<FilterChainMatchConfig['sourceType'], Level<T>>) {
    const any = levels.get('any');
    this.#local = levels.get('same-ip-or-loopback') ?? any;
    this.#external = levels.get('external') ?? any;
  }

  find(facts: ConnectionFacts): T | null {
    return (facts.isLocal ? this.#local : this.#external)?.find(facts) ?? null;
  }
}

class Found<T> implements Level<T> {
  readonly #chain: T;

  constructor(chain: T) {
    this.#chain = chain;
  }

  find(): T {
    return this.#chain;
  }
}

function byPort<T>(candidates: readonly Candidate<T>[]): Level<T> {
  const ports = group<T, number>(
    candidates,
    ({ destinationPort }) => (destinationPort === null ? [] : [destinationPort]),
    0,
  );
  return new ExactLevel(build(ports, byDestination), ({ destinationPort }) => destinationPort, 0);
}

function byDestination<T>(candidates: readonly Candidate<T>[]): Level<T> {
  const networks = group<T, Cidr | null>(candidates, ({ prefixRanges }) => prefixRanges, null);
  return new NetworkLevel(networks, ({ destination }) => destination, byServerName);
}

function byServerName<T>(candidates: readonly Candidate<T>[]): Level<T> {
  const names = group<T, string>(candidates, ({ serverNames }) => serverNames, '');
  return new ServerNameLevel(build(names, byTransport));
}

function byTransport<T>(candidates: readonly Candidate<T>[]): Level<T> {
  const names = group<T, string>(candidates, ({ transportProtocol }) => [transportProtocol], '');
  const levels = build(names, byApplication);
  return new ExactLevel(levels, ({ transportProtocol }) => transportProtocol, '');
}

function byApplication<T>(candidates: readonly Candidate<T>[]): Level<T> {
  const names = group<T, string>(candidates, (match) => match.applicationProtocols, '');
  return new ApplicationProtocolLevel(build(names, byDirectSource));
}

function byDirectSource<T>(candidates: readonly Candidate<T>[]): Level<T> {
  const networks = group<T, Cidr | null>(
    candidates,
    ({ directSourcePrefixRanges }) => directSourcePrefixRanges,
    null,
  );
  return new NetworkLevel(networks, ({ directSource }) => directSource, bySourceType);
}

function bySourceType<T>(candidates: readonly Candidate<T>[]): Level<T> {
  const types = group(candidates, ({ sourceType }) => [sourceType], 'any' as const);
  return new SourceTypeLevel(build(types, bySource));
}

function bySource<T>(candidates: readonly Candidate<T>[]): Level<T> {
  const networks = group<T, Cidr | null>(
    candidates,
    ({ sourcePrefixRanges }) => sourcePrefixRanges,
    null,
  );
  return new NetworkLevel(networks, ({ source }) => source, bySourcePort);
}

function bySourcePort<T>(candidates: readonly Candidate<T>[]): Level<T> {
  const ports = group<T, number>(candidates, ({ sourcePorts }) => sourcePorts, 0);
  return new ExactLevel(build(ports, only), ({ sourcePort }) => sourcePort, 0);
}

/** Nothing is left to tell them apart. */
function only<T>(candidates: readonly Candidate<T>[]): Level<T> {
  const [first, second] = candidates;
  if (first === undefined || second !== undefined) throw new DuplicateMatch();
  return new Found(first.chain);
}
