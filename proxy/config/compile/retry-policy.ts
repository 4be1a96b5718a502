// config.route.v3.RetryPolicy and HedgePolicy, of routes and virtual hosts.
import type { Any } from '@bufbuild/protobuf/wkt';
import {
  type HedgePolicy,
  RetryPolicy_ResetHeaderFormat as ResetFormat,
  type RetryPolicy,
  type RetryPolicy_RateLimitedRetryBackOff,
  type RetryPolicy_RetryHostPredicate,
  type RetryPolicy_RetryPriority,
} from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import { OmitCanaryHostsPredicateSchema } from '../../api/gen/envoy/extensions/retry/host/omit_canary_hosts/v3/omit_canary_hosts_pb.js';
import {
  type OmitHostMetadataConfig,
  OmitHostMetadataConfigSchema,
} from '../../api/gen/envoy/extensions/retry/host/omit_host_metadata/v3/omit_host_metadata_config_pb.js';
import { PreviousHostsPredicateSchema } from '../../api/gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js';
import {
  type PreviousPrioritiesConfig,
  PreviousPrioritiesConfigSchema,
} from '../../api/gen/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.js';
import type { CompileContext, SupportTable } from '../../model/extension.ts';
import {
  type BackOffConfig,
  type HedgePolicyConfig,
  parseRetryGrpcOn,
  parseRetryOn,
  type RateLimitedBackOffConfig,
  type RetryHostPredicateConfig,
  type RetryPolicyConfig,
  unknownRetryWords,
} from '../../model/retry-policy.ts';
import { typeIn } from '../schema/open-any.ts';
import { compileEach } from './compile-each.ts';
import { unpack } from './extension-lookup.ts';
import { durationMs } from './field-values.ts';
import { compileHeaderMatcher } from './header-matcher.ts';
import { withLive } from './live-value.ts';
import { compileMetadataMatch } from './metadata-match.ts';
import { runtimeInteger } from './runtime-values.ts';

/** Envoy RetryPolicy.num_retries. */
const DEFAULT_RETRIES = 1;
/** Envoy RetryBackOff.base_interval; max_interval is this many times it. Less is a thundering herd. */
const DEFAULT_BASE_MS = 25;
const DEFAULT_MAX_FACTOR = 10;
const MIN_BASE_MS = 1;
/** Envoy RateLimitedRetryBackOff.max_interval. */
const DEFAULT_RATE_LIMITED_MAX_MS = 300_000;
/** Envoy RetryPolicy.host_selection_retry_max_attempts. */
const DEFAULT_HOST_SELECTION_ATTEMPTS = 1;
const ALL_PERCENT = 100;

const ONLY_ON_TIMEOUT = 'Envoy does not implement it either: only hedge_on_per_try_timeout works';

/** Support of the messages that only retries use, by type name. */
export const RETRY_FIELDS: Readonly<Record<string, SupportTable>> = {
  'envoy.config.route.v3.RetryPolicy': {
    retry_on: { partly: 'HTTP/3 does not exist here' },
    num_retries: 'honoured',
    per_try_timeout: 'honoured',
    per_try_idle_timeout: 'honoured',
    retry_priority: { partly: 'envoy.retry_priorities.previous_priorities' },
    retry_host_predicate: { partly: 'previous_hosts, omit_canary_hosts and omit_host_metadata' },
    retry_options_predicates: { refused: 'retries have no other socket options here' },
    host_selection_retry_max_attempts: 'honoured',
    retriable_status_codes: 'honoured',
    retry_back_off: 'honoured',
    rate_limited_retry_back_off: 'honoured',
    retriable_headers: 'honoured',
    retriable_request_headers: 'honoured',
  },
  'envoy.config.route.v3.RetryPolicy.RetryPriority': { name: 'honoured', typed_config: 'honoured' },
  'envoy.config.route.v3.RetryPolicy.RetryHostPredicate': {
    name: 'honoured',
    typed_config: 'honoured',
  },
  'envoy.config.route.v3.RetryPolicy.RetryBackOff': {
    base_interval: 'honoured',
    max_interval: 'honoured',
  },
  'envoy.config.route.v3.RetryPolicy.ResetHeader': { name: 'honoured', format: 'honoured' },
  'envoy.config.route.v3.RetryPolicy.RateLimitedRetryBackOff': {
    reset_headers: 'honoured',
    max_interval: 'honoured',
  },
  'envoy.config.route.v3.HedgePolicy': {
    initial_requests: { accepted: ONLY_ON_TIMEOUT },
    additional_request_chance: { accepted: ONLY_ON_TIMEOUT },
    hedge_on_per_try_timeout: 'honoured',
  },
  [PreviousPrioritiesConfigSchema.typeName]: { update_frequency: 'honoured' },
  [PreviousHostsPredicateSchema.typeName]: {},
  [OmitCanaryHostsPredicateSchema.typeName]: {},
  [OmitHostMetadataConfigSchema.typeName]: { metadata_match: 'honoured' },
};

/** null: the level says nothing about retries. */
export function compileRetryPolicy(
  message: RetryPolicy | undefined,
  context: CompileContext,
): RetryPolicyConfig | null {
  if (message === undefined) return null;
  const at = context.at('retry_policy');
  for (const word of unknownRetryWords(message.retryOn)) {
    at.warn('retry_on', `'${word}' is no condition: nothing is retried for it`);
  }
  const { runtime } = context.environment;
  const used = () => runtimeInteger(runtime, 'upstream.use_retry', ALL_PERCENT);
  const policy = withLive(compileFixed(message, at), runtime, ['usedPercent', used]);
  return withLive(policy, runtime, ['backOff', () => compileBackOff(message, at)]);
}

