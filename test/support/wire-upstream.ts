// An upstream that keeps every byte it receives and answers each complete request with the bytes
// that the test laid out. A connection that begins with HTTP/2's preface is served in HTTP/2.
import net from 'node:net';
import { eventually } from './eventually.ts';
import { dataFrame, splitHeaders } from './h2-frames.ts';
import { H2Peer, type PeerStream } from './h2-peer.ts';
import { RawPeer } from './raw-peer.ts';
import { streamMessages } from './wire-h2-client.ts';
import { readMessages, type WireMessage } from './wire-message.ts';

/** What is sent to the proxy, in latin1. */
export interface WireAnswer {
  readonly text: string;
  /** When: the request's head is there, or all of it (default). */
  readonly at?: 'head' | 'request';
  /** What follows the text. */
  readonly end?: 'nothing' | 'fin' | 'reset';
  /** Frames instead of the text for a request of HTTP/2. */
  readonly frames?: (streamId: number) => Buffer;
}

/** The answer where a test says nothing. */
export const PLAIN_ANSWER: WireAnswer = {
  text: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
};

/** A proxy that keeps a stream open for longer means to. */
const SETTLE_MS = 200;

const PLAIN_HEAD = [
  [':status', '200'],
  ['content-length', '2'],
] as const;

function plainFrames(streamId: number): Buffer {
  return Buffer.concat([splitHeaders(streamId, PLAIN_HEAD), dataFrame(streamId, 'ok', true)]);
}

/** One connection of the proxy. */
export interface WireConnection {
  readonly requests: readonly WireMessage[];
  /** How the proxy ended it; `open` while it did not. */
  readonly end: 'open' | 'fin' | 'reset';
}

/** See the file's head. */
export class WireUpstream {
  answer: WireAnswer = PLAIN_ANSWER;
  /** Octets of all requests so far. */
  received = 0;
  readonly #server: net.Server;
  readonly #connections = new Set<Peer>();
  /** Connections that received anything since the last `take`, in the order of their first bytes. */
  #used: Peer[] = [];

