// The response behind the filters, on its way to the client: conditioned, counted, timed.
import type { HeaderList } from '../../../http/header-list.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { ResponseSender } from '../../../http/stream.ts';
import type { StreamInfo } from '../../../http/stream-info.ts';
import type { PathSink } from '../../filter-path.ts';
import type { LocalReply } from '../../http-filter.ts';
import type { AdmittedTunnel } from './admitted-tunnel.ts';
import type { HcmRuntime } from './hcm-runtime.ts';
import { RESPONSE_TOO_LARGE } from './local-reply.ts';

/** The stream that is answered. */
export interface RespondingStream {
  readonly runtime: HcmRuntime;
  readonly info: StreamInfo;
  readonly request: RequestHead | null;
  responseTrailers: HeaderList | null;
  readonly isRequestComplete: boolean;
  readonly isOver: boolean;
  readonly tunnel: AdmittedTunnel | null;
  readonly wallMs: number;
  nowMs(): number;
  /** The head is about to leave. True: the connection ends behind the response. */
  onResponseBegin(): boolean;
  /** What the client sends from now on is no request to wait for. */
  onTunnelOpen(): void;
  onResponseComplete(): void;
  /** The filters: what they hold of the response can be forgotten. */
  readonly flow: { abandonResponse(): void };
  sendLocalReply(reply: LocalReply): void;
}

/** One per stream. */
export class ClientResponse implements PathSink<ResponseHead> {
  /** Its head is with the client: there can be no other. */
  hasStarted = false;
  readonly #stream: RespondingStream;
  readonly #sender: ResponseSender;

  constructor(stream: RespondingStream, sender: ResponseSender) {
    this.#stream = stream;
    this.#sender = sender;
  }

  head(head: ResponseHead, endStream: boolean): void {
    const stream = this.#stream;
    const { runtime, info } = stream;
    info.responseCode = head.status;
    info.firstResponseByteMs = stream.nowMs();
    runtime.responses.condition(head, stream.request, stream.wallMs);
    if (stream.onResponseBegin()) this.#sender.closeAfterResponse();
    if (!info.isHealthCheck) runtime.stats.countResponse(head.status);
    if (!stream.isRequestComplete) runtime.stats.rqResponseBeforeRqComplete.inc();
    this.hasStarted = true;
    if (stream.tunnel?.isOpenedBy(head) === true) stream.onTunnelOpen();
    if (endStream) stream.onResponseComplete();
    this.#sender.sendResponseHead(head, endStream);
  }

  data(data: Buffer, endStream: boolean): boolean {
    const stream = this.#stream;
    if (stream.isOver) return true;
    stream.info.bytesSent += data.length;
    if (endStream) stream.onResponseComplete();
    return this.#sender.sendData(data, endStream);
  }

  trailers(trailers: HeaderList): void {
    const stream = this.#stream;
    if (stream.isOver) return;
    stream.responseTrailers = trailers;
    stream.onResponseComplete();
    this.#sender.sendTrailers(trailers);
  }

  /** Filters hold more of the response than may be held. */
  overflow(): void {
    const stream = this.#stream;
    stream.runtime.stats.rsTooLarge.inc();
    stream.flow.abandonResponse();
    stream.sendLocalReply(RESPONSE_TOO_LARGE);
  }

  isDead(): boolean {
    return this.#stream.isOver;
  }
}
