// What holds of a stream between any two events.
import { invariant } from '../../../base/invariants.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { StreamInfo } from '../../../http/stream-info.ts';
import type { Route } from '../../../routing/route-table.ts';
import type { HttpFilter } from '../../http-filter.ts';

/** A stream as it shows itself. */
export interface CheckedStream {
  readonly info: StreamInfo;
  readonly request: RequestHead | null;
  readonly response: ResponseHead | null;
  readonly route: Route | null;
  readonly terminal: HttpFilter | null;
  readonly client: { readonly hasStarted: boolean };
  readonly isRequestComplete: boolean;
  readonly isAnswered: boolean;
  readonly isOver: boolean;
}

/** `isTimed`: some time limit may still run out. */
export function checkStream(stream: CheckedStream, isTimed: boolean): void {
  const { info, isOver, request, client } = stream;
  invariant(!isOver || stream.isAnswered, 'stream: what is over is answered');
  invariant(!isOver || !isTimed, 'stream: what is over is not timed');
  const hasEnd = info.lastRequestByteMs !== -1;
  invariant(hasEnd === stream.isRequestComplete, 'stream: the end of the request has its time');
  const isRouted = stream.terminal !== null || stream.route !== null;
  invariant(request !== null || !isRouted, 'stream: only a request has a route and filters');
  invariant(!client.hasStarted || stream.response !== null, 'stream: a response has a head');
  invariant(info.bytesSent === 0 || client.hasStarted, 'stream: content follows a head');
}
