// A client that sends the bytes that a test laid out and reports what came back.
import net from 'node:net';
import { eventually } from './eventually.ts';
import { fieldValue, readMessages, type WireMessage } from './wire-message.ts';

/** What a client does on a connection of its own. */
export interface WireExchange {
  /** Latin1. Several pieces: each is sent when the one before was answered or `pauseMs` are over. */
  readonly send: string | readonly string[];
  /** Final responses to wait for; 1 where nothing is said. */
  readonly responses?: number;
  /** Methods of the requests, where not GET. */
  readonly methods?: readonly string[];
  /** Sends FIN behind the bytes. */
  readonly halfClose?: boolean;
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

/** Longer than anything that a proxy on this machine answers without being stuck. */
const STUCK_MS = 1_500;
const PIECE_PAUSE_MS = 30;
const NONE_TAKEN: ReadonlySet<number> = new Set();
const PROBE = 'GET /probe HTTP/1.1\r\nhost: probe\r\n\r\n';

/** Runs an exchange with the proxy on a port of loopback; the client's port is not in `taken`. */
export async function wireExchange(
  port: number,
  exchange: WireExchange,
  taken: ReadonlySet<number> = NONE_TAKEN,
): Promise<WireReport> {
  return new WireClient(exchange, await connectedOutside(port, taken)).run();
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
  readonly #port: number;
  #text = '';
  #end: 'none' | 'fin' | 'reset' = 'none';

  constructor(exchange: WireExchange, socket: net.Socket) {
    this.#exchange = exchange;
    this.#socket = socket;
    this.#port = socket.localPort ?? 0;
    socket.removeAllListeners('error');
    socket.on('data', (data: Buffer) => this.#received(data));
    socket.on('end', () => this.#ended('fin'));
    socket.on('error', () => this.#ended('reset'));
    socket.on('close', () => this.#ended('fin'));
  }

  async run(): Promise<WireReport> {
    const { leaveAfter, halfClose, responses = 1 } = this.#exchange;
    await this.#send();
    if (halfClose === true) {
      await this.#until(() => this.#end !== 'none', PIECE_PAUSE_MS);
      this.#socket.end();
    }
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
      const before = this.#text.length;
      this.#socket.write(piece, 'latin1');
      if (index === pieces.length - 1) break;
      await this.#until(() => this.#text.length > before || this.#end !== 'none', PIECE_PAUSE_MS);
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

  /** As `eventually`, but that it does not come true is an answer too. */
  async #until(condition: () => boolean, deadlineMs = STUCK_MS): Promise<void> {
    await eventually(condition, deadlineMs).catch(() => undefined);
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
