// The field names that the proxy itself asks for, as small integers: one bit test says whether
// a message has one, and no string is compared on the way.

/** Known names in the order of their ids, starting at 1; at most 62, two 31-bit masks. */
const KNOWN_NAMES = [
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'te',
  'upgrade',
  'keep-alive',
  'proxy-connection',
  'expect',
  'trailer',
  'content-type',
  'date',
  'server',
  'via',
  'cookie',
  'set-cookie',
  'referer',
  'user-agent',
  'location',
  'authorization',
  'http2-settings',
  'grpc-status',
  'grpc-message',
  'grpc-timeout',
  'accept',
  'accept-encoding',
  'x-request-id',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-client-cert',
  'x-envoy-internal',
  'x-envoy-external-address',
  'x-envoy-expected-rq-timeout-ms',
  'x-envoy-upstream-rq-timeout-ms',
  'x-envoy-upstream-rq-per-try-timeout-ms',
  'x-envoy-upstream-rq-timeout-alt-response',
  'x-envoy-upstream-alt-stat-name',
  'x-envoy-upstream-service-time',
  'x-envoy-upstream-canary',
  'x-envoy-retry-on',
  'x-envoy-retry-grpc-on',
  'x-envoy-max-retries',
  'x-envoy-retriable-status-codes',
  'x-envoy-retriable-header-names',
  'x-envoy-hedge-on-per-try-timeout',
  'x-envoy-attempt-count',
  'x-envoy-original-path',
  'x-envoy-original-host',
  'x-envoy-original-url',
  'x-envoy-decorator-operation',
  'x-envoy-downstream-service-cluster',
  'x-envoy-downstream-service-node',
  'x-envoy-force-trace',
  'x-envoy-ip-tags',
  'x-envoy-overloaded',
  'x-envoy-immediate-health-check-fail',
  'content-encoding',
  'accept-language',
  'origin',
] as const;

/** A known field name in lower case. */
export type KnownName = (typeof KNOWN_NAMES)[number];

/** Id of a known name, from 1; 0 stands for every other name. */
export type HeaderId = number;

/** Id per known name. */
export const HEADER_ID: { readonly [K in KnownName]: HeaderId } = Object.fromEntries(
  KNOWN_NAMES.map((name, index) => [name, index + 1]),
) as {
  [K in KnownName]: HeaderId;
};

const IDS: ReadonlyMap<string, HeaderId> = new Map(
  KNOWN_NAMES.map((name, index) => [name, index + 1]),
);

/** Name per id; index 0 is the empty text. */
export const HEADER_NAME: readonly string[] = ['', ...KNOWN_NAMES];

/** The id of a lower-case name, 0 when it is not a known one. */
export function headerId(name: string): HeaderId {
  return IDS.get(name) ?? 0;
}

/** A set of known names, for one-step tests and removals. */
export interface HeaderMask {
  /** Bits of ids 1 to 31. */
  readonly low: number;
  /** Bits of ids 32 to 62. */
  readonly high: number;
}

/** Bit of an id in the low mask, 0 when it belongs to the high one. */
export function lowBit(id: HeaderId): number {
  return id < 32 ? 1 << (id - 1) : 0;
}

/** Bit of an id in the high mask, 0 when it belongs to the low one. */
export function highBit(id: HeaderId): number {
  return id < 32 ? 0 : 1 << (id - 32);
}

/** True when the mask holds this id; false for 0 and below. */
export function isInMask(id: HeaderId, mask: HeaderMask): boolean {
  return id > 0 && ((lowBit(id) & mask.low) !== 0 || (highBit(id) & mask.high) !== 0);
}

/** The mask of several known names. */
export function headerMask(...names: readonly KnownName[]): HeaderMask {
  let low = 0;
  let high = 0;
  for (const name of names) {
    low |= lowBit(HEADER_ID[name]);
    high |= highBit(HEADER_ID[name]);
  }
  return { low, high };
}

/** `x-request-id` to `X-Request-Id`: a letter is upper case at the start and behind non-alphanumerics. */
export function properCase(name: string): string {
  const known = PROPER_CASE.get(name);
  return known === undefined ? capitalize(name) : known;
}

function capitalize(name: string): string {
  return name.replace(/(^|[^a-z0-9])([a-z])/g, (_, before: string, letter: string) => {
    return before + letter.toUpperCase();
  });
}

const PROPER_CASE: ReadonlyMap<string, string> = new Map(
  KNOWN_NAMES.map((name) => [name, capitalize(name)]),
);
