// What one request is retried for: by the policy of its route or virtual host, and by what a client
// from inside asks for in its fields.
import { grpcStatusIn } from '../../../http/grpc.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import { HEADER_ID, type HeaderId, headerMask } from '../../../http/header-names.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { ResetReason } from '../../../http/stream.ts';
import { matchesHeader, matchesResponseHeader } from '../../../model/match-value.ts';
import {
  parseRetryGrpcOn,
  parseRetryOn,
  RETRY_ON,
  type RetryPolicyConfig,
} from '../../../model/retry-policy.ts';

/** Envoy's policy of a route without one: what it says counts where a client asks for retries. */
const DEFAULT_POLICY: RetryPolicyConfig = Object.freeze({
  on: 0,
  numRetries: 1,
  perTryTimeoutMs: 0,
  perTryIdleTimeoutMs: 0,
  statuses: new Set<number>(),
  headers: [],
  requestHeaders: [],
  hostPredicates: [],
  hostSelectionAttempts: 1,
  priorityUpdateFrequency: 0,
  backOff: { baseMs: 25, maxMs: 250 },
  rateLimited: null,
  usedPercent: 100,
});

const BY_CLIENT = headerMask('x-envoy-retry-on', 'x-envoy-retry-grpc-on');
const GRPC_STATUSES: ReadonlyMap<number, number> = new Map([
  [1, RETRY_ON.grpcCancelled],
  [4, RETRY_ON.grpcDeadlineExceeded],
  [8, RETRY_ON.grpcResourceExhausted],
  [13, RETRY_ON.grpcInternal],
  [14, RETRY_ON.grpcUnavailable],
]);
const CONFLICT = 409;
const TOO_EARLY = 425;
const RATE_LIMITED = 'x-envoy-ratelimited';

/** One per request that may be retried. */
export class RetryRules {
  readonly policy: RetryPolicyConfig;
  readonly numRetries: number;
  readonly #on: number;
  readonly #statuses: ReadonlySet<number>;
  /** Fields that a response only needs to have. */
  readonly #fields: readonly string[];
  readonly #isEarlyData: boolean;

  /** Reads the fields of `head`, and leaves them; null: it is not retried. */
  static of(policy: RetryPolicyConfig | null, head: RequestHead): RetryRules | null {
    const { headers } = head;
    const asks = headers.mayHaveAny(BY_CLIENT);
    // Most requests.
    if (policy === null && !asks) return null;
    const own = policy ?? DEFAULT_POLICY;
    const on = asks ? own.on | askedFor(headers) : own.on;
    const { requestHeaders } = own;
    const isMeant =
      requestHeaders.length === 0 || requestHeaders.some((each) => matchesHeader(each, head));
    return on === 0 || !isMeant ? null : new RetryRules(own, on, headers);
  }

  private constructor(policy: RetryPolicyConfig, on: number, headers: HeaderList) {
    this.policy = policy;
    this.#on = on;
    this.numRetries = numberIn(headers, HEADER_ID['x-envoy-max-retries']) ?? policy.numRetries;
    const statuses = listIn(headers, HEADER_ID['x-envoy-retriable-status-codes']);
    this.#statuses =
      statuses.length === 0
        ? policy.statuses
        : new Set([...policy.statuses, ...statuses.map(Number)]);
    this.#fields = listIn(headers, HEADER_ID['x-envoy-retriable-header-names']).map((name) =>
      name.toLowerCase(),
    );
    this.#isEarlyData = headers.getByName('early-data') !== null;
  }

  /** A response like this is worth another attempt. */
  wantsResponse(head: ResponseHead): boolean {
    const { status, headers } = head;
    // It comes from an Envoy that shields the one behind it.
    if (headers.getByName(RATE_LIMITED) !== null) return this.#has(RETRY_ON.rateLimited);
    if (this.#has(RETRY_ON.serverError) && status >= 500 && status < 600) return true;
    if (this.#has(RETRY_ON.gatewayError) && status >= 502 && status <= 504) return true;
    if (this.#has(RETRY_ON.conflict) && status === CONFLICT) return true;
    return this.#wantsStatus(status) || this.#wantsFields(head) || this.#wantsGrpcStatus(headers);
  }

  /** So is such an end before a response; `hasBegun`: some attempt was sent, if only in part. */
  wantsReset(reason: ResetReason, hasBegun: boolean): boolean {
    if (reason === 'overflow') return false;
    if (this.#has(RETRY_ON.reset | RETRY_ON.serverError | RETRY_ON.gatewayError)) return true;
    if (this.#has(RETRY_ON.resetBeforeRequest) && !hasBegun) return true;
    if (this.#has(RETRY_ON.refusedStream) && reason === 'remote-refused') return true;
    const failsToConnect = reason === 'connection-failure' || reason === 'connection-timeout';
    return this.#has(RETRY_ON.connectFailure) && failsToConnect;
  }

  /** RFC 8470: such a response asks for nothing but to be asked again. */
  isImmediate(head: ResponseHead): boolean {
    return head.status === TOO_EARLY && this.#wantsStatus(TOO_EARLY);
  }

  #has(bits: number): boolean {
    return (this.#on & bits) !== 0;
  }

  /** RFC 8470 §5.2: whoever sent early data hears of it himself. */
  #wantsStatus(status: number): boolean {
    if (!this.#has(RETRY_ON.statuses) || !this.#statuses.has(status)) return false;
    return status !== TOO_EARLY || !this.#isEarlyData;
  }

  #wantsFields(head: ResponseHead): boolean {
    if (!this.#has(RETRY_ON.headers)) return false;
    const { headers } = this.policy;
    return (
      headers.some((each) => matchesResponseHeader(each, head)) ||
      this.#fields.some((name) => head.headers.getByName(name) !== null)
    );
  }

  #wantsGrpcStatus(headers: HeaderList): boolean {
    const status = this.#on >= RETRY_ON.grpcCancelled ? grpcStatusIn(headers) : null;
    return status !== null && this.#has(GRPC_STATUSES.get(status) ?? 0);
  }
}

function askedFor(headers: HeaderList): number {
  const http = parseRetryOn(headers.get(HEADER_ID['x-envoy-retry-on']) ?? '');
  return http | parseRetryGrpcOn(headers.get(HEADER_ID['x-envoy-retry-grpc-on']) ?? '');
}

function numberIn(headers: HeaderList, id: HeaderId): number | null {
  const text = headers.mayHave(id) ? headers.get(id) : null;
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null;
}

function listIn(headers: HeaderList, id: HeaderId): string[] {
  const text = headers.mayHave(id) ? headers.get(id) : null;
  if (text === null) return [];
  const words = text.split(',').map((word) => word.trim());
  return words.filter((word) => word !== '');
}
