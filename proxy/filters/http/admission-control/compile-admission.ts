// extensions.filters.http.admission_control.v3.AdmissionControl.
import type {
  RuntimeDouble,
  RuntimePercent,
} from '../../../api/gen/envoy/config/core/v3/base_pb.js';
import type {
  AdmissionControl,
  AdmissionControl_SuccessCriteria,
} from '../../../api/gen/envoy/extensions/filters/http/admission_control/v3/admission_control_pb.js';
import type { Int32Range } from '../../../api/gen/envoy/type/v3/range_pb.js';
import { durationMs } from '../../../config/compile/field-values.ts';
import { liveValue } from '../../../config/compile/live-value.ts';
import {
  compileRuntimeFlag,
  runtimeInteger,
  runtimeNumber,
} from '../../../config/compile/runtime-values.ts';
import { GRPC_STATUS } from '../../../http/grpc.ts';
import type { CompileContext } from '../../../model/extension.ts';
import type { RuntimeValues } from '../../../model/runtime.ts';
import type { AdmissionConfig, AdmissionRates } from './admission-config.ts';

/** Envoy AdmissionControl.sampling_window. */
const DEFAULT_WINDOW_MS = 30_000;
/** Envoy AdmissionControl.aggression: rejections rise in a straight line; less is not possible. */
const MIN_AGGRESSION = 1;
/** Envoy AdmissionControl.sr_threshold. */
const DEFAULT_SUCCESS_PERCENT = 95;
/** Envoy: with less nearly nobody would ever be turned away. */
const MIN_SUCCESS_PERCENT = 1;
/** Envoy AdmissionControl.max_rejection_probability. */
const DEFAULT_MAX_REJECTION_PERCENT = 80;
const MS_PER_SECOND = 1000;
const PERCENT = 100;
const FIRST_FAILURE = 500;
const MIN_HTTP_STATUS = 100;
/** Ranges end before it. */
const END_OF_HTTP_STATUSES = 600;

/** Failures that fewer requests would not make rarer: the caller's own. */
const DEFAULT_GRPC_SUCCESSES: ReadonlySet<number> = new Set([
  GRPC_STATUS.ok,
  1, // CANCELLED
  GRPC_STATUS.unknown,
  3, // INVALID_ARGUMENT
  5, // NOT_FOUND
  6, // ALREADY_EXISTS
  7, // PERMISSION_DENIED
  9, // FAILED_PRECONDITION
  11, // OUT_OF_RANGE
  12, // UNIMPLEMENTED
  16, // UNAUTHENTICATED
]);
const MAX_GRPC_STATUS = 16;

/** A compiled, frozen configuration; null when it was refused. */
export function compileAdmission(
  message: AdmissionControl,
  context: CompileContext,
): AdmissionConfig | null {
  const { srThreshold, samplingWindow, evaluationCriteria } = message;
  if (srThreshold !== undefined && (srThreshold.defaultValue?.value ?? 0) < MIN_SUCCESS_PERCENT) {
    context.reject('sr_threshold', 'Success rate threshold cannot be less than 1.0%.');
    return null;
  }
  const { runtime } = context.environment;
  const window = { path: 'sampling_window', value: samplingWindow };
  const windowMs = durationMs(context, window, DEFAULT_WINDOW_MS);
  return Object.freeze({
    enabled: compileRuntimeFlag(message.enabled, context),
    samplingWindowMs: Math.floor(windowMs / MS_PER_SECOND) * MS_PER_SECOND,
    rates: liveValue(runtime, () => ratesOf(message, runtime)),
    ...compileCriteria(evaluationCriteria.value, context.at('success_criteria')),
  });
}

function ratesOf(message: AdmissionControl, runtime: RuntimeValues): AdmissionRates {
  const { aggression, srThreshold, rpsThreshold, maxRejectionProbability } = message;
  return {
    aggression: Math.max(MIN_AGGRESSION, numberOf(aggression, runtime) ?? MIN_AGGRESSION),
    successThreshold: shareOf(srThreshold, runtime, DEFAULT_SUCCESS_PERCENT),
    rpsThreshold:
      rpsThreshold === undefined
        ? 0
        : runtimeInteger(runtime, rpsThreshold.runtimeKey, rpsThreshold.defaultValue),
    maxRejectionProbability: shareOf(
      maxRejectionProbability,
      runtime,
      DEFAULT_MAX_REJECTION_PERCENT,
    ),
  };
}

function numberOf(value: RuntimeDouble | undefined, runtime: RuntimeValues): number | null {
  if (value === undefined) return null;
  return runtimeNumber(runtime, value.runtimeKey, value.defaultValue);
}

/** 0 to 1; what runtime has beyond 100 % does not count. */
function shareOf(
  percent: RuntimePercent | undefined,
  runtime: RuntimeValues,
  absent: number,
): number {
  if (percent === undefined) return absent / PERCENT;
  const own = percent.defaultValue?.value ?? 0;
  const told = runtimeNumber(runtime, percent.runtimeKey, own);
  return (told <= PERCENT ? told : own) / PERCENT;
}

function compileCriteria(
  criteria: AdmissionControl_SuccessCriteria | undefined,
  context: CompileContext,
): Pick<AdmissionConfig, 'isHttpSuccess' | 'grpcSuccesses'> {
  const ranges = criteria?.httpCriteria?.httpSuccessStatus;
  for (const [index, { start, end }] of ranges?.entries() ?? []) {
    if (start <= end && start >= MIN_HTTP_STATUS && end <= END_OF_HTTP_STATUSES) continue;
    const path = `http_criteria.http_success_status[${index}]`;
    context.reject(path, `invalid HTTP range: [${start}, ${end})`);
  }
  const statuses = criteria?.grpcCriteria?.grpcSuccessStatus;
  for (const [index, status] of statuses?.entries() ?? []) {
    if (status <= MAX_GRPC_STATUS) continue;
    const path = `grpc_criteria.grpc_success_status[${index}]`;
    context.reject(path, `invalid gRPC code ${status}`);
  }
  return {
    isHttpSuccess: ranges === undefined ? isBelowFailures : inRanges(ranges),
    grpcSuccesses: statuses === undefined ? DEFAULT_GRPC_SUCCESSES : new Set(statuses),
  };
}

function isBelowFailures(status: number): boolean {
  return status < FIRST_FAILURE;
}

function inRanges(ranges: readonly Int32Range[]): (status: number) => boolean {
  const own = ranges.map(({ start, end }) => ({ start, end }));
  return (status) => own.some(({ start, end }) => status >= start && status < end);
}
