// What the upstream side of a worker is given by whoever starts it.
import type { SharedCells } from '../base/cells/shared-cells.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { TimerWheel } from '../base/timer-wheel.ts';
import type { ByteSink, ClientCodec, ClientCodecHandler, CodecServices } from '../http/codec.ts';
import type { H2Counters } from '../http/h2/counters.ts';
import type { ClusterConfig, LocalityConfig, UpstreamHttpConfig } from '../model/cluster.ts';
import type { Connector } from '../net/connector.ts';
import type { StatsScope } from '../stats/metrics.ts';
import type { Secrets } from '../tls/secret-hub.ts';
import type { TlsServices } from '../tls/tls-services.ts';
import type { HealthReports } from './check-reporter.ts';
import type { CircuitBreakers } from './circuit-breakers.ts';
import type { ClusterStats } from './cluster-stats.ts';
import type { DnsResolver } from './dns/dns-resolver.ts';
import type { StreakSink } from './outlier/outlier-monitor.ts';
import type { ClusterTransports } from './transport/cluster-transports.ts';

/** What all codecs of one pool are made of. */
export type ClientCodecSetup =
  | { readonly protocol: 'tunnel'; readonly http: UpstreamHttpConfig }
  | { readonly protocol: 'http1'; readonly http: UpstreamHttpConfig; readonly random: Random }
  | {
      readonly protocol: 'http2';
      readonly http: UpstreamHttpConfig;
      readonly services: CodecServices;
      /** `cluster.<name>.http2.` */
      readonly counters: H2Counters;
    };

/** What all connections of one pool have in common. */
export type PoolSetup =
  | ClientCodecSetup
  | {
      /** What ALPN chooses on each connection (auto_config). */
      readonly protocol: 'auto';
      readonly http: UpstreamHttpConfig;
      readonly http1: ClientCodecSetup;
      readonly http2: ClientCodecSetup;
    };

/** Makes the codec of a new upstream connection. */
export interface ClientCodecFactory {
  create(setup: ClientCodecSetup, sink: ByteSink, handler: ClientCodecHandler): ClientCodec;
}

/** Services of one worker; they outlive every cluster. */
export interface UpstreamContext {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly random: Random;
  readonly connector: Connector;
  readonly codecs: ClientCodecFactory;
  readonly codecServices: CodecServices;
  /** The root scope: clusters count under `cluster.<name>.`. */
  readonly stats: StatsScope;
  /** What all workers count together. */
  readonly cells: SharedCells;
  /** What the TLS contexts of clusters refer to by key. */
  readonly secrets: Secrets;
  /** Resolves the names that requests bring along; absent: none has an address. */
  readonly resolver?: DnsResolver;
  /** What its TLS contexts are made with. */
  readonly tls: TlsServices;
  /** Hears of hosts under outlier detection that failed too often in a row. */
  readonly streaks: StreakSink;
  /** null: nobody makes health checks. */
  readonly healthReports: HealthReports | null;
  /**
   * Where the proxy is: its node's locality, and cluster_manager.local_cluster_name, the cluster of
   * its likes. Absent: nobody says.
   */
  readonly place?: { readonly locality: LocalityConfig | null; readonly clusterName: string };
  /** Runs a task in a later turn of the event loop; absent: all work is done at once. */
  readonly later?: (task: () => void) => void;
  /** Component `upstream`. */
  readonly log: Logger;
}

/** What the pools of one cluster share. */
export interface ClusterResources {
  readonly config: ClusterConfig;
  readonly context: UpstreamContext;
  readonly stats: ClusterStats;
  readonly breakers: CircuitBreakers;
  /** What carries its connections. */
  readonly transports: ClusterTransports;
}
