// Fields that several lines of are one value to Envoy, and so to everything that reads or routes by
// them. Among them those that the proxy itself believes: two readers of two lines could disagree.
import type { HeaderList } from './header-list.ts';
import { type HeaderMask, headerMask } from './header-names.ts';

/** Joined in requests. */
export const JOINED_IN_REQUESTS: HeaderMask = headerMask(
  'accept',
  'accept-encoding',
  'authorization',
  'content-encoding',
  'content-type',
  'grpc-timeout',
  'origin',
  'referer',
  'user-agent',
  'via',
  'x-envoy-attempt-count',
  'x-envoy-decorator-operation',
  'x-envoy-downstream-service-cluster',
  'x-envoy-downstream-service-node',
  'x-envoy-external-address',
  'x-envoy-force-trace',
  'x-envoy-ip-tags',
  'x-envoy-original-host',
  'x-envoy-original-path',
  'x-envoy-original-url',
  'x-forwarded-client-cert',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-request-id',
);

/** Joined in responses. */
export const JOINED_IN_RESPONSES: HeaderMask = headerMask(
  'content-encoding',
  'content-type',
  'date',
  'grpc-message',
  'grpc-status',
  'location',
  'server',
  'via',
  'x-envoy-attempt-count',
  'x-envoy-decorator-operation',
  'x-envoy-immediate-health-check-fail',
  'x-request-id',
);

/** Masks of the known names that a codec saw more than once in a message. */
export interface RepeatedNames {
  readonly repeatedLow: number;
  readonly repeatedHigh: number;
}

/** Joins what the codec saw more than once. */
export function joinRepeated(headers: HeaderList, seen: RepeatedNames, mask: HeaderMask): void {
  const low = seen.repeatedLow & mask.low;
  const high = seen.repeatedHigh & mask.high;
  if ((low | high) !== 0) headers.joinLines({ low, high });
}
