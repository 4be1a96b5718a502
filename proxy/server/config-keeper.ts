// The keeper of what listeners refer to by name and servers or files tell: route tables, scopes,
// configurations of filters.
import { create, type Message } from '@bufbuild/protobuf';
import {
  type ApiConfigSource,
  ApiConfigSource_ApiType as ApiType,
} from '../api/gen/envoy/config/core/v3/config_source_pb.js';
import { TypedExtensionConfigSchema } from '../api/gen/envoy/config/core/v3/extension_pb.js';
import type { Logger } from '../base/log.ts';
import type { ConfigSourceConfig, DiscoveredRef } from '../model/config-source.ts';
import type { RejectedResource, Resource } from '../model/resource.ts';
import type { StatsScope } from '../stats/metrics.ts';
import type { DiscoverySource } from '../xds/discovery.ts';
import type { Configuration } from './configuration.ts';
import { openConfigSupply } from './discovery/config-supplies.ts';
import type { CheckedRoutes } from './discovery/supply-from-source.ts';
import { NeedKeeper } from './need-keeper.ts';

/** What it works with. */
export interface ConfigKeeperParts {
  readonly configuration: Configuration;
  readonly sourceOf: (config: ConfigSourceConfig) => DiscoverySource;
  /** The root scope. */
  readonly stats: StatsScope;
  readonly log: Logger;
  /** Takes a version over; answers why not, '' when it is in use. */
  readonly use: (resource: Resource) => string;
  readonly drop: (kind: Resource['kind'], name: string) => void;
  readonly onSettled: (users: Iterable<string>) => void;
}

const DELTA_ONLY = 'vhds: ADS must use DELTA_GRPC api_type when used as VHDS config source.';

/** One per process. */
export function configKeeper(parts: ConfigKeeperParts): NeedKeeper<DiscoveredRef, Message> {
  const { configuration, sourceOf, stats, log, use, drop, onSettled } = parts;
  const keeper: NeedKeeper<DiscoveredRef, Message> = new NeedKeeper<DiscoveredRef, Message>({
    ...{ noun: 'configuration', onSettled, log },
    use: ({ kind, key }, message, version) =>
      use({ kind, name: key, version, message, isDynamic: true }),
    drop: ({ kind, key }) => drop(kind, key),
    // A filter without a configuration, which is no longer what it was told.
    withdraw: ({ kind, key, name }) => {
      const message = create(TypedExtensionConfigSchema, { name });
      use({ kind, name: key, version: '', message, isDynamic: true });
    },
    open: (ref, sink) =>
      openConfigSupply(ref, sink, {
        ...{ sourceOf, stats },
        refs: () => keeper.refsOf(ref.key),
        onUnusable: (details, version) => {
          const refused = { details, version, message: null };
          configuration.store.noteRefused({ kind: ref.kind, name: ref.key }, refused);
        },
        checkRoutes: (message) => checkRoutes(message, ref, configuration),
      }),
    isKnown: () => false,
  });
  return keeper;
}

/** Every problem of a resource as `path: reason`. */
export function problemText({ problems }: RejectedResource): string {
  return problems.map(({ path, reason }) => `${path}: ${reason}`).join('; ');
}

function checkRoutes(
  message: Message,
  { kind, key: name }: DiscoveredRef,
  configuration: Configuration,
): CheckedRoutes {
  const resource = { kind, name, version: '', message };
  const { config, rejected } = configuration.compiler().route(resource);
  if (rejected !== null) return { ok: false, error: problemText(rejected) };
  const vhds = config?.vhds ?? null;
  const ads = configuration.bootstrap.dynamic?.ads as ApiConfigSource | null | undefined;
  if (vhds?.kind === 'ads' && ads?.apiType !== ApiType.DELTA_GRPC) {
    return { ok: false, error: DELTA_ONLY };
  }
  return { ok: true, vhds };
}
