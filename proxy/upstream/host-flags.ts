// What the primary knows of the health of all hosts, from everybody who finds out about it: one
// place puts their flags together, tells the workers what changed, and tells new workers all of it.

/** Who says something about hosts; each says all of what it knows of one. */
export type FlagSource = 'active-checks' | 'outlier-detection';

/** Flags of one host: reasons of HEALTH_FLAG, by `ip:port`. */
export type AddressFlags = readonly [address: string, flags: number];

/** Takes what changed in one cluster. */
export type HostFlagsSink = (cluster: string, flags: readonly AddressFlags[]) => void;

/** What a book is made with. */
export interface HostFlagsParts {
  readonly sink: HostFlagsSink;
  /** Runs a task when the present one is over: what it changed is told at once. */
  readonly later: (task: () => void) => void;
}

/** Each source says its own; -1: it has said nothing. */
type Entry = Record<FlagSource, number>;

/** See the file's head. */
export class HostFlags {
  readonly #parts: HostFlagsParts;
  readonly #clusters = new Map<string, Map<string, Entry>>();
  /** Addresses whose flags changed and were not told yet, by cluster. */
  readonly #changed = new Map<string, Set<string>>();

  constructor(parts: HostFlagsParts) {
    this.#parts = parts;
  }

  /** What `source` knows of a host now; saying the same again tells nobody. */
  set(source: FlagSource, host: { cluster: string; address: string }, flags: number): void {
    const { cluster, address } = host;
    const hosts = this.#hosts(cluster);
    const entry = hosts.get(address) ?? { 'active-checks': -1, 'outlier-detection': -1 };
    if (entry[source] === flags) return;
    const wasKnown = hosts.has(address);
    const before = combined(entry);
    entry[source] = flags;
    hosts.set(address, entry);
    if (!wasKnown || combined(entry) !== before) this.#change(cluster, address);
  }

  /** `source` has nothing to say about a host any more: it left, or nobody looks at it. */
  forget(source: FlagSource, host: { cluster: string; address: string }): void {
    const { cluster, address } = host;
    const hosts = this.#clusters.get(cluster);
    const entry = hosts?.get(address);
    if (hosts === undefined || entry === undefined || entry[source] < 0) return;
    const before = combined(entry);
    entry[source] = -1;
    if (combined(entry) !== before) this.#change(cluster, address);
    const isEmpty = Object.values(entry).every((flags) => flags < 0);
    if (isEmpty) hosts.delete(address);
    if (hosts.size === 0) this.#clusters.delete(cluster);
  }

  /** All flags of a host; 0: healthy, or nobody has said anything. */
  get(cluster: string, address: string): number {
    const entry = this.#clusters.get(cluster)?.get(address);
    return entry === undefined ? 0 : combined(entry);
  }

  /** Tells all of a cluster's flags again: its workers have new hosts of the same addresses. */
  repeat(cluster: string): void {
    for (const address of this.#clusters.get(cluster)?.keys() ?? []) {
      this.#change(cluster, address);
    }
  }

  /** Everything, for a worker that knows nothing yet. */
  *all(): Iterable<readonly [cluster: string, flags: readonly AddressFlags[]]> {
    for (const [cluster, hosts] of this.#clusters) {
      yield [cluster, [...hosts].map(([address, entry]) => [address, combined(entry)] as const)];
    }
  }

  #hosts(cluster: string): Map<string, Entry> {
    const known = this.#clusters.get(cluster);
    if (known !== undefined) return known;
    const made = new Map<string, Entry>();
    this.#clusters.set(cluster, made);
    return made;
  }

  #change(cluster: string, address: string): void {
    if (this.#changed.size === 0) this.#parts.later(() => this.#tell());
    const addresses = this.#changed.get(cluster);
    if (addresses === undefined) this.#changed.set(cluster, new Set([address]));
    else addresses.add(address);
  }

  #tell(): void {
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const [cluster, addresses] of changed) {
      const flags = [...addresses].map((address) => [address, this.get(cluster, address)] as const);
      this.#parts.sink(cluster, flags);
    }
  }
}

function combined(entry: Entry): number {
  return Object.values(entry).reduce((all, flags) => all | Math.max(flags, 0), 0);
}
