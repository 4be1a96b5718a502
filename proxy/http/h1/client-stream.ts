// One exchange on a client's HTTP/1.1 connection: the sender that the router writes its request
// through. After the exchange it is detached, and every call on it is without effect.
import { INVARIANTS, invariant } from '../../base/invariants.ts';
import type { Random } from '../../base/random.ts';
import type { HeaderList } from '../header-list.ts';
import { headerMask } from '../header-names.ts';
import type { RequestHead, ResponseHead } from '../message.ts';
import type { RequestSender, ResetReason, ResponseReceiver } from '../stream.ts';
import { type TunnelKind, tunnelKind } from '../tunnel.ts';
import { keyLines, missingKey, takeAccept } from '../websocket.ts';
import { fieldLines, type MessageWriter } from './message-writer.ts';
import { writeRequestHead } from './request-encoder.ts';

const FRAMING_FIELDS = headerMask('content-length', 'transfer-encoding');

/** What a stream needs of its codec. */
export interface ClientStreamOwner {
  readonly writer: MessageWriter;
  readonly isProperCase: boolean;
  readonly enableTrailers: boolean;
  readonly random: Random | null;
  isWritable(): boolean;
  /** The request is complete. */
  onRequestEnd(stream: H1ClientStream): void;
  /** The stream was given up. */
  onStreamReset(stream: H1ClientStream): void;
  /** `isPaused` changed. */
  onPauseChange(): void;
}

/** A request sender of HTTP/1.1, with what the codec remembers about the exchange. */
export class H1ClientStream implements RequestSender {
  /** Null once the exchange is over. */
  owner: ClientStreamOwner | null;
  receiver: ResponseReceiver | null;
  readonly isProperCase: boolean;
  isHeadRequest = false;
  isHeaderOnly = false;
  isHeadSent = false;
  isRequestComplete = false;
  isResponseComplete = false;
  /** What the request asks for, and whether the response agreed. */
  tunnelKind: TunnelKind = 'none';
  isTunnel = false;
  /** Made up for a WebSocket handshake; '' for none. */
  websocketKey = '';
  /** Field lines besides those of the head. */
  extraLines = '';
  isPaused = false;
  wireBytesSent = 0;
  wireBytesReceived = 0;
  headerBytesSent = 0;
  headerBytesReceived = 0;
  /** The sender was told to wait for `onWritable`. */
  isBlocked = false;

  constructor(owner: ClientStreamOwner, receiver: ResponseReceiver) {
    this.owner = owner;
    this.receiver = receiver;
    this.isProperCase = owner.isProperCase;
  }

  sendRequestHead(head: RequestHead, endStream: boolean): void {
    const owner = this.owner;
    if (owner === null || this.isHeadSent) return;
    this.isHeadSent = true;
    this.isHeadRequest = head.method === 'HEAD';
    this.tunnelKind = tunnelKind(head);
    this.isHeaderOnly = endStream;
    this.#makeKey(head, owner.random);
    writeRequestHead(owner.writer, head, this);
    this.#count(owner.writer);
    if (endStream) this.#end(owner);
  }

  sendData(data: Buffer, endStream: boolean): boolean {
    const owner = this.owner;
    if (owner === null || !this.isHeadSent || this.isRequestComplete) return true;
    if (INVARIANTS) {
      const isAgreed = this.tunnelKind === 'none' || this.isTunnel;
      invariant(isAgreed, 'client stream: nothing of a tunnel leaves before the server agrees');
    }
    owner.writer.data(data, endStream);
    this.#count(owner.writer);
    if (endStream) {
      this.#end(owner);
      return true;
    }
    this.isBlocked = !owner.isWritable();
    return !this.isBlocked;
  }

  sendTrailers(trailers: HeaderList): void {
    const owner = this.owner;
    if (owner === null || !this.isHeadSent || this.isRequestComplete) return;
    owner.writer.trailers(owner.enableTrailers ? fieldLines(trailers, this.isProperCase) : '');
    this.#count(owner.writer);
    this.#end(owner);
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

  /** The server agrees to the tunnel; false: not to the key that was made up. */
  agree({ headers }: ResponseHead): boolean {
    if (this.websocketKey !== '' && !takeAccept(headers, this.websocketKey)) return false;
    // RFC 9110 §9.3.6: framing fields in a 2xx to CONNECT mean nothing.
    headers.removeAny(FRAMING_FIELDS);
    this.isTunnel = true;
    return true;
  }

  #makeKey(head: RequestHead, random: Random | null): void {
    if (this.tunnelKind !== 'upgrade' || random === null) return;
    this.websocketKey = missingKey(head, random);
    if (this.websocketKey !== '') this.extraLines = keyLines(this.websocketKey, head.headers);
  }

  #count(writer: MessageWriter): void {
    this.wireBytesSent = writer.wireBytes;
    this.headerBytesSent = writer.fieldBytes;
  }

  #end(owner: ClientStreamOwner): void {
    this.isRequestComplete = true;
    this.isBlocked = false;
    owner.onRequestEnd(this);
  }

  #setPaused(isPaused: boolean): void {
    if (this.owner === null || this.isPaused === isPaused) return;
    this.isPaused = isPaused;
    this.owner.onPauseChange();
  }
}
