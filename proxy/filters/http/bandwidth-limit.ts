// Limits the bandwidth of requests and responses.
import {
  type BandwidthLimit,
  BandwidthLimitSchema,
  BandwidthLimit_EnableMode as EnableMode,
} from '../../api/gen/envoy/extensions/filters/http/bandwidth_limit/v3/bandwidth_limit_pb.js';
import { durationMs } from '../../config/compile/field-values.ts';
import { compileRuntimeFlag } from '../../config/compile/runtime-values.ts';
import type { CompileContext } from '../../model/extension.ts';
import type { HttpFilter, HttpFilterDefinition, HttpFilterServices } from '../http-filter.ts';
import { BandwidthChoice, BandwidthRuntime } from './bandwidth-limit/bandwidth-choice.ts';
import type { BandwidthConfig } from './bandwidth-limit/bandwidth-config.ts';
import { BodyFilter } from './coding/body-filter.ts';

/** Envoy's fill_interval. */
const DEFAULT_FILL_INTERVAL_MS = 50;
const BYTES_PER_KB = 1024;
/** Where nothing is limited. */
const PASSES: HttpFilter = {};

/** By connection manager and configuration: routes that share one share its tokens. */
const RUNTIMES = new WeakMap<HttpFilterServices, WeakMap<BandwidthConfig, BandwidthRuntime>>();

const SUPPORT = {
  [BandwidthLimitSchema.typeName]: {
    stat_prefix: 'honoured',
    enable_mode: 'honoured',
    limit_kbps: { partly: 'each worker has tokens of its own' },
    fill_interval: 'honoured',
    runtime_enabled: 'honoured',
    enable_response_trailers: 'honoured',
    response_trailer_prefix: 'honoured',
  },
} as const;

/** envoy.filters.http.bandwidth_limit */
export const bandwidthLimitDefinition: HttpFilterDefinition<BandwidthLimit, BandwidthConfig> = {
  name: 'envoy.filters.http.bandwidth_limit',
  schema: BandwidthLimitSchema,
  isTerminal: false,
  support: SUPPORT,
  perRoute: {
    schema: BandwidthLimitSchema,
    support: SUPPORT,
    compile: (message, context) => {
      const limit = message as BandwidthLimit;
      if (limit.limitKbps !== undefined) return compileLimit(limit, context);
      const reason = 'bandwidthlimitfilter: limit must be set for per route filter config';
      context.reject('limit_kbps', reason);
      return null;
    },
  },
  compile: (message, context) => {
    const isOn = message.enableMode !== EnableMode.DISABLED;
    if (isOn && message.limitKbps === undefined) {
      context.warn('limit_kbps', 'without a limit no content ever passes: set one');
    }
    return compileLimit(message, context);
  },
  onRoute: (_own, levels) => levels[0] as unknown as BandwidthConfig,
  factory: (config, services) => {
    const runtime = runtimeOf(config, services);
    if (!config.limitsRequests && !config.limitsResponses) return { create: () => PASSES };
    return { create: (callbacks) => new BodyFilter(new BandwidthChoice(runtime, callbacks)) };
  },
};

function runtimeOf(config: BandwidthConfig, services: HttpFilterServices): BandwidthRuntime {
  const known = RUNTIMES.get(services) ?? new WeakMap<BandwidthConfig, BandwidthRuntime>();
  RUNTIMES.set(services, known);
  const runtime = known.get(config) ?? new BandwidthRuntime(config, services);
  known.set(config, runtime);
  return runtime;
}

function compileLimit(message: BandwidthLimit, context: CompileContext): BandwidthConfig {
  const { enableMode, responseTrailerPrefix: prefix } = message;
  const interval = { path: 'fill_interval', value: message.fillInterval };
  return Object.freeze({
    statPrefix: message.statPrefix,
    enabled: compileRuntimeFlag(message.runtimeEnabled, context),
    limitsRequests: (enableMode & EnableMode.REQUEST) !== 0,
    limitsResponses: (enableMode & EnableMode.RESPONSE) !== 0,
    bytesPerSecond: Number(message.limitKbps ?? 0n) * BYTES_PER_KB,
    fillIntervalMs: durationMs(context, interval, DEFAULT_FILL_INTERVAL_MS),
    addsTrailers: message.enableResponseTrailers,
    trailerPrefix: prefix === '' ? '' : `${prefix.toLowerCase()}-`,
  });
}
