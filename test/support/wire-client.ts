// A client that sends the bytes that a test laid out and reports what came back.
import net from 'node:net';
import { eventually } from './eventually.ts';
import { fieldValue, readMessages, type WireMessage } from './wire-message.ts';

/** What a client does on a connection of its own. */
export interface WireExchange {
  /**
   * Latin1. Several pieces: each is sent when the one before was answered or came to the upstream,
   * or when the proxy has done nothing with it for a while.
   */
  readonly send: string | readonly string[];
  /** Final responses to wait for; 1 where nothing is said. */
  readonly responses?: number;
  /** Methods of the requests, where not GET. */
  readonly methods?: readonly string[];
  /** Sends FIN when the proxy has read the bytes; `asked`: when they came to the upstream. */
  readonly halfClose?: true | 'asked';
  /** Leaves (with RST) as soon as everything is sent and this came back. */
  readonly leaveAfter?: string;
  /** Called once, when this text came back. */
  readonly onSeen?: { readonly text: string; readonly act: () => void };
}

/** What a client saw. */
export interface WireReport {
  readonly responses: readonly WireMessage[];
  /** What became of the connection. `cut`: it ended inside a message. `stuck`: nothing more came. */
  readonly ending: 'open' | 'closed' | 'cut' | 'stuck' | 'left';
  /** The client's port. */
  readonly port: number;
}

/** What surrounds an exchange. */
export interface WireContext {
  /** Ports that the client's must not be. */
  readonly taken: ReadonlySet<number>;
  /** Octets that the proxy's upstream received so far. */
  received(): number;
}

/** Longer than a proxy with nothing else to do takes for anything; then it gets its turns. */
const STUCK_MS = 1_500;
/** The same for a piece of a request: often nothing comes of it before the next piece. */
const PIECE_MS = 150;
/** Answers to others after which what a proxy has not done it will not do, however busy the machine. */
const TURNS = 3;
/** Nobody who lives is so slow. */
const DEAD_MS = 30_000;
const NOTHING_AROUND: WireContext = { taken: new Set(), received: () => 0 };
const PROBE = 'GET /probe HTTP/1.1\r\nhost: probe\r\n\r\n';

/** Runs an exchange with the proxy on a port of loopback. */
export async function wireExchange(
  port: number,
  exchange: WireExchange,
  context: WireContext = NOTHING_AROUND,
): Promise<WireReport> {
  const socket = await connectedOutside(port, context.taken);
  const turns = () => takeTurns(port, context.taken);
  return new WireClient(exchange, socket, { received: context.received, turns }).run();
}

/** Resolves when the proxy has served others, and so has seen all that was sent to it before. */
async function takeTurns(port: number, taken: ReadonlySet<number>): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) {
    const socket = await connectedOutside(port, taken);
    let isServed = false;
    for (const event of ['data', 'end', 'error', 'close']) {
      socket.on(event, () => {
        isServed = true;
      });
    }
    socket.write(PROBE);
    await eventually(() => isServed, DEAD_MS);
    socket.destroy();
  }
}

/** How a client learns what became of its bytes where no answer tells it. */
interface Surroundings {
  received(): number;
  turns(): Promise<void>;
}

/** A connection to a port of loopback whose own port is not in `taken`. */
export async function connectedOutside(
  port: number,
  taken: ReadonlySet<number>,
): Promise<net.Socket> {
  for (;;) {
    const socket = await connected(port);
    if (!taken.has(socket.localPort ?? 0)) return socket;
    socket.destroy();
  }
}

function connected(port: number): Promise<net.Socket> {
  const socket = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('connect', () => resolve(socket));
  });
}

class WireClient {
  readonly #exchange: WireExchange;
  readonly #socket: net.Socket;
  readonly #surroundings: Surroundings;
  readonly #port: number;
  #text = '';
  #end: 'none' | 'fin' | 'reset' = 'none';

