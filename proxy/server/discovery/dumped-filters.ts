// Filters that are told what to do, as `/config_dump` shows them.
import type { DumpedResource } from '../../admin/backend.ts';
import type { TypedExtensionConfig } from '../../api/gen/envoy/config/core/v3/extension_pb.js';
import { FILTER_KINDS } from '../../model/discovered-filter.ts';
import type { Primary } from '../primary.ts';

/** By sort, each that is referred to; those that were told nothing, or nothing any more, are left out. */
export function dumpedFilters({
  configuration,
  publisher,
}: Primary): readonly (readonly DumpedResource[])[] {
  const { store } = configuration;
  const refs = publisher.configs.refs();
  return Object.keys(FILTER_KINDS).flatMap((kind) => {
    const wanted = refs.filter((ref) => ref.kind === kind);
    if (wanted.length === 0) return [];
    const told = wanted.flatMap((ref): readonly DumpedResource[] => {
      const stored = store.get(ref.kind, ref.key);
      if (stored === null) return [];
      const { resource, acceptedMs: lastUpdatedMs, refused } = stored;
      const { message, version } = resource;
      if ((message as TypedExtensionConfig).typedConfig === undefined) return [];
      const error = refused === null ? null : { ...refused, lastAttemptMs: refused.wallMs };
      return [{ name: ref.name, message, state: 'active', version, lastUpdatedMs, error }];
    });
    return [told];
  });
}
