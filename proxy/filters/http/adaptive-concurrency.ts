// Limits how many requests are in flight by how long they take: when they get slower than they are
// at their best, fewer are let through.
import {
  type AdaptiveConcurrency,
  AdaptiveConcurrencySchema,
  GradientControllerConfig_ConcurrencyLimitCalculationParamsSchema,
  GradientControllerConfig_MinimumRTTCalculationParamsSchema,
  GradientControllerConfigSchema,
} from '../../api/gen/envoy/extensions/filters/http/adaptive_concurrency/v3/adaptive_concurrency_pb.js';
import { HttpStatusSchema } from '../../api/gen/envoy/type/v3/http_status_pb.js';
import type { SupportTable } from '../../model/extension.ts';
import type { HttpFilterDefinition, HttpFilterServices } from '../http-filter.ts';
import type { AdaptiveConfig } from './adaptive-concurrency/adaptive-config.ts';
import { AdaptiveFilter, type AdaptivePlan } from './adaptive-concurrency/adaptive-filter.ts';
import { compileAdaptive } from './adaptive-concurrency/compile-adaptive.ts';
import { GradientController } from './adaptive-concurrency/gradient-controller.ts';

const SUPPORT: Readonly<Record<string, SupportTable>> = {
  [AdaptiveConcurrencySchema.typeName]: {
    gradient_controller_config: 'honoured',
    enabled: 'honoured',
    concurrency_limit_exceeded_status: 'honoured',
  },
  [GradientControllerConfigSchema.typeName]: {
    sample_aggregate_percentile: 'honoured',
    concurrency_limit_params: 'honoured',
    min_rtt_calc_params: 'honoured',
  },
  [GradientControllerConfig_ConcurrencyLimitCalculationParamsSchema.typeName]: {
    max_concurrency_limit: 'honoured',
    concurrency_update_interval: 'honoured',
    min_concurrency_limit: 'honoured',
  },
  [GradientControllerConfig_MinimumRTTCalculationParamsSchema.typeName]: {
    interval: 'honoured',
    fixed_value: 'honoured',
    request_count: 'honoured',
    jitter: 'honoured',
    min_concurrency: 'honoured',
    buffer: 'honoured',
  },
  [HttpStatusSchema.typeName]: { code: 'honoured' },
};

/** By connection manager and configuration: routes that switch the filter on share its limit. */
const PLANS = new WeakMap<HttpFilterServices, WeakMap<AdaptiveConfig, AdaptivePlan>>();

/** envoy.filters.http.adaptive_concurrency */
export const adaptiveConcurrencyDefinition: HttpFilterDefinition<
  AdaptiveConcurrency,
  AdaptiveConfig
> = {
  name: 'envoy.filters.http.adaptive_concurrency',
  schema: AdaptiveConcurrencySchema,
  isTerminal: false,
  isMadeEarly: true,
  support: SUPPORT,
  compile: compileAdaptive,
  factory: (config, services) => {
    const plan = planOf(config, services);
    return {
      create: (callbacks) => new AdaptiveFilter(plan, callbacks),
      refreshGauges: () => plan.controller.publish(),
    };
  },
};

function planOf(config: AdaptiveConfig, services: HttpFilterServices): AdaptivePlan {
  const known = PLANS.get(services) ?? new WeakMap<AdaptiveConfig, AdaptivePlan>();
  PLANS.set(services, known);
  const plan = known.get(config) ?? {
    config,
    controller: new GradientController(config, services),
  };
  known.set(config, plan);
  return plan;
}
