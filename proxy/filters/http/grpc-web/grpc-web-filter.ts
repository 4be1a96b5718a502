// Makes a gRPC call of a gRPC-Web one: the request is decoded where it is text, the response's
// trailers become the last frame of its content, and what is no gRPC response becomes an error.
import {
  encodeGrpcMessage,
  GRPC_TYPE,
  grpcMethodOf,
  grpcStatusOfHttp,
  isGrpcResponse,
} from '../../../http/grpc.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import { HEADER_ID } from '../../../http/header-names.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { GrpcCallStats } from '../../../upstream/cluster-grpc-stats.ts';
import {
  CONTINUE,
  DROP,
  type FilterStatus,
  type HttpFilter,
  type HttpFilterCallbacks,
  STOP,
} from '../../http-filter.ts';
import { clusterOfRoute } from '../route-cluster.ts';
import { Base64Decoder } from './base64-decoder.ts';
import { ErrorText } from './error-text.ts';
import { FrameTextEncoder } from './frame-text-encoder.ts';
import {
  BINARY_PROTO,
  isWebResponseType,
  TEXT_PROTO,
  trailersFrame,
  webEncodingOf,
} from './web-types.ts';

const NOTHING = Buffer.alloc(0);
const CONTENT_TYPE = HEADER_ID['content-type'];
const CONTENT_LENGTH = HEADER_ID['content-length'];
const GRPC_STATUS = HEADER_ID['grpc-status'];
const ACCEPT_ENCODING = 'grpc-accept-encoding';
/** For clients that name none. */
const ACCEPTED_ENCODINGS = 'identity';

/** One per stream; of a request that is not gRPC-Web it does nothing. */
export class GrpcWebFilter implements HttpFilter {
  readonly #callbacks: HttpFilterCallbacks;
  #isWeb = false;
  /** null: the request's content is binary. */
  #decoder: Base64Decoder | null = null;
  #wantsText = false;
  /** null: the response's content stays as it is. */
  #encoder: FrameTextEncoder | null = null;
  /** Of a response that is not gRPC: its head waits for the whole text. */
  #held: ResponseHead | null = null;
  #error: ErrorText | null = null;
  #stats: GrpcCallStats | null = null;

  constructor(callbacks: HttpFilterCallbacks) {
    this.#callbacks = callbacks;
  }

  onRequestHead(head: RequestHead): FilterStatus {
    const { headers } = head;
    const encoding = webEncodingOf(headers.get(CONTENT_TYPE));
    if (encoding === null) return CONTINUE;
    this.#isWeb = true;
    if (encoding === 'text') this.#decoder = new Base64Decoder();
    this.#wantsText = webEncodingOf(headers.get(HEADER_ID.accept)) === 'text';
    this.#openStats(head);
    // It counts what the client sends, and not what the upstream gets.
    headers.removeKnown(CONTENT_LENGTH);
    headers.setKnown(CONTENT_TYPE, GRPC_TYPE);
    headers.setKnown(HEADER_ID.te, 'trailers');
    if (headers.getByName(ACCEPT_ENCODING) === null) {
      headers.add(ACCEPT_ENCODING, ACCEPTED_ENCODINGS);
    }
    return CONTINUE;
  }

  onRequestData(data: Buffer, endStream: boolean): FilterStatus {
    const decoder = this.#decoder;
    if (decoder === null) return CONTINUE;
    const decoded = decoder.decode(data);
    if (decoded === null) return this.#refuse('grpc_base_64_decode_failed');
    if (endStream && !decoder.isComplete) {
      return this.#refuse('grpc_base_64_decode_failed_bad_size');
    }
    if (decoded.length > 0 || endStream) {
      this.#callbacks.injectRequestData(this, decoded, endStream);
    }
    return DROP;
  }

  onRequestTrailers(): FilterStatus {
    const isCut = this.#decoder !== null && !this.#decoder.isComplete;
    return isCut ? this.#refuse('grpc_base_64_decode_failed_bad_size') : CONTINUE;
  }

  onResponseHead(head: ResponseHead, endStream: boolean): FilterStatus {
    if (!this.#isWeb) return CONTINUE;
    const { headers } = head;
    this.#chargeStatus(headers);
    const isUsable =
      isGrpcResponse(head, endStream) ||
      (head.status === 200 && isWebResponseType(headers.get(CONTENT_TYPE)));
    headers.removeKnown(CONTENT_LENGTH);
    headers.setKnown(CONTENT_TYPE, this.#wantsText ? TEXT_PROTO : BINARY_PROTO);
    if (endStream) return CONTINUE;
    if (isUsable) {
      if (this.#wantsText) this.#encoder = new FrameTextEncoder();
      return CONTINUE;
    }
    this.#held = head;
    this.#error = new ErrorText();
    return STOP;
  }

  onResponseData(data: Buffer, endStream: boolean): FilterStatus {
    if (this.#error !== null) {
      this.#error.add(data);
      if (!endStream) return DROP;
      this.#tellError();
      this.#callbacks.continueResponse(this);
      this.#callbacks.injectResponseData(this, NOTHING, true);
      return DROP;
    }
    const encoder = this.#encoder;
    if (encoder === null) return CONTINUE;
    const text = encoder.encode(data) + (endStream ? encoder.finish() : '');
    if (text !== '' || endStream) {
      this.#callbacks.injectResponseData(this, Buffer.from(text, 'latin1'), endStream);
    }
    return DROP;
  }

  onResponseTrailers(trailers: HeaderList): FilterStatus {
    if (!this.#isWeb) return CONTINUE;
    this.#chargeStatus(trailers);
    if (this.#error !== null) {
      this.#tellError();
      return CONTINUE;
    }
    const frame = trailersFrame(trailers);
    // They are content now: access logs find none, as in Envoy.
    removeAll(trailers);
    const encoder = this.#encoder;
    const content =
      encoder === null ? frame : Buffer.from(encoder.finish() + frame.toString('base64'), 'latin1');
    this.#callbacks.injectResponseData(this, content, true);
    return DROP;
  }

  /** The head may go on now, with what the body said and without a body. */
  #tellError(): void {
    const head = this.#held as ResponseHead;
    const { headers } = head;
    headers.setKnown(
      HEADER_ID['grpc-message'],
      encodeGrpcMessage((this.#error as ErrorText).bytes),
    );
    headers.setKnown(GRPC_STATUS, String(grpcStatusOfHttp(head.status)));
    headers.setKnown(CONTENT_LENGTH, '0');
  }

  #refuse(details: string): FilterStatus {
    this.#callbacks.sendLocalReply({
      status: 400,
      body: 'Bad gRPC-web request, invalid base64 data.',
      details,
      flag: null,
      headers: null,
    });
    return DROP;
  }

  #openStats(head: RequestHead): void {
    const called = grpcMethodOf(head.path);
    const cluster = called === null ? null : clusterOfRoute(this.#callbacks, head);
    if (cluster !== null && called !== null) {
      this.#stats = cluster.stats.grpc.of('grpc-web', called);
    }
  }

  #chargeStatus(fields: HeaderList): void {
    if (this.#stats === null || !fields.mayHave(GRPC_STATUS)) return;
    const status = fields.get(GRPC_STATUS);
    if (status !== null) this.#stats.chargeStatus(status);
  }
}

function removeAll(fields: HeaderList): void {
  const names = new Set<string>();
  for (let index = 0; index < fields.length; index += 1) names.add(fields.nameAt(index));
  for (const name of names) fields.remove(name);
}
