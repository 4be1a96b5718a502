// Counts gRPC calls and their messages by cluster and method.
import { GrpcMethodListSchema } from '../../api/gen/envoy/config/core/v3/grpc_method_list_pb.js';
import {
  type FilterConfig,
  FilterConfigSchema,
} from '../../api/gen/envoy/extensions/filters/http/grpc_stats/v3/config_pb.js';
import { MAX_GRPC_METHODS, MAX_GRPC_NAME_LENGTH } from '../../upstream/cluster-grpc-stats.ts';
import type { HttpFilterDefinition } from '../http-filter.ts';
import { GrpcStatsFilter } from './grpc-stats/grpc-stats-filter.ts';
import type { GrpcStatsConfig, MethodSelection } from './grpc-stats/method-selection.ts';

const BOUND = `the first ${MAX_GRPC_METHODS} methods of a cluster whose names have at most ${MAX_GRPC_NAME_LENGTH} octets; the others are counted together`;

/** envoy.filters.http.grpc_stats */
export const grpcStatsDefinition: HttpFilterDefinition<FilterConfig, GrpcStatsConfig> = {
  name: 'envoy.filters.http.grpc_stats',
  schema: FilterConfigSchema,
  isTerminal: false,
  support: {
    [FilterConfigSchema.typeName]: {
      emit_filter_state: 'honoured',
      individual_method_stats_allowlist: 'honoured',
      stats_for_all_methods: { partly: BOUND },
      enable_upstream_stats: 'honoured',
      replace_dots_in_grpc_service_name: 'honoured',
    },
    [GrpcMethodListSchema.typeName]: { services: 'honoured' },
    [`${GrpcMethodListSchema.typeName}.Service`]: { name: 'honoured', method_names: 'honoured' },
  },
  compile: (message) =>
    Object.freeze({
      methods: selectionOf(message),
      emitsFilterState: message.emitFilterState,
      recordsUpstreamTime: message.enableUpstreamStats,
    }),
  factory: (config) => ({ create: (callbacks) => new GrpcStatsFilter(config, callbacks) }),
};

function selectionOf(message: FilterConfig): MethodSelection {
  const specifier = message.perMethodStatSpecifier;
  if (specifier.case === 'individualMethodStatsAllowlist') {
    const methods = new Map<string, ReadonlySet<string>>();
    for (const { name, methodNames } of specifier.value.services) {
      methods.set(name, new Set([...(methods.get(name) ?? []), ...methodNames]));
    }
    return { kind: 'listed', methods };
  }
  if (specifier.case === 'statsForAllMethods' && specifier.value.value) {
    return { kind: 'each', replacesDots: message.replaceDotsInGrpcServiceName };
  }
  return { kind: 'together' };
}
