// What the senders of an HTTP/2 connection's streams ask for.
import { INVARIANTS } from '../../base/invariants.ts';
import type { HeaderList } from '../header-list.ts';
import type { RequestHead, ResponseHead } from '../message.ts';
import type { ResetReason } from '../stream.ts';
import { H2_CODE } from './frame-types.ts';
import type { SessionCore } from './session-core.ts';
import type { H2Stream, StreamOwner } from './stream.ts';

const NOTHING = Buffer.alloc(0);

/** One a connection; the owner of all its streams. */
export class StreamCommands implements StreamOwner {
  readonly #session: SessionCore;

  constructor(session: SessionCore) {
    this.#session = session;
  }

  sendInformational(stream: H2Stream, head: ResponseHead): void {
    const session = this.#session;
    if (session.isDone) return;
    session.role.writeResponseHead(stream, head, false);
    this.#afterSending();
  }

  sendResponseHead(stream: H2Stream, head: ResponseHead, endStream: boolean): void {
    const session = this.#session;
    if (session.isDone) return;
    session.role.writeResponseHead(stream, head, endStream);
    if (endStream) this.#endLocal(stream);
    this.#afterSending();
  }

  sendRequestHead(stream: H2Stream, head: RequestHead, endStream: boolean): void {
    const session = this.#session;
    if (session.isDone) return;
    session.role.writeRequestHead(stream, head, endStream);
    if (endStream) this.#endLocal(stream);
    this.#afterSending();
  }

  sendData(stream: H2Stream, data: Buffer, endStream: boolean): boolean {
    const session = this.#session;
    const content = stream.isContentless ? NOTHING : data;
    if (session.isDone || !this.#keepsPromise(stream, content.length)) return true;
    const mayGoOn = session.outbound.sendData(stream, content, endStream);
    this.#afterSending();
    return mayGoOn;
  }

  sendTrailers(stream: H2Stream, trailers: HeaderList): void {
    const session = this.#session;
    if (session.isDone || !this.#keepsPromise(stream, 0)) return;
    if (trailers.count() === 0) {
      session.outbound.sendData(stream, NOTHING, true);
    } else {
      stream.outputTrailers = trailers;
      session.outbound.sendTrailers(stream);
    }
    this.#afterSending();
  }

  resetStream(stream: H2Stream, reason: ResetReason): void {
    const session = this.#session;
    // As Envoy 1.40: whoever gives up says that something went wrong here.
    const isTheirFault = reason === 'protocol-error';
    session.sendReset(stream, isTheirFault ? H2_CODE.protocolError : H2_CODE.internalError);
    session.abandon(stream);
    this.#afterSending();
  }

  onPauseChange(stream: H2Stream): void {
    const session = this.#session;
    if (!stream.isPaused) session.inbound.resume(stream);
  }

  onFlushTimeout(stream: H2Stream): void {
    const session = this.#session;
    session.io.counters.txFlushTimeout.inc();
    session.sendReset(stream, H2_CODE.internalError);
    session.end(stream, 'local-reset', 'stream_flush_timeout');
    this.#afterSending();
  }

  #endLocal(stream: H2Stream): void {
    if (stream.owner === null) return;
    stream.closeLocal();
    this.#session.role.settle(stream);
  }

  /** False: content contradicts the content-length of its head; the stream is reset. */
  #keepsPromise(stream: H2Stream, octets: number): boolean {
    if (stream.lengthToSend < 0) return true;
    stream.lengthToSend -= octets;
    const isShort = stream.isEnded && stream.lengthToSend > 0;
    if (stream.lengthToSend >= 0 && !isShort) return true;
    this.#session.sendReset(stream, H2_CODE.internalError);
    this.#session.role.onBrokenMessage(stream);
    return false;
  }

  /** Too much output ends the connection, but not under the feet of whoever wrote it. */
  #afterSending(): void {
    const session = this.#session;
    if (session.guard.error !== null && !session.isDone) session.io.services.flushLater(session);
    if (INVARIANTS) session.checkInvariants();
  }
}