  constructor() {
    this.#server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#connections.add(new Peer(this, socket));
    });
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => {
        resolve((this.#server.address() as net.AddressInfo).port);
      });
    });
  }

  /** What arrived since the last call. */
  take(): readonly WireConnection[] {
    const seen = this.#used.map((peer) => peer.take());
    this.#used = [];
    return seen;
  }

  /** True when the proxy holds a connection ready that it never used. */
  get hasSpare(): boolean {
    return [...this.#connections].some((peer) => peer.isSpare);
  }

  close(): void {
    for (const peer of this.#connections) peer.socket.destroy();
    this.#server.close();
  }

  /** Resets the connections on which anything came since the last `take`. */
  reset(): void {
    for (const peer of this.#used) peer.socket.resetAndDestroy();
  }

  /** Frames of each HTTP/2 connection so far. */
  frames(): readonly (readonly string[])[] {
    return [...this.#connections].flatMap(({ h2 }) => (h2 === null ? [] : [h2.transcript]));
  }

  /** Requests that came on each HTTP/2 connection and were not taken. */
  streamCounts(): readonly number[] {
    return [...this.#connections].flatMap(({ h2 }) => (h2 === null ? [] : [h2.streams.size]));
  }

  /** Resolves when a request came since the last `take`. */
  asked(): Promise<void> {
    return eventually(() => this.#used.length > 0);
  }

  /**
   * Resolves when the proxy is done with what came in HTTP/2, or seems to be. `isGivenUp`: the
   * client did not wait for its answer, so a reset is due.
   */
  async settled(isGivenUp: boolean): Promise<void> {
    await Promise.all(this.#used.map((peer) => peer.settled(isGivenUp)));
  }

  /** Called by a connection. */
  onUsed(peer: Peer): void {
    if (!this.#used.includes(peer)) this.#used.push(peer);
  }
}

class Peer {
  readonly socket: net.Socket;
  readonly #upstream: WireUpstream;
  #text = '';
  #answered = 0;
  #isFresh = true;
  #end: WireConnection['end'] = 'open';
  /** Null while the connection is not known to be HTTP/2. */
  #h2: H2Peer | null = null;
  /** Streams that were answered. */
  readonly #served = new Set<PeerStream>();

  constructor(upstream: WireUpstream, socket: net.Socket) {
    this.#upstream = upstream;
    this.socket = socket;
    socket.on('data', (data: Buffer) => this.#onData(data));
    socket.on('end', () => {
      this.#ended('fin');
      socket.end();
    });
    socket.on('error', () => this.#ended('reset'));
  }

  get h2(): H2Peer | null {
    return this.#h2;
  }

  /** Open, and nothing ever came. */
  get isSpare(): boolean {
    return this.#isFresh && this.#end === 'open';
  }

  /** Every stream is complete and answered, or reset; what came along with that was read. */
  async settled(isGivenUp: boolean): Promise<void> {
    const h2 = this.#h2;
    if (h2 === null) return;
    const isDone = (stream: PeerStream) =>
      stream.reset !== null || (!isGivenUp && stream.isEnded && this.#served.has(stream));
    const isSettled = () => h2.end !== null || [...h2.streams.values()].every(isDone);
    await h2.until(isSettled, SETTLE_MS).catch(() => undefined);
    if (h2.end === null) await h2.roundTrip(SETTLE_MS).catch(() => undefined);
  }

  take(): WireConnection {
    if (this.#h2 !== null) return this.#takeStreams(this.#h2);
    const { messages } = this.#read();
    this.#text = '';
    this.#answered = 0;
    return { requests: messages, end: this.#end };
  }

  #takeStreams({ streams }: H2Peer): WireConnection {
    const requests = [...streams.values()].flatMap(streamMessages);
    streams.clear();
    this.#served.clear();
    return { requests, end: this.#end };
  }

  #read() {
    const hasEnded = this.#end !== 'open';
    return readMessages(this.#text, { kind: 'request', methods: [], hasEnded });
  }

  #onData(data: Buffer): void {
    this.#upstream.received += data.length;
    if (this.#h2 !== null || (this.#text === '' && data.toString('latin1', 0, 4) === 'PRI ')) {
      this.#onFrames(data);
      return;
    }
    this.#text += data.toString('latin1');
    this.#isFresh = false;
    this.#upstream.onUsed(this);
    const { messages } = this.#read();
    const answer = this.#upstream.answer;
    const isEarly = answer.at === 'head';
    const ready = messages.filter(
      ({ isComplete, framing }) => isComplete || (isEarly && framing !== 'none'),
    );
    while (this.#answered < ready.length) {
      this.#answered += 1;
      this.#send(answer);
    }
  }

  #onFrames(data: Buffer): void {
    if (this.#h2 === null) {
      this.#h2 = new H2Peer(new RawPeer(this.socket), 'server');
      this.#h2.receive(data);
      this.socket.on('data', () => this.#answerStreams());
      this.#answerStreams();
    }
  }

  #answerStreams(): void {
    const { answer } = this.#upstream;
    for (const stream of this.#h2?.streams.values() ?? []) {
      this.#isFresh = false;
      this.#upstream.onUsed(this);
      const isReady = stream.isEnded || (answer.at === 'head' && stream.blocks.length > 0);
      if (!isReady || this.#served.has(stream)) continue;
      this.#served.add(stream);
      this.#send({ ...answer, text: (answer.frames ?? plainFrames)(stream.id).toString('latin1') });
    }
  }

  #send(answer: WireAnswer): void {
    const { socket } = this;
    socket.write(answer.text, 'latin1', () => {
      if (answer.end === 'reset') socket.resetAndDestroy();
    });
    if (answer.end === 'fin') socket.end();
  }

  #ended(how: 'fin' | 'reset'): void {
    if (this.#end === 'open') this.#end = how;
  }
}