/** What the runtime does not change. */
function compileFixed(
  message: RetryPolicy,
  at: CompileContext,
): Omit<RetryPolicyConfig, 'backOff' | 'usedPercent'> {
  const { retryOn } = message;
  const attempts = Number(message.hostSelectionRetryMaxAttempts);
  return {
    on: parseRetryOn(retryOn) | parseRetryGrpcOn(retryOn),
    numRetries: message.numRetries ?? DEFAULT_RETRIES,
    perTryTimeoutMs: durationMs(at, { path: 'per_try_timeout', value: message.perTryTimeout }, 0),
    perTryIdleTimeoutMs: durationMs(
      at,
      { path: 'per_try_idle_timeout', value: message.perTryIdleTimeout },
      0,
    ),
    statuses: new Set(message.retriableStatusCodes),
    ...compileMatchers(message, at),
    hostPredicates: compileEach(
      { path: 'retry_host_predicate', items: message.retryHostPredicate },
      at,
      compileHostPredicate,
    ),
    hostSelectionAttempts: attempts === 0 ? DEFAULT_HOST_SELECTION_ATTEMPTS : attempts,
    priorityUpdateFrequency: compilePriority(message.retryPriority, at.at('retry_priority')),
    rateLimited: compileRateLimited(message.rateLimitedRetryBackOff, at),
  };
}

/** null: the level says nothing about hedging. */
export function compileHedgePolicy(message: HedgePolicy | undefined): HedgePolicyConfig | null {
  return message === undefined ? null : { onPerTryTimeout: message.hedgeOnPerTryTimeout };
}

function compileMatchers(
  { retriableHeaders, retriableRequestHeaders }: RetryPolicy,
  context: CompileContext,
): Pick<RetryPolicyConfig, 'headers' | 'requestHeaders'> {
  const responses = { path: 'retriable_headers', items: retriableHeaders };
  const requests = { path: 'retriable_request_headers', items: retriableRequestHeaders };
  return {
    headers: compileEach(responses, context, compileHeaderMatcher),
    requestHeaders: compileEach(requests, context, compileHeaderMatcher),
  };
}

function compileBackOff({ retryBackOff }: RetryPolicy, context: CompileContext): BackOffConfig {
  const { runtime } = context.environment;
  const at = context.at('retry_back_off');
  const byRuntime = runtimeInteger(runtime, 'upstream.base_retry_backoff_ms', DEFAULT_BASE_MS);
  const base = { path: 'base_interval', value: retryBackOff?.baseInterval };
  const baseMs = Math.max(durationMs(at, base, byRuntime), MIN_BASE_MS);
  const longest = { path: 'max_interval', value: retryBackOff?.maxInterval };
  const maxMs = durationMs(at, longest, null) ?? baseMs * DEFAULT_MAX_FACTOR;
  if (retryBackOff?.maxInterval !== undefined && maxMs < baseMs && maxMs >= MIN_BASE_MS) {
    const reason = 'retry_policy.max_interval must greater than or equal to the base_interval';
    at.reject('max_interval', reason);
  }
  return { baseMs, maxMs: Math.max(maxMs, MIN_BASE_MS) };
}

function compileRateLimited(
  message: RetryPolicy_RateLimitedRetryBackOff | undefined,
  context: CompileContext,
): RateLimitedBackOffConfig | null {
  if (message === undefined) return null;
  const at = context.at('rate_limited_retry_back_off');
  const longest = { path: 'max_interval', value: message.maxInterval };
  return {
    headers: message.resetHeaders.map(({ name, format }) => ({
      name: name.toLowerCase(),
      format: format === ResetFormat.UNIX_TIMESTAMP ? 'unix-timestamp' : 'seconds',
    })),
    maxMs: durationMs(at, longest, DEFAULT_RATE_LIMITED_MAX_MS),
  };
}

function compileHostPredicate(
  { configType }: RetryPolicy_RetryHostPredicate,
  context: CompileContext,
): RetryHostPredicateConfig | null {
  const any = configType.value;
  switch (typeOf(any)) {
    case PreviousHostsPredicateSchema.typeName:
      return { kind: 'previous-hosts' };
    case OmitCanaryHostsPredicateSchema.typeName:
      return { kind: 'omit-canary' };
    case OmitHostMetadataConfigSchema.typeName: {
      const message = any === undefined ? null : unpack(any, context, 'typed_config');
      if (message === null) return null;
      const { metadataMatch } = message as OmitHostMetadataConfig;
      return { kind: 'omit-metadata', match: compileMetadataMatch(metadataMatch) };
    }
    default: {
      const names = 'previous_hosts, omit_canary_hosts or omit_host_metadata';
      context.reject('typed_config', `'${typeOf(any)}' is no host predicate: use ${names}`);
      return null;
    }
  }
}

/** 0: the policy says nothing about priorities. */
function compilePriority(
  message: RetryPolicy_RetryPriority | undefined,
  context: CompileContext,
): number {
  if (message === undefined) return 0;
  const any = message.configType.value;
  if (typeOf(any) !== PreviousPrioritiesConfigSchema.typeName || any === undefined) {
    const reason = `'${typeOf(any)}' is no retry priority: use previous_priorities`;
    context.reject('typed_config', reason);
    return 0;
  }
  const config = unpack(any, context, 'typed_config') as PreviousPrioritiesConfig | null;
  return config?.updateFrequency ?? 0;
}

function typeOf(any: Any | undefined): string {
  return typeIn(any);
}
