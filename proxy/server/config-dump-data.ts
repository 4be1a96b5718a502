// What `/config_dump` shows of the running proxy: every resource with its state and where it is from.
import { create } from '@bufbuild/protobuf';
import type { ConfigDumpData, DumpedResource } from '../admin/backend.ts';
import {
  type Bootstrap,
  BootstrapSchema,
} from '../api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { NodeSchema } from '../api/gen/envoy/config/core/v3/base_pb.js';
import type { Listener } from '../api/gen/envoy/config/listener/v3/listener_pb.js';
import { inlineRoutes } from '../config/compile/prepared-route-tables.ts';
import type { ResourceKind } from '../model/resource.ts';
import { dumpedFilters } from './discovery/dumped-filters.ts';
import { dumpedScopes } from './discovery/dumped-scopes.ts';
import type { Primary } from './primary.ts';
import type { RefusedUpdate, StoredResource } from './resource-store.ts';
import { dumpedSecrets } from './secrets/dumped-secrets.ts';

/** Everything as it is now. */
export function configDumpData(primary: Primary): ConfigDumpData {
  const { configuration, dynamic } = primary;
  const { store, acceptedMs, refused: refusedFile } = configuration;
  const message = dumpedBootstrap(primary);
  const error = refusedFile === null ? null : errorOf(refusedFile);
  const bootstrap = { ...STATIC, name: '', message, lastUpdatedMs: acceptedMs, error };
  return {
    bootstrap,
    clusters: clusters(primary),
    listeners: [
      ...inUse(primary, 'listener'),
      ...store.warming('listener').map((stored) => dumped(stored, 'warming')),
      ...store.neverGood('listener').map(({ resource: { name, message: bad }, refused }) => ({
        ...{ name, message: bad, state: 'refused' as const, version: '' },
        ...{ lastUpdatedMs: refused.wallMs, error: errorOf(refused) },
      })),
    ],
    routes: [...staticRoutes(primary), ...inUse(primary, 'route').map(withOwnName)],
    secrets: dumpedSecrets(primary),
    filters: dumpedFilters(primary),
    scopes: dumpedScopes(primary),
    clustersVersion: dynamic.clusters?.version ?? '',
    listenersVersion: dynamic.listeners?.version ?? '',
  };
}

/**
 * The bootstrap. Its node is what servers are told, as in Envoy, and tells which extensions of the
 * configuration do nothing here.
 */
function dumpedBootstrap({ configuration, discovery }: Primary): Bootstrap {
  const own = discovery.servers.node();
  const extensions = [...own.extensions, ...configuration.passedThrough.asDisabled()];
  const node = Object.assign(create(NodeSchema), own, { extensions });
  return Object.assign(create(BootstrapSchema), configuration.message(), { node });
}

const STATIC = { state: 'static', version: '', error: null } as const;

/** A cluster whose hosts are not known or not checked yet does not serve, though it is accepted. */
function clusters(primary: Primary): readonly DumpedResource[] {
  const { store } = primary.configuration;
  const waiting = new Set([...primary.discovery.unresolved(), ...primary.checks.waiting()]);
  const accepted = store.ofKind('cluster').map((stored) => {
    const isWarming = waiting.has(stored.resource.name);
    return dumped(stored, isWarming ? 'warming' : 'active');
  });
  return [...accepted, ...store.warming('cluster').map((stored) => dumped(stored, 'warming'))];
}

function inUse({ configuration }: Primary, kind: ResourceKind): readonly DumpedResource[] {
  return configuration.store.ofKind(kind).map((stored) => dumped(stored, 'active'));
}

function dumped(
  { resource, acceptedMs, refused }: StoredResource,
  state: 'active' | 'warming',
): DumpedResource {
  const { name, message, version, isDynamic } = resource;
  const error = refused === null ? null : errorOf(refused);
  const shared = { name, message, lastUpdatedMs: acceptedMs };
  if (isDynamic !== true) return { ...STATIC, ...shared, error };
  return { ...shared, state, version, error };
}

function errorOf({ wallMs, ...refused }: RefusedUpdate): DumpedResource['error'] {
  return { ...refused, lastAttemptMs: wallMs };
}

/** In the store it is called by its source, too. */
function withOwnName(resource: DumpedResource): DumpedResource {
  return { ...resource, name: (resource.message as { readonly name?: string }).name ?? '' };
}

/** Tables that stand in listeners. */
function staticRoutes({ configuration }: Primary): readonly DumpedResource[] {
  return configuration.store.ofKind('listener').flatMap(({ resource, acceptedMs }) =>
    inlineRoutes(resource.message as Listener).map((message) => ({
      ...STATIC,
      ...{ name: message.name, message, lastUpdatedMs: acceptedMs },
    })),
  );
}
