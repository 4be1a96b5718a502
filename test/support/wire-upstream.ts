// An upstream that keeps every byte it receives and answers each complete request with the bytes
// that the test laid out.
import net from 'node:net';
import { readMessages, type WireMessage } from './wire-message.ts';

/** What is sent to the proxy, in latin1. */
export interface WireAnswer {
  readonly text: string;
  /** When: the request's head is there, or all of it (default). */
  readonly at?: 'head' | 'request';
  /** What follows the text. */
  readonly end?: 'nothing' | 'fin' | 'reset';
}

/** The answer where a test says nothing. */
export const PLAIN_ANSWER: WireAnswer = {
  text: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
};

/** One connection of the proxy. */
export interface WireConnection {
  readonly requests: readonly WireMessage[];
  /** How the proxy ended it; `open` while it did not. */
  readonly end: 'open' | 'fin' | 'reset';
}

/** See the file's head. */
export class WireUpstream {
  answer: WireAnswer = PLAIN_ANSWER;
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

  /** Open, and nothing ever came. */
  get isSpare(): boolean {
    return this.#isFresh && this.#end === 'open';
  }

  take(): WireConnection {
    const { messages } = this.#read();
    this.#text = '';
    this.#answered = 0;
    return { requests: messages, end: this.#end };
  }

  #read() {
    const hasEnded = this.#end !== 'open';
    return readMessages(this.#text, { kind: 'request', methods: [], hasEnded });
  }

  #onData(data: Buffer): void {
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
