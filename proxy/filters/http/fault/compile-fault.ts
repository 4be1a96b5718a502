// extensions.filters.http.fault.v3.HTTPFault, with what the runtime says of it.
import type {
  FaultDelay,
  FaultRateLimit,
} from '../../../api/gen/envoy/extensions/filters/common/fault/v3/fault_pb.js';
import type {
  FaultAbort,
  HTTPFault,
} from '../../../api/gen/envoy/extensions/filters/http/fault/v3/fault_pb.js';
import type { FractionalPercent } from '../../../api/gen/envoy/type/v3/percent_pb.js';
import { compileEach } from '../../../config/compile/compile-each.ts';
import { durationMs } from '../../../config/compile/field-values.ts';
import { compileHeaderMatcher } from '../../../config/compile/header-matcher.ts';
import { liveRecord } from '../../../config/compile/live-value.ts';
import {
  runtimeFraction,
  runtimeInteger,
  runtimeShare,
} from '../../../config/compile/runtime-values.ts';
import { membersInOctets } from '../../../formatter/octets-value.ts';
import type { CompileContext } from '../../../model/extension.ts';
import type { RuntimeValues } from '../../../model/runtime.ts';
import type {
  AbortConfig,
  ClusterFaultRuntime,
  DelayConfig,
  FaultConfig,
  FaultShare,
  RateLimitConfig,
} from './fault-config.ts';

const KEYS = {
  delayPercent: 'fault.http.delay.fixed_delay_percent',
  delayMs: 'fault.http.delay.fixed_duration_ms',
  abortPercent: 'fault.http.abort.abort_percent',
  httpStatus: 'fault.http.abort.http_status',
  grpcStatus: 'fault.http.abort.grpc_status',
  rateLimitPercent: 'fault.http.rate_limit.response_percent',
  maxActiveFaults: 'fault.http.max_active_faults',
} as const;

/** Keys of one downstream cluster: `fault.http.<cluster>.delay.fixed_delay_percent` and its kin. */
const CLUSTER_KEY =
  /^fault\.http\.(.*)\.(?:delay\.fixed_delay_percent|abort\.abort_percent|delay\.fixed_duration_ms|abort\.http_status|abort\.grpc_status)(?:\.numerator)?$/;

/** A compiled HTTPFault, which follows the runtime. */
export function compileFault(message: HTTPFault, context: CompileContext): FaultConfig {
  return liveRecord(context.environment.runtime, () => compileNow(message, context));
}

function compileNow(message: HTTPFault, context: CompileContext): FaultConfig {
  const { runtime } = context.environment;
  const headers = { path: 'headers', items: message.headers };
  const maxKey = message.maxActiveFaultsRuntime || KEYS.maxActiveFaults;
  const maxActiveFaults = message.maxActiveFaults ?? Number.POSITIVE_INFINITY;
  return Object.freeze({
    upstreamCluster: message.upstreamCluster,
    downstreamNodes: message.downstreamNodes.length === 0 ? null : new Set(message.downstreamNodes),
    headers: compileEach(headers, context, compileHeaderMatcher),
    delay: compileDelay(message, context),
    abort: compileAbort(message, runtime),
    responseRateLimit: compileRateLimit(message, runtime),
    maxActiveFaults: runtimeInteger(runtime, maxKey, maxActiveFaults),
    countsDownstreamClusters: !message.disableDownstreamClusterStats,
    byDownstreamCluster: compileClusters(runtime),
    metadata: membersInOctets(message.filterMetadata ?? {}),
  });
}

function compileDelay(message: HTTPFault, context: CompileContext): DelayConfig | null {
  const { delay } = message;
  if (delay === undefined) return null;
  const { runtime } = context.environment;
  const msKey = message.delayDurationRuntime || KEYS.delayMs;
  return {
    share: shareOf(delay.percentage, runtime, message.delayPercentRuntime || KEYS.delayPercent),
    fixedMs: fixedDelay(delay, context.at('delay')),
    runtimeMs: runtimeInteger(runtime, msKey, null),
  };
}

function fixedDelay(
  { faultDelaySecifier: delay }: FaultDelay,
  context: CompileContext,
): number | null {
  if (delay.case !== 'fixedDelay') return null;
  return durationMs(context, { path: 'fixed_delay', value: delay.value }, 0);
}

function compileAbort(message: HTTPFault, runtime: RuntimeValues): AbortConfig | null {
  const { abort } = message;
  if (abort === undefined) return null;
  const httpKey = message.abortHttpStatusRuntime || KEYS.httpStatus;
  const grpcKey = message.abortGrpcStatusRuntime || KEYS.grpcStatus;
  return {
    share: shareOf(abort.percentage, runtime, message.abortPercentRuntime || KEYS.abortPercent),
    ...abortKind(abort),
    runtimeHttpStatus: httpStatusIn(runtime, httpKey),
    runtimeGrpcStatus: runtimeInteger(runtime, grpcKey, null),
  };
}

function abortKind({ errorType }: FaultAbort): Pick<AbortConfig, 'kind' | 'status'> {
  if (errorType.case === 'httpStatus') return { kind: 'http', status: errorType.value };
  if (errorType.case === 'grpcStatus') return { kind: 'grpc', status: errorType.value };
  return { kind: 'header', status: 0 };
}

function compileRateLimit(message: HTTPFault, runtime: RuntimeValues): RateLimitConfig | null {
  const { responseRateLimit: limit } = message;
  if (limit === undefined) return null;
  const key = message.responseRateLimitPercentRuntime || KEYS.rateLimitPercent;
  return { share: shareOf(limit.percentage, runtime, key), fixedKbps: fixedLimit(limit) };
}

function fixedLimit({ limitType }: FaultRateLimit): number | null {
  return limitType.case === 'fixedLimit' ? Number(limitType.value.limitKbps) : null;
}

function shareOf(
  percentage: FractionalPercent | undefined,
  runtime: RuntimeValues,
  key: string,
): FaultShare {
  return { own: runtimeFraction(runtime, '', percentage), runtime: runtimeShare(runtime, key) };
}

/** Others cannot be sent: they are as good as none. */
function httpStatusIn(runtime: RuntimeValues, key: string): number | null {
  const status = runtimeInteger(runtime, key, null);
  return status !== null && status >= 200 && status < 600 ? status : null;
}

function compileClusters(runtime: RuntimeValues): ReadonlyMap<string, ClusterFaultRuntime> {
  const names = [...runtime.keys()].flatMap((key) => CLUSTER_KEY.exec(key)?.[1] ?? []);
  return new Map([...new Set(names)].map((name) => [name, compileCluster(runtime, name)]));
}

function compileCluster(runtime: RuntimeValues, name: string): ClusterFaultRuntime {
  const key = (rest: string): string => `fault.http.${name}.${rest}`;
  return {
    delayShare: runtimeShare(runtime, key('delay.fixed_delay_percent')),
    delayMs: runtimeInteger(runtime, key('delay.fixed_duration_ms'), null),
    abortShare: runtimeShare(runtime, key('abort.abort_percent')),
    httpStatus: httpStatusIn(runtime, key('abort.http_status')),
    grpcStatus: runtimeInteger(runtime, key('abort.grpc_status'), null),
  };
}
