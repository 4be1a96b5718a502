// Everything that a primary finds out by asking others: hosts of clusters, whatever way they are
// found, and the sources of what is not in the bootstrap.

import type { ApiConfigSource } from '../../api/gen/envoy/config/core/v3/config_source_pb.js';
import type { Logger } from '../../base/log.ts';
import { sourceKey } from '../../config/compile/config-source.ts';
import type { ClusterConfig, EndpointPolicy } from '../../model/cluster.ts';
import type { ConfigSourceConfig } from '../../model/config-source.ts';
import { EventLoop } from '../../net/event-loop.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import type { Secrets } from '../../tls/secret-hub.ts';
import type { ResolvedEndpoint } from '../../upstream/resolved-endpoint.ts';
import type { DiscoverySource, OpenSource } from '../../xds/discovery.ts';
import type { ClusterDiscovery, EndpointsSink } from '../cluster-discovery.ts';
import type { Configuration } from '../configuration.ts';
import { SYSTEM_CLOCK } from '../system-clock.ts';
import { SystemRandom } from '../system-random.ts';
import { DiscoverySources, type OpenServer } from './discovery-sources.ts';
import { EdsClusters } from './eds-clusters.ts';
import { type ManagementServers, managementServers } from './management-servers.ts';

/** What makes its parts. */
export interface DiscoveryMakers {
  readonly makeDiscovery: (sink: EndpointsSink, stats: StatsScope) => ClusterDiscovery;
}

/** Keeps what a server says; `identity` tells servers apart. */
export type RememberServer = (server: OpenSource, identity: string) => OpenSource;

/** What it works with. */
export interface PrimaryDiscoveryParts extends DiscoveryMakers {
  readonly configuration: Configuration;
  /** Those that serve. */
  readonly secrets: Secrets;
  readonly log: Logger;
  /** The root scope. */
  readonly stats: StatsScope;
  readonly sink: EndpointsSink;
  /** null: what servers say is forgotten with the process. */
  readonly remember: RememberServer | null;
  readonly onPolicy: (cluster: string, policy: EndpointPolicy) => void;
}

/** One per process; each part takes those clusters that are its own. */
export class PrimaryDiscovery implements ClusterDiscovery {
  readonly eds: EdsClusters;
  readonly sources: DiscoverySources;
  readonly servers: ManagementServers;
  readonly #parts: readonly ClusterDiscovery[];

  constructor(parts: PrimaryDiscoveryParts) {
    const { stats, sink, onPolicy, log, configuration, secrets } = parts;
    const loop = new EventLoop(SYSTEM_CLOCK);
    this.servers = managementServers({
      ...{ secrets, stats, loop, log, random: new SystemRandom() },
      ads: configuration.bootstrap.dynamic?.ads ?? null,
      environment: () => configuration.compiler().environment,
      node: () => configuration.message().node,
      findCluster: (name) => configuration.cluster(name),
      endpointsOf: (name) => this.endpoints().get(name),
    });
    const { remember } = parts;
    const ads = configuration.bootstrap.dynamic?.ads ?? null;
    const open: OpenServer = (config) => {
      const server = this.servers.openSource(config);
      if (server === null || remember === null) return server;
      return remember(
        server,
        config.kind === 'ads' && ads !== null ? sourceKey(ads as ApiConfigSource) : config.key,
      );
    };
    this.sources = new DiscoverySources(open, { loop, log });
    const { wallMs } = SYSTEM_CLOCK;
    this.eds = new EdsClusters({ sourceOf: this.sourceOf, stats, sink, onPolicy, wallMs });
    this.#parts = [parts.makeDiscovery(sink, stats), this.eds];
  }

  readonly sourceOf = (config: ConfigSourceConfig): DiscoverySource => this.sources.of(config);

  endpoints(): ReadonlyMap<string, readonly ResolvedEndpoint[]> {
    return new Map(this.#parts.flatMap((part) => [...part.endpoints()]));
  }

  unresolved(): readonly string[] {
    return this.#parts.flatMap((part) => part.unresolved());
  }

  follow(cluster: ClusterConfig): void {
    for (const part of this.#parts) part.follow(cluster);
  }

  forget(name: string): void {
    for (const part of this.#parts) part.forget(name);
  }

  async settled(): Promise<void> {
    await Promise.all(this.#parts.map((part) => part.settled()));
  }

  stop(): void {
    for (const part of this.#parts) part.stop();
    this.sources.close();
  }
}