  constructor(exchange: WireExchange, socket: net.Socket, surroundings: Surroundings) {
    this.#exchange = exchange;
    this.#socket = socket;
    this.#surroundings = surroundings;
    this.#port = socket.localPort ?? 0;
    socket.removeAllListeners('error');
    socket.on('data', (data: Buffer) => this.#received(data));
    socket.on('end', () => this.#ended('fin'));
    socket.on('error', () => this.#ended('reset'));
    socket.on('close', () => this.#ended('fin'));
  }

  async run(): Promise<WireReport> {
    const { leaveAfter, halfClose, responses = 1 } = this.#exchange;
    const before = this.#progress();
    await this.#send();
    if (halfClose === 'asked') await this.#until(() => this.#progress() > before);
    if (halfClose === true) await this.#surroundings.turns();
    if (halfClose !== undefined) this.#socket.end();
    if (leaveAfter !== undefined) {
      await this.#until(() => this.#text.includes(leaveAfter));
      return this.#report('left');
    }
    await this.#until(() => this.#end !== 'none' || this.#finals().length >= responses);
    return this.#report(await this.#ending(responses));
  }

  async #send(): Promise<void> {
    const { send } = this.#exchange;
    const pieces = typeof send === 'string' ? [send] : send;
    for (const [index, piece] of pieces.entries()) {
      const before = this.#progress();
      this.#socket.write(piece, 'latin1');
      if (index === pieces.length - 1) break;
      await this.#until(() => this.#progress() > before, PIECE_MS);
    }
  }

  async #ending(responses: number): Promise<WireReport['ending']> {
    const finals = this.#finals();
    if (this.#end === 'none' && finals.length < responses) return 'stuck';
    if (this.#end === 'none') {
      const last = finals.at(-1);
      const saysClose = last !== undefined && fieldValue(last, 'connection') === 'close';
      if (!saysClose && !this.#socket.writableEnded) this.#socket.write(PROBE);
      const count = this.#read().length;
      await this.#until(() => this.#end !== 'none' || this.#read().length > count);
      if (this.#end === 'none') return this.#read().length > count ? 'open' : 'stuck';
    }
    const isWhole = this.#read().every((message) => message.isComplete);
    // By FIN or by RST: libuv reports a RST behind data as the end of the stream.
    return isWhole ? 'closed' : 'cut';
  }

  #report(ending: WireReport['ending']): WireReport {
    const all = this.#read();
    const responses = ending === 'open' ? all.slice(0, -1) : all;
    this.#socket.resetAndDestroy();
    return { responses, ending, port: this.#port };
  }

  #read(): readonly WireMessage[] {
    const hasEnded = this.#end === 'fin';
    const methods = this.#exchange.methods ?? [];
    return readMessages(this.#text, { kind: 'response', methods, hasEnded }).messages;
  }

  /** Complete responses other than 1xx. */
  #finals(): readonly WireMessage[] {
    return this.#read().filter(
      ({ isComplete, startLine }) => isComplete && !/^HTTP\/1\.\d 1\d\d /.test(startLine),
    );
  }

  /** Grows with whatever came of what was sent. */
  #progress(): number {
    const hasEnded = this.#end === 'none' ? 0 : 1;
    return this.#text.length + this.#surroundings.received() + hasEnded;
  }

  /** As `eventually`, but that it does not come true is an answer too. */
  async #until(condition: () => boolean, stuckMs = STUCK_MS): Promise<void> {
    await eventually(condition, stuckMs).catch(() => this.#surroundings.turns());
  }

  #received(data: Buffer): void {
    const { onSeen } = this.#exchange;
    const wasSeen = onSeen === undefined || this.#text.includes(onSeen.text);
    this.#text += data.toString('latin1');
    if (!wasSeen && this.#text.includes(onSeen.text)) onSeen.act();
  }

  #ended(how: 'fin' | 'reset'): void {
    if (this.#end === 'none') this.#end = how;
  }
}
