// config.core.v3.Metadata: what resources say of themselves, for formatters, matchers and filters.
import type { Metadata } from '../../api/gen/envoy/config/core/v3/base_pb.js';
import { type FilterMetadata, NO_METADATA } from '../../model/match-tree.ts';

/** filter_metadata by namespace, as values of its own; typed_filter_metadata has no readers. */
export function compileMetadata(metadata: Metadata | undefined): FilterMetadata {
  return metadata === undefined ? NO_METADATA : structuredClone(metadata.filterMetadata);
}
