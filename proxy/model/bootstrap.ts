// What a bootstrap says about the process itself; its listeners and clusters are resources.

import type { Message } from '@bufbuild/protobuf';
import type { SocketAddress } from '../base/address.ts';
import type { AccessLogConfig } from './access-log.ts';
import type { LocalityConfig } from './cluster.ts';
import type { DynamicResourcesConfig } from './config-source.ts';
import type { OverloadConfig } from './overload.ts';
import type { StringMatchConfig } from './route-match.ts';
import type { RuntimeLayerConfig, RuntimeValue } from './runtime.ts';

/** config.bootstrap.v3.Bootstrap without its resources. */
export interface BootstrapConfig {
  readonly node: NodeConfig;
  /** cluster_manager.local_cluster_name: the cluster of this proxy and its likes; '': none. */
  readonly localClusterName: string;
  /** Servers and files that listeners and clusters come from; null: from none. */
  readonly dynamic: DynamicResourcesConfig | null;
  /** cluster_manager.load_stats_config, a core.v3.ApiConfigSource; null: load is not reported. */
  readonly loadStats: Message | null;
  /** hds_config, a core.v3.ApiConfigSource; null: no server asks for health checks. */
  readonly hds: Message | null;
  /** null: no admin interface. */
  readonly admin: AdminConfig | null;
  readonly stats: StatsConfig;
  /** Layers of the runtime; the last one that has a key decides. */
  readonly runtimeLayers: readonly RuntimeLayerConfig[];
  /** What all of them say together when the process starts. */
  readonly runtime: ReadonlyMap<string, RuntimeValue>;
  /**
   * Downstream connections of the whole process, from the overload manager's monitor
   * envoy.resource_monitors.global_downstream_max_connections; null: the runtime key
   * `overload.global_downstream_max_connections` decides.
   */
  readonly globalConnectionLimit: number | null;
  /** null: there is nothing to watch but what is always watched. */
  readonly overload: OverloadConfig | null;
  readonly statsFlushIntervalMs: number;
  /** cluster_manager.outlier_detection.event_log_path; '': no event of outlier detection is logged. */
  readonly outlierLogPath: string;
  /**
   * Octets that wait at most in each direction of a connection to an internal listener; null: the
   * extension envoy.bootstrap.internal_listener is not there, and such listeners are refused.
   */
  readonly internalBufferBytes: number | null;
}

/**
 * Envoy InternalListener.buffer_size_kb: more costs memory per slow peer, less costs throughput.
 */
export const DEFAULT_INTERNAL_BUFFER_BYTES = 1024 * 1024;

/** config.core.v3.Node */
export interface NodeConfig {
  readonly id: string;
  readonly cluster: string;
  readonly locality: LocalityConfig;
}

/** config.bootstrap.v3.Admin */
export interface AdminConfig {
  readonly address: SocketAddress;
  readonly accessLogs: readonly AccessLogConfig[];
}

/** config.metrics.v3.StatsConfig */
export interface StatsConfig {
  /** Which names are kept; null: all. */
  readonly matcher:
    | { readonly kind: 'reject-all' }
    | { readonly kind: 'include' | 'exclude'; readonly patterns: readonly StringMatchConfig[] }
    | null;
  readonly useAllDefaultTags: boolean;
  readonly tags: readonly StatsTagConfig[];
  /** Bucket bounds by name matcher, first match wins. */
  readonly histogramBuckets: readonly {
    readonly match: StringMatchConfig;
    readonly bounds: readonly number[];
  }[];
}

/**
 * config.metrics.v3.TagSpecifier: a regex on names, or a fixed value on every metric. The empty
 * regex stands for that of the default tag with this name.
 */
export type StatsTagConfig =
  | { readonly name: string; readonly regex: string }
  | { readonly name: string; readonly fixedValue: string };
