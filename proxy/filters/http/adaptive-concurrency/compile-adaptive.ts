// extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency.
import type {
  AdaptiveConcurrency,
  GradientControllerConfig,
} from '../../../api/gen/envoy/extensions/filters/http/adaptive_concurrency/v3/adaptive_concurrency_pb.js';
import type { Percent } from '../../../api/gen/envoy/type/v3/percent_pb.js';
import { durationMs } from '../../../config/compile/field-values.ts';
import { liveValue } from '../../../config/compile/live-value.ts';
import {
  compileRuntimeFlag,
  runtimeInteger,
  runtimeNumber,
} from '../../../config/compile/runtime-values.ts';
import type { CompileContext } from '../../../model/extension.ts';
import type { RuntimeValues } from '../../../model/runtime.ts';
import type { AdaptiveConfig, GradientSettings } from './adaptive-config.ts';

const KEY = 'adaptive_concurrency.gradient_controller.';
const SERVICE_UNAVAILABLE = 503;
/** Envoy: lower codes are not for refusals. */
const MIN_STATUS = 400;
/** Envoy's defaults of GradientControllerConfig. */
const DEFAULT_MAX_LIMIT = 1000;
const DEFAULT_MEASURED_REQUESTS = 50;
const DEFAULT_MEASURING_LIMIT = 3;
const DEFAULT_PERCENTILE = 50;
const DEFAULT_JITTER_PERCENT = 15;
const DEFAULT_BUFFER_PERCENT = 25;
/** Intervals are stamps of 32 bits; longer ones end after some 12 days. */
const MAX_INTERVAL_MS = 2 ** 30;
const MIN_INTERVAL_MS = 1;
const PERCENT = 100;
const US_PER_MS = 1000;

/** A compiled, frozen configuration; null when it was refused. */
export function compileAdaptive(
  message: AdaptiveConcurrency,
  context: CompileContext,
): AdaptiveConfig | null {
  const controller = message.concurrencyControllerConfig.value;
  if (controller === undefined) return null;
  const own = intervalsOf(controller, context.at('gradient_controller_config'));
  if (own === null) return null;
  const { runtime } = context.environment;
  const status: number = message.concurrencyLimitExceededStatus?.code ?? SERVICE_UNAVAILABLE;
  return Object.freeze({
    place: context.place,
    enabled: compileRuntimeFlag(message.enabled, context),
    status: status < MIN_STATUS ? SERVICE_UNAVAILABLE : status,
    fixedMinRttUs: own.fixedMs === null ? null : own.fixedMs * US_PER_MS,
    gradient: liveValue(runtime, () => settingsOf(controller, own, runtime)),
  });
}

interface Intervals {
  readonly updateMs: number;
  readonly measureMs: number;
  readonly fixedMs: number | null;
}

function intervalsOf(
  { concurrencyLimitParams, minRttCalcParams }: GradientControllerConfig,
  context: CompileContext,
): Intervals | null {
  const update = {
    path: 'concurrency_limit_params.concurrency_update_interval',
    value: concurrencyLimitParams?.concurrencyUpdateInterval,
  };
  const measure = { path: 'min_rtt_calc_params.interval', value: minRttCalcParams?.interval };
  const fixed = { path: 'min_rtt_calc_params.fixed_value', value: minRttCalcParams?.fixedValue };
  const fixedMs = durationMs(context, fixed, null);
  const measureMs = durationMs(context, measure, null);
  if (measureMs === null && fixedMs === null) {
    const rule =
      'adaptive_concurrency: neither `concurrency_update_interval` nor `fixed_value` set';
    context.reject('min_rtt_calc_params', rule);
    return null;
  }
  return { updateMs: durationMs(context, update, 0), measureMs: measureMs ?? 0, fixedMs };
}

function settingsOf(
  controller: GradientControllerConfig,
  own: Intervals,
  runtime: RuntimeValues,
): GradientSettings {
  const { concurrencyLimitParams: limit, minRttCalcParams: rtt } = controller;
  const integer = (key: string, value: number): number => runtimeInteger(runtime, KEY + key, value);
  const share = (key: string, value: Percent | undefined, absent: number): number =>
    Math.min(PERCENT, runtimeNumber(runtime, KEY + key, value?.value ?? absent)) / PERCENT;
  const interval = (key: string, ms: number): number =>
    Math.min(MAX_INTERVAL_MS, Math.max(MIN_INTERVAL_MS, integer(key, ms)));
  const measuring = integer('min_concurrency', rtt?.minConcurrency ?? DEFAULT_MEASURING_LIMIT);
  const min = integer('min_concurrency_limit', limit?.minConcurrencyLimit ?? measuring);
  return {
    updateIntervalMs: interval('sample_rtt_calc_interval_ms', own.updateMs),
    measureIntervalMs: interval('min_rtt_calc_interval_ms', own.measureMs),
    jitter: share('jitter', rtt?.jitter, DEFAULT_JITTER_PERCENT),
    measuredRequests: integer(
      'min_rtt_aggregate_request_count',
      rtt?.requestCount ?? DEFAULT_MEASURED_REQUESTS,
    ),
    measuringLimit: Math.max(1, measuring),
    minLimit: Math.max(1, min),
    maxLimit: integer('max_concurrency_limit', limit?.maxConcurrencyLimit ?? DEFAULT_MAX_LIMIT),
    percentile: share(
      'sample_aggregate_percentile',
      controller.sampleAggregatePercentile,
      DEFAULT_PERCENTILE,
    ),
    buffer: share('min_rtt_buffer', rtt?.buffer, DEFAULT_BUFFER_PERCENT),
  };
}
