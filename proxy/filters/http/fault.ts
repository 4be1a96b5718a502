// Injects delays, aborts and slow responses, to see how clients bear them.
import {
  FaultDelay_HeaderDelaySchema,
  FaultDelaySchema,
  FaultRateLimit_FixedLimitSchema,
  FaultRateLimit_HeaderLimitSchema,
  FaultRateLimitSchema,
} from '../../api/gen/envoy/extensions/filters/common/fault/v3/fault_pb.js';
import {
  FaultAbort_HeaderAbortSchema,
  FaultAbortSchema,
  type HTTPFault,
  HTTPFaultSchema,
} from '../../api/gen/envoy/extensions/filters/http/fault/v3/fault_pb.js';
import type { FieldSupport, SupportTable } from '../../model/extension.ts';
import type { HttpFilterDefinition, HttpFilterServices } from '../http-filter.ts';
import { compileFault } from './fault/compile-fault.ts';
import { type FaultConfig, injectsFaults } from './fault/fault-config.ts';
import { FaultFilter } from './fault/fault-filter.ts';
import { FaultRuntime } from './fault/fault-runtime.ts';

const RUNTIME_KEY: FieldSupport = 'honoured';

const SUPPORT: Readonly<Record<string, SupportTable>> = {
  [HTTPFaultSchema.typeName]: {
    delay: 'honoured',
    abort: 'honoured',
    upstream_cluster: 'honoured',
    headers: 'honoured',
    downstream_nodes: 'honoured',
    max_active_faults: 'honoured',
    response_rate_limit: 'honoured',
    delay_percent_runtime: RUNTIME_KEY,
    abort_percent_runtime: RUNTIME_KEY,
    delay_duration_runtime: RUNTIME_KEY,
    abort_http_status_runtime: RUNTIME_KEY,
    max_active_faults_runtime: RUNTIME_KEY,
    response_rate_limit_percent_runtime: RUNTIME_KEY,
    abort_grpc_status_runtime: RUNTIME_KEY,
    disable_downstream_cluster_stats: 'honoured',
    filter_metadata: 'honoured',
  },
  [FaultAbortSchema.typeName]: {
    http_status: 'honoured',
    grpc_status: 'honoured',
    header_abort: 'honoured',
    percentage: 'honoured',
  },
  [FaultAbort_HeaderAbortSchema.typeName]: {},
  [FaultDelaySchema.typeName]: {
    fixed_delay: 'honoured',
    header_delay: 'honoured',
    percentage: 'honoured',
  },
  [FaultDelay_HeaderDelaySchema.typeName]: {},
  [FaultRateLimitSchema.typeName]: {
    fixed_limit: 'honoured',
    header_limit: 'honoured',
    percentage: 'honoured',
  },
  [FaultRateLimit_FixedLimitSchema.typeName]: { limit_kbps: 'honoured' },
  [FaultRateLimit_HeaderLimitSchema.typeName]: {},
};

/** By connection manager: the faults of all its routes are counted together. */
const RUNTIMES = new WeakMap<HttpFilterServices, FaultRuntime>();

/** envoy.filters.http.fault */
export const faultDefinition: HttpFilterDefinition<HTTPFault, FaultConfig> = {
  name: 'envoy.filters.http.fault',
  schema: HTTPFaultSchema,
  isTerminal: false,
  support: SUPPORT,
  perRoute: { schema: HTTPFaultSchema, support: SUPPORT, compile: compileFault as never },
  compile: compileFault,
  onRoute: (_own, [first]: readonly FaultConfig[]) => first ?? null,
  factory: (config, services, name) => {
    const runtime = runtimeOf(services);
    if (!injectsFaults(config)) return null;
    const plan = { config, runtime, name };
    return { create: (callbacks) => new FaultFilter(plan, callbacks) };
  },
};

function runtimeOf(services: HttpFilterServices): FaultRuntime {
  const runtime = RUNTIMES.get(services) ?? new FaultRuntime(services);
  RUNTIMES.set(services, runtime);
  return runtime;
}
