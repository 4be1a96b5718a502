// Answers health checks of downstream load balancers.
import {
  type HealthCheck,
  HealthCheckSchema,
} from '../../api/gen/envoy/extensions/filters/http/health_check/v3/health_check_pb.js';
import { durationMs } from '../../config/compile/field-values.ts';
import { compileHeaderMatcher } from '../../config/compile/header-matcher.ts';
import type { CompileContext } from '../../model/extension.ts';
import type { HttpFilterDefinition } from '../http-filter.ts';
import {
  type HealthCheckConfig,
  HealthCheckFilter,
  HealthCheckRuntime,
} from './health-check/health-filter.ts';

/** envoy.filters.http.health_check */
export const healthCheckDefinition: HttpFilterDefinition<HealthCheck, HealthCheckConfig> = {
  name: 'envoy.filters.http.health_check',
  schema: HealthCheckSchema,
  isTerminal: false,
  support: {
    [HealthCheckSchema.typeName]: {
      pass_through_mode: 'honoured',
      cache_time: {
        partly: 'each worker keeps an answer of its own, from the moment that it came',
      },
      cluster_min_healthy_percentages: 'honoured',
      headers: 'honoured',
    },
  },
  compile: compileHealthCheck,
  factory: (config, services) => {
    const runtime = new HealthCheckRuntime(config, services);
    return { create: (callbacks) => new HealthCheckFilter(runtime, callbacks) };
  },
};

function compileHealthCheck(
  message: HealthCheck,
  context: CompileContext,
): HealthCheckConfig | null {
  const passesThrough = message.passThroughMode ?? false;
  const cacheMs = durationMs(context, { path: 'cache_time', value: message.cacheTime }, 0);
  if (cacheMs > 0 && !passesThrough) {
    const reason = 'cache_time_ms must not be set when path_through_mode is disabled';
    context.reject('cache_time', reason);
    return null;
  }
  const percents = Object.entries(message.clusterMinHealthyPercentages);
  if (passesThrough && percents.length > 0) {
    const reason = 'has no effect in pass_through_mode: the service itself is asked';
    context.warn('cluster_min_healthy_percentages', reason);
  }
  return Object.freeze({
    passesThrough,
    cacheMs,
    headers: message.headers.flatMap(
      (matcher, index) => compileHeaderMatcher(matcher, context.at(`headers[${index}]`)) ?? [],
    ),
    minHealthyPercents: percents.map(([name, { value }]) => [name, value] as const),
  });
}
