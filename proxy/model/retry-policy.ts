// When a request is tried again, where and how soon, compiled from config.route.v3.RetryPolicy and
// HedgePolicy. Clients from inside may say the same in fields, so that the words are read here.
import type { HeaderMatchConfig } from './route-match.ts';

/** Conditions of retry_on, as bits. */
export const RETRY_ON = {
  serverError: 1 << 0,
  gatewayError: 1 << 1,
  reset: 1 << 2,
  resetBeforeRequest: 1 << 3,
  connectFailure: 1 << 4,
  rateLimited: 1 << 5,
  conflict: 1 << 6,
  refusedStream: 1 << 7,
  statuses: 1 << 8,
  headers: 1 << 9,
  grpcCancelled: 1 << 10,
  grpcDeadlineExceeded: 1 << 11,
  grpcInternal: 1 << 12,
  grpcResourceExhausted: 1 << 13,
  grpcUnavailable: 1 << 14,
} as const;

const HTTP_WORDS: ReadonlyMap<string, number> = new Map([
  ['5xx', RETRY_ON.serverError],
  ['gateway-error', RETRY_ON.gatewayError],
  ['reset', RETRY_ON.reset],
  ['reset-before-request', RETRY_ON.resetBeforeRequest],
  ['connect-failure', RETRY_ON.connectFailure],
  ['envoy-ratelimited', RETRY_ON.rateLimited],
  ['retriable-4xx', RETRY_ON.conflict],
  ['refused-stream', RETRY_ON.refusedStream],
  ['retriable-status-codes', RETRY_ON.statuses],
  ['retriable-headers', RETRY_ON.headers],
  // There is no HTTP/3 here that could fail behind its handshake.
  ['http3-post-connect-failure', 0],
]);
const GRPC_WORDS: ReadonlyMap<string, number> = new Map([
  ['cancelled', RETRY_ON.grpcCancelled],
  ['deadline-exceeded', RETRY_ON.grpcDeadlineExceeded],
  ['internal', RETRY_ON.grpcInternal],
  ['resource-exhausted', RETRY_ON.grpcResourceExhausted],
  ['unavailable', RETRY_ON.grpcUnavailable],
]);

/** The bits of a list such as `5xx,reset`; words that are unknown are none, as in Envoy. */
export function parseRetryOn(text: string): number {
  return bitsOf(text, HTTP_WORDS);
}

/** The same of gRPC statuses. */
export function parseRetryGrpcOn(text: string): number {
  return bitsOf(text, GRPC_WORDS);
}

/** Words of the list that are neither. */
export function unknownRetryWords(text: string): readonly string[] {
  return wordsOf(text).filter((word) => !HTTP_WORDS.has(word) && !GRPC_WORDS.has(word));
}

function bitsOf(text: string, words: ReadonlyMap<string, number>): number {
  return wordsOf(text).reduce((bits, word) => bits | (words.get(word) ?? 0), 0);
}

function wordsOf(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/** config.route.v3.RetryPolicy */
export interface RetryPolicyConfig {
  /** RETRY_ON; 0: only what a client from inside asks for. */
  readonly on: number;
  readonly numRetries: number;
  /** 0: none. */
  readonly perTryTimeoutMs: number;
  readonly perTryIdleTimeoutMs: number;
  readonly statuses: ReadonlySet<number>;
  /** Responses that match one of them. */
  readonly headers: readonly HeaderMatchConfig[];
  /** Only requests that match one of them; empty: all. */
  readonly requestHeaders: readonly HeaderMatchConfig[];
  readonly hostPredicates: readonly RetryHostPredicateConfig[];
  /** How often a host that a predicate rejects is picked anew. */
  readonly hostSelectionAttempts: number;
  /** previous_priorities: after how many attempts their priorities are left out; 0: never. */
  readonly priorityUpdateFrequency: number;
  readonly backOff: BackOffConfig;
  readonly rateLimited: RateLimitedBackOffConfig | null;
  /** Runtime upstream.use_retry: percent of the retries that are made. */
  readonly usedPercent: number;
}

/** RetryPolicy.RetryBackOff */
export interface BackOffConfig {
  /** At least 1. */
  readonly baseMs: number;
  readonly maxMs: number;
}

/** RetryPolicy.RateLimitedRetryBackOff: how long the upstream says that it wants to be left alone. */
export interface RateLimitedBackOffConfig {
  readonly headers: readonly ResetHeaderConfig[];
  /** Longer ones are not believed. */
  readonly maxMs: number;
}

/** RetryPolicy.ResetHeader */
export interface ResetHeaderConfig {
  /** Lower case. */
  readonly name: string;
  readonly format: 'seconds' | 'unix-timestamp';
}

/** envoy.extensions.retry.host.* */
export type RetryHostPredicateConfig =
  | { readonly kind: 'previous-hosts' }
  | { readonly kind: 'omit-canary' }
  /** Hosts with all of these under `envoy.lb`. */
  | { readonly kind: 'omit-metadata'; readonly match: Readonly<Record<string, unknown>> };

/** config.route.v3.HedgePolicy */
export interface HedgePolicyConfig {
  /** A try that takes too long gets company, instead of being given up. */
  readonly onPerTryTimeout: boolean;
}
