// One exchange on a server's HTTP/1.1 connection: the sender that the connection manager answers
// through. After the exchange it is detached, and every call on it is without effect.
import type { HeaderList } from '../header-list.ts';
import type { RequestHead, ResponseHead } from '../message.ts';
import type { RequestReceiver, ResetReason, ResponseSender } from '../stream.ts';
import { agreesToTunnel, type TunnelKind, tunnelKind } from '../tunnel.ts';
import { fieldLines, type MessageWriter } from './message-writer.ts';
import type { RequestDecoder } from './request-decoder.ts';
import {
  type ResponseContext,
  writeInformational,
  writeResponseHead,
  writeTunnelHead,
} from './response-encoder.ts';

/** What a stream needs of its codec. */
export interface ServerStreamOwner {
  readonly writer: MessageWriter;
  readonly isProperCase: boolean;
  readonly enableTrailers: boolean;
  isWritable(): boolean;
  /** The response is complete. */
  onResponseEnd(stream: H1ServerStream): void;
  /** The stream was given up. */
  onStreamReset(stream: H1ServerStream): void;
  /** `isPaused` changed. */
  onPauseChange(): void;
}

/** A response sender of HTTP/1.1, with what the codec remembers about the exchange. */
export class H1ServerStream implements ResponseSender, ResponseContext {
  /** Null once the exchange is over. */
  owner: ServerStreamOwner | null;
  receiver: RequestReceiver | null = null;
  readonly isProperCase: boolean;
  isHeadRequest = false;
  isHttp10 = false;
  isHeaderOnly = false;
  /** The connection ends behind this exchange. */
  isLast = false;
  isRequestComplete = false;
  isResponseComplete = false;
  /** What the request asks for, and whether the response agreed. */
  tunnelKind: TunnelKind = 'none';
  isTunnel = false;
  isHeadSent = false;
  isPaused = false;
  wireBytesSent = 0;
  wireBytesReceived = 0;
  headerBytesSent = 0;
  headerBytesReceived = 0;
  /** The sender was told to wait for `onWritable`. */
  isBlocked = false;

  constructor(owner: ServerStreamOwner) {
    this.owner = owner;
    this.isProperCase = owner.isProperCase;
  }

  /** The client wanted another protocol and gets HTTP: what it sends now is neither. */
  get isRefused(): boolean {
    return this.tunnelKind !== 'none' && this.isHeadSent && !this.isTunnel;
  }

  /** The request's head is there. */
  begin(head: RequestHead, decoder: RequestDecoder): void {
    this.headerBytesReceived = decoder.reader.fieldOctets;
    this.isHttp10 = decoder.isHttp10;
    this.isHeadRequest = head.method === 'HEAD';
    this.tunnelKind = tunnelKind(head);
    // What follows is no HTTP, whatever the answer: it must not be taken for a request.
    if (decoder.framing.isLast || this.tunnelKind !== 'none') this.isLast = true;
  }

  sendInformational(head: ResponseHead): void {
    // RFC 9110 §15.2: HTTP/1.0 has no 1xx.
    if (this.owner === null || this.isHeadSent || this.isHttp10) return;
    writeInformational(this.owner.writer, head, this);
    this.#count(this.owner.writer);
  }

  sendResponseHead(head: ResponseHead, endStream: boolean): void {
    const owner = this.owner;
    if (owner === null || this.isHeadSent) return;
    this.isHeadSent = true;
    this.isHeaderOnly = endStream;
    this.isTunnel = agreesToTunnel(this.tunnelKind, head.status);
    if (this.isTunnel) {
      writeTunnelHead(owner.writer, head, this);
      this.#count(owner.writer);
      if (endStream) owner.onResponseEnd(this);
      return;
    }
    // A client that is still sending may take long or never end; nothing is read behind it.
    if (!this.isRequestComplete) this.isLast = true;
    this.isLast = writeResponseHead(owner.writer, head, this);
    this.#count(owner.writer);
    if (endStream) owner.onResponseEnd(this);
  }

  sendData(data: Buffer, endStream: boolean): boolean {
    const owner = this.owner;
    if (owner === null || !this.isHeadSent || this.isResponseComplete) return true;
    owner.writer.data(data, endStream);
    this.#count(owner.writer);
    if (endStream) {
      owner.onResponseEnd(this);
      return true;
    }
    this.isBlocked = !owner.isWritable();
    return !this.isBlocked;
  }

  sendTrailers(trailers: HeaderList): void {
    const owner = this.owner;
    if (owner === null || !this.isHeadSent || this.isResponseComplete) return;
    owner.writer.trailers(owner.enableTrailers ? fieldLines(trailers, this.isProperCase) : '');
    this.#count(owner.writer);
    owner.onResponseEnd(this);
  }

  reset(_reason: ResetReason): void {
    if (this.owner !== null) this.owner.onStreamReset(this);
  }

  pauseReading(): void {
    this.#setPaused(true);
  }

  resumeReading(): void {
    this.#setPaused(false);
  }

  handOver(receiver: RequestReceiver): void {
    this.receiver = receiver;
  }

  closeAfterResponse(): void {
    this.isLast = true;
  }

  #count(writer: MessageWriter): void {
    this.wireBytesSent = writer.wireBytes;
    this.headerBytesSent = writer.fieldBytes;
  }

  #setPaused(isPaused: boolean): void {
    if (this.owner === null || this.isPaused === isPaused) return;
    this.isPaused = isPaused;
    this.owner.onPauseChange();
  }
}
