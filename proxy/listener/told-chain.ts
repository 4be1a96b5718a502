// A filter chain some of whose network filters are told what to do while it serves. A connection gets
// all of them as they are when its chain is chosen, and keeps them.
import type { DiscoveredSlot } from '../filters/discovered-configs.ts';
import { Lease } from '../filters/lease.ts';
import {
  ADMIT,
  type ConnectionGate,
  type ConnectionGateDefinition,
  type ConnectionGateFactory,
  type DataStatus,
  DENY,
  type GatedConnection,
  type GateStatus,
  type GuardedConnection,
  type ListenerFacts,
  type NetworkFilterDefinition,
  type NetworkFilterFactory,
  type WorkerServices,
} from '../filters/network-filter.ts';
import { ServicesLoan } from '../filters/services-loan.ts';
import type { DownstreamConnectionInfo } from '../http/stream-info.ts';
import { misfitOf } from '../model/discovered-filter.ts';
import type { ExtensionInstance, FilterDiscovery, ToldFilter } from '../model/extension.ts';
import type { Counter } from '../stats/metrics.ts';

/** What makes the filters of connections. */
export interface ChainFactories {
  readonly gates: readonly ConnectionGateFactory[];
  readonly terminal: NetworkFilterFactory;
}

/** What a chain is built with. */
export interface ToldChainParts {
  readonly services: WorkerServices;
  readonly listener: ListenerFacts;
}

/** A filter as it is now. */
interface Version {
  readonly filter: ToldFilter;
  readonly gate: ConnectionGateFactory | null;
  /** Not null for the chain's last filter. */
  readonly terminal: NetworkFilterFactory | null;
  /** null: it lives as long as its listener. */
  readonly lease: Lease | null;
}

type Versions = readonly (Version | null)[];

/** The factories of a chain with filters that are told what to do. */
export function toldChain(
  instances: readonly ExtensionInstance[],
  parts: ToldChainParts,
): ChainFactories {
  const chain = new ToldChain(instances, parts);
  const inner = instances.slice(0, -1).map((_instance, place) => ({
    createGate: () => new ToldGate(chain, place),
  }));
  return {
    gates: [{ createGate: () => new ChainGate(chain) }, ...inner],
    terminal: {
      create: (connection, info) => chain.terminalOf(info).create(connection, info),
      refreshGauges: () => chain.refreshGauges(),
    },
  };
}

class ToldChain {
  readonly missing: Counter;
  readonly #instances: readonly ExtensionInstance[];
  readonly #slots: readonly (DiscoveredSlot<ToldFilter> | null)[];
  readonly #parts: ToldChainParts;
  /** What each connection began with. */
  readonly #begun = new WeakMap<DownstreamConnectionInfo, Versions>();
  #versions: Versions;

  constructor(instances: readonly ExtensionInstance[], parts: ToldChainParts) {
    this.#instances = instances;
    this.#parts = parts;
    this.missing = parts.listener.scope.counter('network_extension_config_missing');
    this.#slots = instances.map(({ discovery }, place) =>
      discovery === undefined
        ? null
        : parts.services.discovered.open(discovery.ref, () => this.#onTold(place)),
    );
    this.#versions = instances.map((_instance, place) => this.#make(place));
  }

  /** The filters of a new connection; false: one of them was never told what to do. */
  begin(info: DownstreamConnectionInfo): boolean {
    if (this.#versions.includes(null)) return false;
    this.#begun.set(info, this.#versions);
    for (const version of this.#versions) version?.lease?.hold();
    return true;
  }

  /** The connection is gone. */
  end(info: DownstreamConnectionInfo): void {
    const versions = this.#begun.get(info);
    if (versions === undefined) return;
    this.#begun.delete(info);
    for (const version of versions) version?.lease?.letGo();
  }

  /** Null: the connection has not begun. */
  gateOf(info: DownstreamConnectionInfo, place: number): ConnectionGate | null {
    return this.#begun.get(info)?.[place]?.gate?.createGate() ?? null;
  }

  /** Behind the gates, which let nobody through who has not begun. */
  terminalOf(info: DownstreamConnectionInfo): NetworkFilterFactory {
    return this.#begun.get(info)?.at(-1)?.terminal as NetworkFilterFactory;
  }

  refreshGauges(): void {
    this.#versions.at(-1)?.terminal?.refreshGauges?.();
  }

  #onTold(place: number): void {
    const before = this.#versions[place] ?? null;
    if (this.#filterAt(place) === (before?.filter ?? null)) return;
    const made = this.#make(place);
    this.#versions = this.#versions.map((version, at) => (at === place ? made : version));
    before?.lease?.letGo();
  }

  /** What does not fit here is as good as nothing. */
  #filterAt(place: number): ToldFilter | null {
    const instance = this.#instances[place] as ExtensionInstance;
    const slot = this.#slots[place] ?? null;
    if (slot === null) return instance;
    const { ref, fallback } = instance.discovery as FilterDiscovery;
    return slot.value !== null && misfitOf(slot.value, ref) === '' ? slot.value : fallback;
  }

  #make(place: number): Version | null {
    const filter = this.#filterAt(place);
    if (filter === null) return null;
    const { services, listener } = this.#parts;
    const loan = this.#slots[place] === null ? null : new ServicesLoan(services);
    const lease = loan === null ? null : new Lease(loan);
    lease?.hold();
    const made = factoriesOf(filter, place === this.#instances.length - 1, {
      services: loan?.services ?? services,
      listener,
    });
    return { filter, ...made, lease };
  }
}

function factoriesOf(
  { definition, config }: ToldFilter,
  isLast: boolean,
  { services, listener }: ToldChainParts,
): Pick<Version, 'gate' | 'terminal'> {
  if (isLast) {
    const { factory } = definition as NetworkFilterDefinition;
    return { gate: null, terminal: factory(config, services, listener) };
  }
  const { gateFactory } = definition as ConnectionGateDefinition;
  return { gate: gateFactory(config, services, listener), terminal: null };
}

/** In front of all: takes note of the filters as they are, or lets nobody in. */
class ChainGate implements ConnectionGate {
  readonly #chain: ToldChain;
  #info: DownstreamConnectionInfo | null = null;

  constructor(chain: ToldChain) {
    this.#chain = chain;
  }

  onConnection({ info }: GatedConnection): GateStatus {
    this.#info = info;
    if (this.#chain.begin(info)) return ADMIT;
    this.#chain.missing.inc();
    return DENY;
  }

  onClose(): void {
    if (this.#info !== null) this.#chain.end(this.#info);
  }
}

/** The gate of one place, as it is when the connection comes. */
class ToldGate implements ConnectionGate {
  readonly #chain: ToldChain;
  readonly #place: number;
  #gate: ConnectionGate | null = null;

  constructor(chain: ToldChain, place: number) {
    this.#chain = chain;
    this.#place = place;
  }

  onConnection(gated: GatedConnection): GateStatus {
    this.#gate = this.#chain.gateOf(gated.info, this.#place);
    return this.#gate?.onConnection(gated) ?? DENY;
  }

  onData(guarded: GuardedConnection): DataStatus {
    return this.#gate?.onData?.(guarded) ?? ADMIT;
  }

  onClose(): void {
    this.#gate?.onClose?.();
  }
}
