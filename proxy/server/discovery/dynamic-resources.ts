// dynamic_resources: clusters and listeners that servers and files tell (CDS, LDS), in Envoy's order
// and with Envoy's words about what cannot be used.
import type { Cluster } from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import type { Listener } from '../../api/gen/envoy/config/listener/v3/listener_pb.js';
import type { Logger } from '../../base/log.ts';
import type { ConfigSourceConfig } from '../../model/config-source.ts';
import type { Resource } from '../../model/resource.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import { TYPE_URLS } from '../../xds/resource-types.ts';
import type { Configuration } from '../configuration.ts';
import type { Publisher } from '../publisher.ts';
import { SYSTEM_CLOCK } from '../system-clock.ts';
import { Collection, type Refusal } from './collection.ts';
import type { DiscoverySources } from './discovery-sources.ts';

/** What dynamic resources work with. */
export interface DynamicResourcesParts {
  readonly configuration: Configuration;
  readonly publisher: Publisher;
  readonly sources: DiscoverySources;
  /** The root scope. */
  readonly stats: StatsScope;
  readonly log: Logger;
  /** Resolves when every cluster that was accepted by now may be used. */
  readonly whenClustersWarm: () => Promise<void>;
}

/** One per process. */
export class DynamicResources {
  readonly clusters: Collection | null;
  readonly listeners: Collection | null;
  readonly #parts: DynamicResourcesParts;

  constructor(parts: DynamicResourcesParts) {
    this.#parts = parts;
    const { dynamic } = parts.configuration.bootstrap;
    const { cds = null, lds = null } = dynamic ?? {};
    this.clusters = cds === null ? null : this.#clusters(cds);
    this.listeners = lds === null ? null : this.#listeners(lds);
  }

  /** A resource that was in use is of no use after all: whoever told it hears why. */
  refuse(kind: Resource['kind'], name: string, reason: string): void {
    if (kind === 'cluster') this.clusters?.refuse(name, reason);
    if (kind === 'listener') this.listeners?.refuse(name, reason);
  }

  stop(): void {
    this.clusters?.stop();
    this.listeners?.stop();
  }

  #clusters(config: ConfigSourceConfig): Collection {
    const { publisher, configuration, sources, stats, log, whenClustersWarm } = this.#parts;
    const source = sources.of(config);
    let isPaused = false;
    const scope = stats.scope('cluster_manager.cds');
    const reloads = scope.counter('config_reload');
    const reloadTime = scope.gauge('config_reload_time_ms');
    return new Collection({
      ...{ kind: 'cluster', typeUrl: TYPE_URLS.cluster, config, source, log, stats: scope },
      isStatic: (name) => configuration.isStatic('cluster', name),
      nameOf: (message) => (message as Cluster).name,
      noteRefused: (name, refused) =>
        configuration.store.noteRefused({ kind: 'cluster', name }, refused),
      conflictOf: () => '',
      submit: (update) => publisher.submit(update),
      refusalText: (refusals) =>
        `Error adding/updating cluster(s) ${refusals.map(asText).join(', ')}`,
      onReloaded: () => {
        reloads.inc();
        reloadTime.set(SYSTEM_CLOCK.wallMs());
      },
      // Endpoints are asked for once, for all clusters that came.
      onBegin: () => {
        const resume = source.pause(TYPE_URLS.endpoint);
        return () => void publisher.applied().then(resume, resume);
      },
      // As Envoy: what was sent counts as taken once all of it can be used.
      onTaken: () => {
        if (isPaused) return;
        isPaused = true;
        const resume = source.pause(TYPE_URLS.cluster);
        void whenClustersWarm().then(() => {
          isPaused = false;
          resume();
        });
      },
    });
  }

  #listeners(config: ConfigSourceConfig): Collection {
    const { publisher, configuration, sources, stats, log } = this.#parts;
    return new Collection({
      ...{ kind: 'listener', typeUrl: TYPE_URLS.listener, config, log },
      source: sources.of(config),
      stats: stats.scope('listener_manager.lds'),
      isStatic: (name) => configuration.isStatic('listener', name),
      nameOf: (message) => this.#nameOf(message as Listener),
      noteRefused: (name, refused) =>
        configuration.store.noteRefused({ kind: 'listener', name }, refused),
      conflictOf: (resource) => this.#takenAddress(resource),
      submit: (update) => publisher.submit(update),
      refusalText: (refusals) =>
        `Error adding/updating listener(s) ${refusals.map((it) => `${asText(it)}\n`).join('')}`,
      onBegin: () => () => undefined,
      onTaken: () => undefined,
      onReloaded: () => undefined,
    });
  }

  /** A listener without a name is called by its address. */
  #nameOf(message: Listener): string {
    const resource: Resource = { kind: 'listener', name: '', version: '', message };
    return this.#parts.configuration.compiler().listener(resource).config?.name ?? '';
  }

  /** Envoy: no two listeners are bound to one address. */
  #takenAddress(resource: Resource): string {
    const { configuration } = this.#parts;
    const config = configuration.compiler().listener(resource).config;
    const taken =
      config === null ? null : configuration.addresses.conflictOf(resource.name, config);
    if (taken === null) return '';
    return `error adding listener: '${resource.name}' has duplicate address '${taken.address}' as existing listener, to check if the listener has duplicated addresses with other listeners or 'enable_reuse_port' is set to 'false' for the listener`;
  }
}

function asText({ name, reason }: Refusal): string {
  return `${name}: ${reason}`;
}
