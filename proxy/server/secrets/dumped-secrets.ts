// Secrets as `/config_dump` shows them; what is secret in them its printer hides.
import { create } from '@bufbuild/protobuf';
import type { DumpedResource } from '../../admin/backend.ts';
import { SecretSchema } from '../../api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import type { Primary } from '../primary.ts';

/** Static secrets of the bootstrap, then those that are supplied by name. */
export function dumpedSecrets({ configuration, publisher }: Primary): readonly DumpedResource[] {
  const { acceptedMs, store } = configuration;
  const fixed = configuration.staticSecrets().map((message) => ({
    ...{ name: message.name, message, error: null },
    ...{ state: 'static' as const, version: '', lastUpdatedMs: acceptedMs },
  }));
  const supplied = publisher.secrets.refs().flatMap((ref): readonly DumpedResource[] => {
    const { key, name, source } = ref;
    if (source.kind !== 'path' && source.kind !== 'xds') return [];
    const stored = store.get('secret', key);
    if (stored === null) {
      const message = create(SecretSchema, { name });
      const warming = { state: 'warming' as const, version: 'uninitialized', error: null };
      return [{ ...warming, name, message, lastUpdatedMs: publisher.startedMs }];
    }
    const { resource, acceptedMs: lastUpdatedMs } = stored;
    const { message, version } = resource;
    return [{ state: 'active', name, message, version, lastUpdatedMs, error: null }];
  });
  return [...fixed, ...supplied];
}
