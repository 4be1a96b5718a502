// What is injected into one request: the configuration, the request's fields and chance decide.
import { type Fraction, isDrawn, type Random } from '../../../base/random.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import type { ClusterFaultRuntime, FaultConfig, FaultShare } from './fault-config.ts';

const ABORT = 'x-envoy-fault-abort-request';
const ABORT_GRPC = 'x-envoy-fault-abort-grpc-request';
const ABORT_PERCENTAGE = 'x-envoy-fault-abort-request-percentage';
const DELAY = 'x-envoy-fault-delay-request';
const DELAY_PERCENTAGE = 'x-envoy-fault-delay-request-percentage';
const THROUGHPUT = 'x-envoy-fault-throughput-response';
const THROUGHPUT_PERCENTAGE = 'x-envoy-fault-throughput-response-percentage';

/** How Envoy reads a number in a field. */
const UNSIGNED = /^\+?\d{1,20}$/;
/** Longer delays end with the stream anyway: about 24 days. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** A request as decisions see it. */
export interface FaultCase {
  readonly config: FaultConfig;
  readonly headers: HeaderList;
  /**
   * What runtime says of the cluster that the request comes from; null: nothing; undefined: the
   * request does not say where it comes from.
   */
  readonly cluster: ClusterFaultRuntime | null | undefined;
  readonly random: Random;
}

/** How an aborted request is answered. */
export interface AbortStatus {
  readonly httpStatus: number;
  /** null: what gRPC makes of the HTTP status. */
  readonly grpcStatus: number | null;
}

/** Ms that the request is held up; null: it is not. */
export function drawDelayMs({ config, headers, cluster, random }: FaultCase): number | null {
  const { delay } = config;
  if (delay === null) return null;
  const byCluster = cluster === undefined ? undefined : (cluster?.delayShare ?? null);
  const isFixed = delay.fixedMs !== null;
  const asked = isFixed ? null : DELAY_PERCENTAGE;
  if (!isDrawn(random, shareOf({ share: delay.share, byCluster }, headers, asked))) return null;
  const ms = isFixed ? delay.fixedMs : unsignedIn(headers, DELAY);
  if (ms === null) return null;
  const actual = cluster?.delayMs ?? delay.runtimeMs ?? ms;
  return actual === 0 ? null : Math.min(actual, MAX_DELAY_MS);
}

/** How the request is answered; null: by whom it is for. */
export function drawAbort({ config, headers, cluster, random }: FaultCase): AbortStatus | null {
  const { abort } = config;
  if (abort === null) return null;
  const byCluster = cluster === undefined ? undefined : (cluster?.abortShare ?? null);
  const asked = abort.kind === 'header' ? ABORT_PERCENTAGE : null;
  if (!isDrawn(random, shareOf({ share: abort.share, byCluster }, headers, asked))) return null;
  const httpStatus = abort.kind === 'http' ? abort.status : askedHttpStatus(abort.kind, headers);
  if (httpStatus !== null) {
    const actual = cluster?.httpStatus ?? abort.runtimeHttpStatus ?? httpStatus;
    return { httpStatus: actual, grpcStatus: null };
  }
  const grpcStatus = abort.kind === 'grpc' ? abort.status : unsignedIn(headers, ABORT_GRPC);
  if (grpcStatus === null) return null;
  const actual = cluster?.grpcStatus ?? abort.runtimeGrpcStatus ?? grpcStatus;
  return { httpStatus: 200, grpcStatus: actual };
}

/** KiB a second of the response; null: as fast as it comes. */
export function drawRateLimit({ config, headers, random }: FaultCase): number | null {
  const { responseRateLimit: limit } = config;
  if (limit === null) return null;
  const isFixed = limit.fixedKbps !== null;
  const asked = isFixed ? null : THROUGHPUT_PERCENTAGE;
  if (!isDrawn(random, shareOf({ share: limit.share }, headers, asked))) return null;
  if (isFixed) return limit.fixedKbps;
  const kbps = unsignedIn(headers, THROUGHPUT);
  return kbps === 0 ? null : kbps;
}

function askedHttpStatus(kind: 'grpc' | 'header', headers: HeaderList): number | null {
  const status = kind === 'header' ? unsignedIn(headers, ABORT) : null;
  return status !== null && status >= 200 && status < 600 ? status : null;
}

/** What there is to draw by. */
interface Shares {
  readonly share: FaultShare;
  /** null: runtime has none for the request's cluster; undefined: it is not asked for one. */
  readonly byCluster?: Fraction | null | undefined;
}

/** Runtime first, then what the request asks for, which can only lower what is configured. */
function shareOf(
  { share, byCluster }: Shares,
  headers: HeaderList,
  askedBy: string | null,
): Fraction {
  // As Envoy: of a request that says where it comes from only the values of its cluster count.
  const fromRuntime = byCluster === undefined ? share.runtime : byCluster;
  if (fromRuntime !== null) return fromRuntime;
  const asked = askedBy === null ? null : unsignedIn(headers, askedBy);
  if (asked === null || asked >= share.own.numerator) return share.own;
  return { numerator: asked, denominator: share.own.denominator };
}

function unsignedIn(headers: HeaderList, name: string): number | null {
  const text = headers.getByName(name)?.trim() ?? '';
  return UNSIGNED.test(text) ? Number(text) : null;
}
