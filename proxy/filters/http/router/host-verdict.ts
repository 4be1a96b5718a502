// Whether a host answered well, as `/clusters` counts it (rq_success, rq_error) and outlier detection
// hears it. A gRPC response says so in its grpc-status, which comes last.
import { grpcStatusIn, hasGrpcType, httpStatusOfGrpc } from '../../../http/grpc.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { ResetReason } from '../../../http/stream.ts';
import type { Host } from '../../../upstream/host.ts';

const FIRST_ERROR = 500;

/** What became of a host's response so far. */
export type Verdict = 'given' | 'awaits-grpc-status';

/** An attempt at a host. */
export interface JudgedAttempt {
  readonly host: Host;
  verdict: Verdict;
  /** Its host told its load already: it is taken once, as in Envoy. */
  hasReported: boolean;
}

/** The response began; whether it is kept or not. */
export function tellMonitor(
  attempt: JudgedAttempt,
  head: ResponseHead,
  request: RequestHead,
): void {
  const { load, monitor, reported } = attempt.host;
  load?.onFields(head.headers);
  if (reported !== null) attempt.hasReported = reported.onFields(head.headers);
  if (monitor === null) return;
  const grpc = hasGrpcType(request.headers) ? grpcStatusIn(head.headers) : null;
  monitor.onResponse(grpc === null ? head.status : httpStatusOfGrpc(grpc));
  if (!monitor.detectsDegraded) return;
  if (head.headers.getByName('x-envoy-degraded') !== null) monitor.onDegradedResponse();
}

/** There was none: what we saw of it. */
export function tellMonitorOfReset({ monitor }: Host, reason: ResetReason): void {
  // As Envoy: a circuit breaker says nothing about a host.
  if (monitor === null || reason === 'overflow') return;
  const failsToConnect = reason === 'connection-failure' || reason === 'connection-timeout';
  monitor.onLocalOrigin(failsToConnect ? 'connect-failed' : 'reset');
}

/** The response is passed on. */
export function judgeHead(
  attempt: JudgedAttempt,
  head: ResponseHead,
  exchange: { readonly request: RequestHead; readonly endStream: boolean },
): void {
  const { stats } = attempt.host;
  const { request, endStream } = exchange;
  if (head.status >= FIRST_ERROR) stats.rqError += 1;
  else if (!hasGrpcType(request.headers)) stats.rqSuccess += 1;
  else {
    attempt.verdict = 'awaits-grpc-status';
    if (endStream) judgeEnd(attempt, head.headers);
  }
}

/** The fields behind which nothing follows; null: it ended without trailers, or early. */
export function judgeEnd(attempt: JudgedAttempt | null, fields: HeaderList | null): void {
  if (attempt === null) return;
  if (fields !== null) {
    const { load, reported } = attempt.host;
    load?.onFields(fields);
    if (reported !== null && !attempt.hasReported) attempt.hasReported = reported.onFields(fields);
  }
  if (attempt.verdict === 'given') return;
  attempt.verdict = 'given';
  const status = fields === null ? null : grpcStatusIn(fields);
  if (status !== null && httpStatusOfGrpc(status) < FIRST_ERROR) attempt.host.stats.rqSuccess += 1;
  else attempt.host.stats.rqError += 1;
}
