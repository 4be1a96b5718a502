// extensions.filters.http.local_ratelimit.v3.LocalRateLimit.
import {
  type LocalRateLimitDescriptor,
  VhRateLimitsOptions,
  XRateLimitHeadersRFCVersion,
} from '../../../api/gen/envoy/extensions/common/ratelimit/v3/ratelimit_pb.js';
import type { LocalRateLimit } from '../../../api/gen/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.js';
import { compileEach } from '../../../config/compile/compile-each.ts';
import { compileHeaderOptions } from '../../../config/compile/header-mutations.ts';
import { compileRateLimits } from '../../../config/compile/rate-limits.ts';
import { compileRuntimeFraction } from '../../../config/compile/runtime-values.ts';
import { compileTokenBucket } from '../../../config/compile/token-bucket.ts';
import type { CompileContext } from '../../../model/extension.ts';
import type { LimitedDescriptor, LocalRateLimitConfig } from './local-ratelimit-config.ts';
import { keyOf } from './rate-limiter.ts';

const TOO_MANY_REQUESTS = 429;
/** Envoy: lower codes are not for refusals. */
const MIN_STATUS = 400;
/** Envoy LocalRateLimit.max_dynamic_descriptors. */
const DEFAULT_DYNAMIC_DESCRIPTORS = 20;
const OF_HOST = {
  [VhRateLimitsOptions.OVERRIDE]: 'override',
  [VhRateLimitsOptions.INCLUDE]: 'include',
  [VhRateLimitsOptions.IGNORE]: 'ignore',
} as const;

/** A compiled, frozen configuration; null when it was refused. */
export function compileLocalRateLimit(
  message: LocalRateLimit,
  context: CompileContext,
): LocalRateLimitConfig | null {
  const { tokenBucket, alwaysConsumeDefaultTokenBucket, enableXRatelimitHeaders } = message;
  const rate =
    tokenBucket === undefined ? null : compileTokenBucket(tokenBucket, context.at('token_bucket'));
  if (tokenBucket !== undefined && rate === null) return null;
  return Object.freeze({
    place: context.place,
    statPrefix: message.statPrefix,
    status: statusOf(message),
    rate,
    filterEnabled: compileRuntimeFraction(message.filterEnabled, context.at('filter_enabled')),
    filterEnforced: compileRuntimeFraction(message.filterEnforced, context.at('filter_enforced')),
    ...compileHeaders(message, context),
    descriptors: compileDescriptors(message, context),
    stage: message.stage,
    isPerConnection: message.localRateLimitPerDownstreamConnection,
    sendsRateLimitHeaders: enableXRatelimitHeaders === XRateLimitHeadersRFCVersion.DRAFT_VERSION_03,
    sendsRetryAfter: message.enableRetryAfterHeader,
    vhRateLimits: OF_HOST[message.vhRateLimits],
    alwaysConsumesDefault: alwaysConsumeDefaultTokenBucket ?? true,
    isResourceExhausted: message.rateLimitedAsResourceExhausted,
    rateLimits: compileOwnLimits(message, context),
    maxDynamicDescriptors: message.maxDynamicDescriptors ?? DEFAULT_DYNAMIC_DESCRIPTORS,
  });
}

function compileOwnLimits(
  { rateLimits }: LocalRateLimit,
  context: CompileContext,
): LocalRateLimitConfig['rateLimits'] {
  rateLimits.forEach(({ stage, disableKey }, index) => {
    if (stage === undefined && disableKey === '') return;
    const rule = "'stage' field and 'disable_key' field are not supported";
    context.reject(`rate_limits[${index}]`, `${rule} here: leave them out`);
  });
  return compileRateLimits(rateLimits, context);
}

function statusOf({ status }: LocalRateLimit): number {
  const code: number = status?.code ?? TOO_MANY_REQUESTS;
  return code < MIN_STATUS ? TOO_MANY_REQUESTS : code;
}

function compileHeaders(
  message: LocalRateLimit,
  context: CompileContext,
): Pick<LocalRateLimitConfig, 'requestHeadersWhenNotEnforced' | 'responseHeaders'> {
  const request = {
    path: 'request_headers_to_add_when_not_enforced',
    options: message.requestHeadersToAddWhenNotEnforced,
  };
  const response = { path: 'response_headers_to_add', options: message.responseHeadersToAdd };
  return {
    requestHeadersWhenNotEnforced: compileHeaderOptions(request, context),
    responseHeaders: compileHeaderOptions(response, context),
  };
}

function compileDescriptors(
  { descriptors: items }: LocalRateLimit,
  context: CompileContext,
): readonly LimitedDescriptor[] {
  const descriptors = compileEach({ path: 'descriptors', items }, context, compileDescriptor);
  const keys = new Set<string>();
  for (const { entries } of descriptors) {
    const key = keyOf(entries);
    if (keys.has(key)) {
      const text = entries.map((entry) => `${entry.key}=${entry.value}`).join(', ');
      context.reject('descriptors', `duplicate descriptor in the local rate descriptor: ${text}`);
    }
    keys.add(key);
  }
  return descriptors;
}

function compileDescriptor(
  message: LocalRateLimitDescriptor,
  context: CompileContext,
): LimitedDescriptor | null {
  if (message.tokenBucket === undefined) return null;
  const at = context.at('token_bucket');
  const rate = compileTokenBucket(message.tokenBucket, at, 'local rate limit descriptor');
  if (rate === null) return null;
  const entries = message.entries.map(({ key, value }) => ({
    key,
    value: Buffer.from(value).toString('latin1'),
  }));
  return { entries, rate, isShadow: message.shadowMode };
}
