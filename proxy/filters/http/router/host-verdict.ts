// Whether a host answered well, as `/clusters` counts it (rq_success, rq_error). A gRPC response says
// so in its grpc-status, which comes last.
import { grpcStatusIn, hasGrpcType, httpStatusOfGrpc } from '../../../http/grpc.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { HostStats } from '../../../upstream/host.ts';

const FIRST_ERROR = 500;

/** What became of a host's response so far. */
export type Verdict = 'given' | 'awaits-grpc-status';

/** The response began. */
export function judgeHead(
  host: HostStats,
  head: ResponseHead,
  exchange: { readonly request: RequestHead | null; readonly endStream: boolean },
): Verdict {
  const { request, endStream } = exchange;
  if (head.status >= FIRST_ERROR) host.rqError += 1;
  else if (request === null || !hasGrpcType(request.headers)) host.rqSuccess += 1;
  else if (endStream) judgeGrpcStatus(host, head.headers);
  else return 'awaits-grpc-status';
  return 'given';
}

/** The fields behind which nothing follows; null: it ended without trailers, or early. */
export function judgeGrpcStatus(host: HostStats, fields: HeaderList | null): void {
  const status = fields === null ? null : grpcStatusIn(fields);
  if (status !== null && httpStatusOfGrpc(status) < FIRST_ERROR) host.rqSuccess += 1;
  else host.rqError += 1;
}
