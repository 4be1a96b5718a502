// Which gRPC methods are counted on their own.
import { type GrpcMethod, grpcMethodOf } from '../../../http/grpc.ts';
import type { ClusterGrpcStats, GrpcCallStats } from '../../../upstream/cluster-grpc-stats.ts';

/** per_method_stat_specifier */
export type MethodSelection =
  | { readonly kind: 'together' }
  /** Every one; with `replacesDots` the service's name has `_` for `.`. */
  | { readonly kind: 'each'; readonly replacesDots: boolean }
  /** By service; all others together. */
  | { readonly kind: 'listed'; readonly methods: ReadonlyMap<string, ReadonlySet<string>> };

/** extensions.filters.http.grpc_stats.v3.FilterConfig */
export interface GrpcStatsConfig {
  readonly methods: MethodSelection;
  readonly emitsFilterState: boolean;
  readonly recordsUpstreamTime: boolean;
}

/** Where a call is counted; null: its path names no method. */
export function selectStats(
  selection: MethodSelection,
  stats: ClusterGrpcStats,
  path: string,
): GrpcCallStats | null {
  const called = grpcMethodOf(path);
  if (called === null) return null;
  switch (selection.kind) {
    case 'together':
      return stats.all('grpc');
    case 'each':
      return stats.of('grpc', selection.replacesDots ? withoutDots(called) : called);
    case 'listed': {
      const isListed = selection.methods.get(called.service)?.has(called.method) === true;
      return isListed ? stats.of('grpc', called) : stats.all('grpc');
    }
  }
}

function withoutDots({ service, method }: GrpcMethod): GrpcMethod {
  return { service: service.replaceAll('.', '_'), method };
}
