// One connection that asks a host by HTTP: joins transport and codec, and carries one request at a
// time. Whoever let go of it hears nothing of it any more.
import type { ClientCodec, ClientCodecHandler } from '../../http/codec.ts';
import type { HeaderList } from '../../http/header-list.ts';
import type { RequestHead, ResponseHead } from '../../http/message.ts';
import type { RequestSender, ResponseReceiver } from '../../http/stream.ts';
import type { CloseReason, Connection, ConnectionHandler } from '../../net/connection.ts';
import type { ClientCodecSetup } from '../upstream-context.ts';
import { type CheckTarget, connectToCheck } from './checker.ts';

/** A request of a check. */
export interface CheckRequest {
  readonly head: RequestHead;
  /** Empty: the head ends it. */
  readonly content: Buffer;
}

/** Who asked. */
export interface CheckConnectionOwner {
  onResponseHead(head: ResponseHead, endStream: boolean): void;
  /** `data` is borrowed. */
  onData(data: Buffer, endStream: boolean): void;
  onTrailers(trailers: HeaderList): void;
  /** The exchange broke off, or never began. */
  onBrokenOff(detail: string): void;
}

/** See the file's head. */
export class CheckConnection implements ConnectionHandler, ClientCodecHandler, ResponseReceiver {
  readonly #transport: Connection;
  readonly #codec: ClientCodec;
  /** null: it was let go. */
  #owner: CheckConnectionOwner | null;
  /** A request that waits for the connection. */
  #waiting: CheckRequest | null = null;
  #sender: RequestSender | null = null;
  #isConnected = false;
  #isDone = false;
  /** The codec is parsing: the transport is closed behind it. */
  #isReceiving = false;

  /** Begins to connect. */
  constructor(target: CheckTarget, setup: ClientCodecSetup, owner: CheckConnectionOwner) {
    this.#owner = owner;
    this.#transport = connectToCheck(target, this);
    this.#codec = target.services.codecs.create(setup, this.#transport, this);
  }

  /** A request can be sent, perhaps once it is connected. */
  get isUsable(): boolean {
    if (this.#isDone || this.#owner === null) return false;
    return !this.#isConnected || (!this.#codec.isGoingAway && this.#codec.availableStreams > 0);
  }

  /** Sends a request; only when usable and no other is under way. */
  ask(request: CheckRequest): void {
    if (this.#isConnected) this.#send(request);
    else this.#waiting = request;
  }

  /** The answer is no longer wanted; the connection may serve again if its protocol allows. */
  giveUp(): void {
    const sender = this.#sender;
    this.#sender = null;
    this.#waiting = null;
    sender?.reset('local-reset');
  }

  /** Lets go of it and closes it. */
  drop(): void {
    if (this.#owner === null) return;
    this.#owner = null;
    this.#sender = null;
    this.#waiting = null;
    if (!this.#isReceiving) this.#close();
  }

  onConnected(): void {
    this.#isConnected = true;
    const request = this.#waiting;
    this.#waiting = null;
    if (request !== null) this.#send(request);
  }

  onBytes(buffer: Buffer, length: number): void {
    this.#feed(() => this.#codec.onBytes(buffer, 0, length));
  }

  onEnd(): void {
    this.#feed(() => this.#codec.onEnd());
    // Nothing more will be answered here.
    if (!this.#isDone) this.#close();
  }

  onDrain(): void {
    if (!this.#isDone) this.#codec.onDrain();
  }

  onClose(_reason: CloseReason, detail: string): void {
    if (this.#isDone) return;
    this.#isDone = true;
    const wasWaiting = this.#waiting !== null;
    this.#waiting = null;
    this.#codec.onClose(detail);
    if (wasWaiting) this.#breakOff(detail);
  }

  onStreamClosed(): void {
    this.#sender = null;
  }

  onCapacityChanged(): void {
    // What it can take is asked before each request.
  }

  onConnectionDone(): void {
    if (!this.#isReceiving) this.#close();
    else this.#isDone = true;
  }

  onInformational(): void {
    // The answer is still to come.
  }

  onResponseHead(head: ResponseHead, endStream: boolean): void {
    if (endStream) this.#sender = null;
    this.#owner?.onResponseHead(head, endStream);
  }

  onData(data: Buffer, endStream: boolean): void {
    if (endStream) this.#sender = null;
    this.#owner?.onData(data, endStream);
  }

  onTrailers(trailers: HeaderList): void {
    this.#sender = null;
    this.#owner?.onTrailers(trailers);
  }

  onReset(_reason: string, detail: string): void {
    this.#sender = null;
    this.#breakOff(detail);
  }

  onWritable(): void {
    // A check's content is small: it was handed over as a whole.
  }

  #send({ head, content }: CheckRequest): void {
    const sender = this.#codec.openStream(this);
    this.#sender = sender;
    sender.sendRequestHead(head, content.length === 0);
    if (content.length > 0) sender.sendData(content, true);
  }

  #feed(parse: () => void): void {
    if (this.#isDone || this.#owner === null) return;
    this.#isReceiving = true;
    parse();
    this.#isReceiving = false;
    if (this.#isDone || this.#owner === null) this.#close();
  }

  #breakOff(detail: string): void {
    this.#sender = null;
    this.#owner?.onBrokenOff(detail);
  }

  #close(): void {
    this.#isDone = true;
    this.#transport.close('now');
    this.#codec.onClose('');
  }
}
