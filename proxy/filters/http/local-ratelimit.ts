// Limits the rate of requests, of all workers together.
import {
  LocalRateLimitDescriptorSchema,
  RateLimitDescriptor_EntrySchema,
} from '../../api/gen/envoy/extensions/common/ratelimit/v3/ratelimit_pb.js';
import {
  type LocalRateLimit,
  LocalRateLimitSchema,
} from '../../api/gen/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.js';
import { HttpStatusSchema } from '../../api/gen/envoy/type/v3/http_status_pb.js';
import { TokenBucketSchema } from '../../api/gen/envoy/type/v3/token_bucket_pb.js';
import type { SupportTable } from '../../model/extension.ts';
import type { HttpFilterDefinition, HttpFilterServices } from '../http-filter.ts';
import { compileLocalRateLimit } from './local-ratelimit/compile-local-ratelimit.ts';
import type { LocalRateLimitConfig } from './local-ratelimit/local-ratelimit-config.ts';
import {
  LocalRateLimitFilter,
  LocalRateLimitRuntime,
} from './local-ratelimit/local-ratelimit-filter.ts';

const SUPPORT: Readonly<Record<string, SupportTable>> = {
  [LocalRateLimitSchema.typeName]: {
    stat_prefix: 'honoured',
    status: 'honoured',
    token_bucket: 'honoured',
    filter_enabled: 'honoured',
    filter_enforced: 'honoured',
    request_headers_to_add_when_not_enforced: 'honoured',
    response_headers_to_add: 'honoured',
    descriptors: 'honoured',
    stage: 'honoured',
    local_rate_limit_per_downstream_connection: 'honoured',
    local_cluster_rate_limit: {
      refused: 'proxies share no buckets; divide the limit by their number',
    },
    enable_x_ratelimit_headers: 'honoured',
    vh_rate_limits: 'honoured',
    always_consume_default_token_bucket: 'honoured',
    rate_limited_as_resource_exhausted: 'honoured',
    rate_limits: 'honoured',
    max_dynamic_descriptors: 'honoured',
    enable_retry_after_header: 'honoured',
  },
  [LocalRateLimitDescriptorSchema.typeName]: {
    entries: 'honoured',
    token_bucket: 'honoured',
    shadow_mode: 'honoured',
  },
  [RateLimitDescriptor_EntrySchema.typeName]: { key: 'honoured', value: 'honoured' },
  [TokenBucketSchema.typeName]: {
    max_tokens: 'honoured',
    tokens_per_fill: 'honoured',
    fill_interval: 'honoured',
  },
  [HttpStatusSchema.typeName]: { code: 'honoured' },
};

/** By connection manager and configuration: routes that share one share its buckets. */
const RUNTIMES = new WeakMap<
  HttpFilterServices,
  WeakMap<LocalRateLimitConfig, LocalRateLimitRuntime>
>();

/** envoy.filters.http.local_ratelimit */
export const localRateLimitDefinition: HttpFilterDefinition<LocalRateLimit, LocalRateLimitConfig> =
  {
    name: 'envoy.filters.http.local_ratelimit',
    schema: LocalRateLimitSchema,
    isTerminal: false,
    isMadeEarly: true,
    support: SUPPORT,
    perRoute: {
      schema: LocalRateLimitSchema,
      support: SUPPORT,
      compile: (message, context) => {
        const limit = message as LocalRateLimit;
        if (limit.tokenBucket !== undefined) return compileLocalRateLimit(limit, context);
        const reason = 'local rate limit token bucket must be set for per filter configs';
        context.reject('token_bucket', reason);
        return null;
      },
    },
    compile: compileLocalRateLimit,
    onRoute: (_own, [first]: readonly LocalRateLimitConfig[]) => first ?? null,
    factory: (config, services) => {
      const runtime = runtimeOf(config, services);
      return { create: (callbacks) => new LocalRateLimitFilter(runtime, callbacks) };
    },
  };

function runtimeOf(
  config: LocalRateLimitConfig,
  services: HttpFilterServices,
): LocalRateLimitRuntime {
  const known =
    RUNTIMES.get(services) ?? new WeakMap<LocalRateLimitConfig, LocalRateLimitRuntime>();
  RUNTIMES.set(services, known);
  const runtime = known.get(config) ?? new LocalRateLimitRuntime(config, services);
  known.set(config, runtime);
  return runtime;
}
