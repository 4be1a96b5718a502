// Scoped routes as `/config_dump` shows them.
import type { DumpedResource } from '../../admin/backend.ts';
import type { Listener } from '../../api/gen/envoy/config/listener/v3/listener_pb.js';
import { inlineScopes } from '../../config/compile/prepared-route-tables.ts';
import type { Primary } from '../primary.ts';

/** Those that stand in listeners, then those that were told. */
export function dumpedScopes({ configuration, publisher }: Primary): readonly DumpedResource[] {
  const { store } = configuration;
  const written = store.ofKind('listener').flatMap(({ resource, acceptedMs }) =>
    inlineScopes(resource.message as Listener).map(({ name, list }) => ({
      ...{ name, message: list, state: 'static' as const },
      ...{ version: '', lastUpdatedMs: acceptedMs, error: null },
    })),
  );
  const told = publisher.configs.refs().flatMap((ref): readonly DumpedResource[] => {
    const stored = ref.kind === 'scopes' ? store.get(ref.kind, ref.key) : null;
    if (stored === null) return [];
    const { resource, acceptedMs: lastUpdatedMs, refused } = stored;
    const { message, version } = resource;
    const error = refused === null ? null : { ...refused, lastAttemptMs: refused.wallMs };
    return [{ name: ref.name, message, state: 'active', version, lastUpdatedMs, error }];
  });
  return [...written, ...told];
}
