// config.cluster.v3.OutlierDetection.
import type { OutlierDetection } from '../../api/gen/envoy/config/cluster/v3/outlier_detection_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type { OutlierConfig } from '../../model/outlier.ts';
import { durationMs } from './field-values.ts';
import { liveRecord } from './live-value.ts';
import { runtimeInteger } from './runtime-values.ts';

/** Envoy's defaults; durations are ms. */
const DEFAULTS = {
  consecutive: 5,
  intervalMs: 10_000,
  baseEjectionTimeMs: 30_000,
  /** Or the base time, if that is longer. */
  maxEjectionTimeMs: 300_000,
  maxEjectionPercent: 10,
  minimumHosts: 5,
  successRateVolume: 100,
  stdevFactor: 1900,
  failurePercentage: 85,
  failurePercentageVolume: 50,
} as const;

/** The compiled detection, whose members follow the runtime; null: the cluster has none. An empty message asks for the defaults. */
export function compileOutlierDetection(
  message: OutlierDetection | undefined,
  context: CompileContext,
): OutlierConfig | null {
  if (message === undefined) return null;
  return liveRecord(context.environment.runtime, () => compileNow(message, context));
}

function compileNow(message: OutlierDetection, context: CompileContext): OutlierConfig {
  return {
    ...compileStreaks(message, context),
    ...compileTimes(message, context),
    ...compileRates(message, context),
    ...compileSwitches(message, context),
    enforcing: compileEnforcing(message, context),
  };
}

/** A number by its field, which runtime may replace under the same name. */
function number(
  context: CompileContext,
  field: string,
  value: { readonly own: number | undefined; readonly absent: number },
): number {
  const key = `outlier_detection.${field}`;
  return runtimeInteger(context.environment.runtime, key, value.own ?? value.absent);
}

function compileStreaks(
  message: OutlierDetection,
  context: CompileContext,
): Pick<
  OutlierConfig,
  'consecutive5xx' | 'consecutiveGatewayFailure' | 'consecutiveLocalOriginFailure'
> {
  const streak = (field: string, own: number | undefined): number =>
    number(context, field, { own, absent: DEFAULTS.consecutive });
  return {
    consecutive5xx: streak('consecutive_5xx', message.consecutive5xx),
    consecutiveGatewayFailure: streak(
      'consecutive_gateway_failure',
      message.consecutiveGatewayFailure,
    ),
    consecutiveLocalOriginFailure: streak(
      'consecutive_local_origin_failure',
      message.consecutiveLocalOriginFailure,
    ),
  };
}

function compileTimes(
  message: OutlierDetection,
  context: CompileContext,
): Pick<
  OutlierConfig,
  'intervalMs' | 'baseEjectionTimeMs' | 'maxEjectionTimeMs' | 'maxEjectionTimeJitterMs'
> {
  const time = (path: string, value: OutlierDetection['interval'], absent: number): number =>
    number(context, `${path}_ms`, { own: durationMs(context, { path, value }, absent), absent });
  const baseMs = time('base_ejection_time', message.baseEjectionTime, DEFAULTS.baseEjectionTimeMs);
  const defaultMaxMs = Math.max(DEFAULTS.maxEjectionTimeMs, baseMs);
  const maxMs = time('max_ejection_time', message.maxEjectionTime, defaultMaxMs);
  if (maxMs < baseMs) {
    const rule = 'outlier detector: max_ejection_time cannot be smaller than base_ejection_time';
    context.reject('max_ejection_time', `${rule}: ${maxMs} ms is less than ${baseMs} ms`);
  }
  return {
    intervalMs: time('interval', message.interval, DEFAULTS.intervalMs),
    baseEjectionTimeMs: baseMs,
    maxEjectionTimeMs: maxMs,
    maxEjectionTimeJitterMs: time('max_ejection_time_jitter', message.maxEjectionTimeJitter, 0),
  };
}

function compileRates(
  message: OutlierDetection,
  context: CompileContext,
): Pick<
  OutlierConfig,
  | 'successRateMinimumHosts'
  | 'successRateRequestVolume'
  | 'successRateStdevFactor'
  | 'failurePercentageThreshold'
  | 'failurePercentageMinimumHosts'
  | 'failurePercentageRequestVolume'
> {
  const read = (field: string, own: number | undefined, absent: number): number =>
    number(context, field, { own, absent });
  const { minimumHosts, successRateVolume, failurePercentageVolume } = DEFAULTS;
  const { stdevFactor, failurePercentage } = DEFAULTS;
  const m = message;
  return {
    successRateMinimumHosts: read(
      'success_rate_minimum_hosts',
      m.successRateMinimumHosts,
      minimumHosts,
    ),
    successRateRequestVolume: read(
      'success_rate_request_volume',
      m.successRateRequestVolume,
      successRateVolume,
    ),
    successRateStdevFactor: read(
      'success_rate_stdev_factor',
      m.successRateStdevFactor,
      stdevFactor,
    ),
    failurePercentageThreshold: read(
      'failure_percentage_threshold',
      m.failurePercentageThreshold,
      failurePercentage,
    ),
    failurePercentageMinimumHosts: read(
      'failure_percentage_minimum_hosts',
      m.failurePercentageMinimumHosts,
      minimumHosts,
    ),
    failurePercentageRequestVolume: read(
      'failure_percentage_request_volume',
      m.failurePercentageRequestVolume,
      failurePercentageVolume,
    ),
  };
}

function compileSwitches(
  message: OutlierDetection,
  context: CompileContext,
): Pick<
  OutlierConfig,
  | 'maxEjectionPercent'
  | 'alwaysEjectOneHost'
  | 'splitsLocalOrigin'
  | 'successfulCheckUnejects'
  | 'detectsDegraded'
> {
  const own = message.maxEjectionPercent;
  const absent = DEFAULTS.maxEjectionPercent;
  return {
    maxEjectionPercent: Math.min(100, number(context, 'max_ejection_percent', { own, absent })),
    alwaysEjectOneHost: message.alwaysEjectOneHost ?? false,
    splitsLocalOrigin: message.splitExternalLocalOriginErrors,
    successfulCheckUnejects: message.successfulActiveHealthCheckUnejectHost ?? true,
    detectsDegraded: message.detectDegradedHosts ?? false,
  };
}

function compileEnforcing(
  message: OutlierDetection,
  context: CompileContext,
): OutlierConfig['enforcing'] {
  const chance = (field: string, own: number | undefined, absent: number): number =>
    number(context, `enforcing_${field}`, { own, absent });
  const m = message;
  return {
    CONSECUTIVE_5XX: chance('consecutive_5xx', m.enforcingConsecutive5xx, 100),
    CONSECUTIVE_GATEWAY_FAILURE: chance(
      'consecutive_gateway_failure',
      m.enforcingConsecutiveGatewayFailure,
      0,
    ),
    CONSECUTIVE_LOCAL_ORIGIN_FAILURE: chance(
      'consecutive_local_origin_failure',
      m.enforcingConsecutiveLocalOriginFailure,
      100,
    ),
    SUCCESS_RATE: chance('success_rate', m.enforcingSuccessRate, 100),
    SUCCESS_RATE_LOCAL_ORIGIN: chance(
      'local_origin_success_rate',
      m.enforcingLocalOriginSuccessRate,
      100,
    ),
    FAILURE_PERCENTAGE: chance('failure_percentage', m.enforcingFailurePercentage, 0),
    FAILURE_PERCENTAGE_LOCAL_ORIGIN: chance(
      'failure_percentage_local_origin',
      m.enforcingFailurePercentageLocalOrigin,
      0,
    ),
  };
}
