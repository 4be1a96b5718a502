// Which fields an encoder puts into its table. Secrets never: a table shared by requests lets one
// who can add fields guess at others' (RFC 7541 §7.1). What changes every time would only push out
// what does not.

/**
 * - `index`: into the table, as long as that proves useful.
 * - `literal`: written out; only the name enters the table, once.
 * - `never`: written out, and marked so that nobody on the way indexes it either.
 * - `short-never`: `never` when the value is short enough to be guessed, else `index`.
 */
export type IndexingPolicy = 'index' | 'literal' | 'never' | 'short-never';

/** Below this a cookie could be guessed (RFC 7541 §7.1.3). */
export const GUESSABLE_OCTETS = 20;

const NEVER: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'set-cookie',
  'x-forwarded-client-cert',
  'x-amz-security-token',
  'x-api-key',
  'x-csrf-token',
  'x-xsrf-token',
]);

const LITERAL: ReadonlySet<string> = new Set([
  'age',
  'content-length',
  'content-range',
  'etag',
  'expires',
  'grpc-message',
  'grpc-timeout',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'location',
  'range',
  'traceparent',
  'x-amzn-trace-id',
  'x-b3-parentspanid',
  'x-b3-spanid',
  'x-b3-traceid',
  'x-cloud-trace-context',
  'x-envoy-expected-rq-timeout-ms',
  'x-envoy-original-path',
  'x-envoy-upstream-service-time',
  'x-request-id',
]);

/** The policy for a field name. */
export function indexingPolicy(name: string): IndexingPolicy {
  if (name === 'cookie') return 'short-never';
  if (NEVER.has(name)) return 'never';
  return LITERAL.has(name) ? 'literal' : 'index';
}
