// Where resources come from that do not stand in the configuration itself.
import type { Message } from '@bufbuild/protobuf';

/** core.v3.ConfigSource. Sources with equal keys are one: whoever names it shares it. */
export type ConfigSourceConfig =
  /** The server of dynamic_resources.ads_config. */
  | { readonly kind: 'ads'; readonly key: 'ads'; readonly fetchTimeoutMs: number }
  /** A file of DiscoveryResponse, watched (core.v3.PathConfigSource). */
  | {
      readonly kind: 'path';
      /** `path:<path>` */
      readonly key: string;
      readonly path: string;
      /** What is watched; '' for the file's own directory. */
      readonly directory: string;
      readonly fetchTimeoutMs: number;
    }
  /** A server of its own; `api` is the core.v3.ApiConfigSource that says which. */
  | {
      readonly kind: 'api';
      /** `api:<hash of the message>` */
      readonly key: string;
      readonly api: Message;
      readonly fetchTimeoutMs: number;
    };

/** Envoy core.v3.ConfigSource.initial_fetch_timeout: waiting longer keeps listeners closed. */
export const DEFAULT_FETCH_TIMEOUT_MS = 15_000;

/** bootstrap.v3.Bootstrap.DynamicResources; null: not configured. */
export interface DynamicResourcesConfig {
  readonly lds: ConfigSourceConfig | null;
  readonly cds: ConfigSourceConfig | null;
  /** The core.v3.ApiConfigSource of the aggregated server. */
  readonly ads: Message | null;
}

/** A part of a configuration that is found by name: a route table, a filter's configuration. */
export interface DiscoveredRef {
  readonly kind: 'route' | 'scopes' | FilterKind;
  /** Made of the source's and the name: who refers to the same key gets the same. */
  readonly key: string;
  readonly name: string;
  readonly source: ConfigSourceConfig;
  /** Where it counts if it is the first to refer to it: `http.<stat_prefix>.rds.<name>`. */
  readonly statsScope?: string;
}

/** The sorts of filter, each with subscriptions of its own. */
export type FilterKind = 'http-filter' | 'network-filter' | 'listener-filter';

/** Which configurations fit one place in a chain. */
export interface FilterRules {
  /** Full names of the messages that may come (`type_urls`). */
  readonly typeNames: readonly string[];
  /** The last filter of a chain is terminal, and no other. null: no filter of this sort is. */
  readonly isLast: boolean | null;
  /** It is a chain of upgrade_configs; absent: http_filters, or no HTTP filters at all. */
  readonly isOfUpgrade?: boolean;
}

/** A filter's configuration by name. */
export interface FilterRef extends DiscoveredRef {
  readonly kind: FilterKind;
  readonly rules: FilterRules;
  /** False: its chain serves before anything came (apply_default_config_without_warming). */
  readonly isAwaited: boolean;
}

/** The scopes of a connection manager. */
export interface ScopesRef extends DiscoveredRef {
  readonly kind: 'scopes';
  /** Where tables come from that scopes name; null: they have to stand in the scopes. */
  readonly routes: ConfigSourceConfig | null;
  /** `http.<prefix>.`: whose statistics count them. */
  readonly statPrefix: string;
}

/** A route table by its name. */
export function routeRef(name: string, source: ConfigSourceConfig): DiscoveredRef {
  return { kind: 'route', key: `${source.key}/${name}`, name, source };
}
