// One end of a TCP connection in a test's hands: it writes any bytes, reads strictly, and sees how
// the other side ended. Clients and upstreams of the end-to-end tests are both made of it.
import { connect, type Socket } from 'node:net';
import { chunkSize, RawHead, type RawMessage } from './raw-message.ts';

/** A peer that has not answered by now never will. */
const DEFAULT_DEADLINE_MS = 15_000;

/** How the other side ended the connection. */
export type PeerEnd = 'fin' | 'reset';

/** Opens a connection. */
export function rawConnect(address: string): Promise<RawPeer> {
  const colon = address.lastIndexOf(':');
  const socket = connect({
    host: address.slice(0, colon),
    port: Number(address.slice(colon + 1)),
    allowHalfOpen: true,
    noDelay: true,
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(new RawPeer(socket));
    });
  });
}

/** See the file's head. */
export class RawPeer {
  readonly socket: Socket;
  /** Null while the other side may still send. */
  end: PeerEnd | null = null;
  /** Octets that arrived so far. */
  bytesRead = 0;
  #chunks: Buffer[] = [];
  #waiters: (() => void)[] = [];
  /** False: what arrives is counted and dropped. */
  #keeps = true;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (data: Buffer) => {
      this.bytesRead += data.length;
      if (this.#keeps) this.#chunks.push(data);
      this.wake();
    });
    socket.on('end', () => this.#ended('fin'));
    socket.on('error', () => this.#ended('reset'));
    socket.on('close', () => this.#ended('fin'));
  }

  /** Sends latin1 text or octets. */
  write(data: string | Buffer): void {
    if (typeof data === 'string') this.socket.write(data, 'latin1');
    else this.socket.write(data);
  }

  /** Sends FIN; reading goes on. */
  finish(): void {
    this.socket.end();
  }

  /** Sends RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Closes without waiting for anything. */
  close(): void {
    this.socket.destroy();
  }

  /** From now on what arrives is only counted. */
  discard(): void {
    this.#keeps = false;
    this.#chunks = [];
  }

  /** Everything that arrived and was not read yet. */
  get unread(): string {
    return this.#joined().toString('latin1');
  }

  /** Resolves when `condition` holds after some event of this connection. */
  async until(condition: () => boolean, deadlineMs = DEFAULT_DEADLINE_MS): Promise<void> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.wake();
    }, deadlineMs);
    while (!condition() && !isLate) await new Promise<void>((next) => this.#waiters.push(next));
    clearTimeout(timer);
    if (condition()) return;
    const seen = `read ${this.bytesRead} octets, end ${this.end}, unread ${JSON.stringify(this.unread.slice(0, 500))}`;
    throw new Error(`not within ${deadlineMs} ms: ${condition}; ${seen}`);
  }

  /** Resolves when nothing happened for that long; rejects as soon as something does. */
  async silence(ms: number): Promise<void> {
    const before = this.bytesRead;
    let isOver = false;
    const timer = setTimeout(() => {
      isOver = true;
      this.wake();
    }, ms);
    await this.until(() => isOver || this.end !== null || this.bytesRead > before, ms * 2);
    clearTimeout(timer);
    if (!isOver) throw new Error(`no silence: end ${this.end}, unread ${this.unread}`);
  }

  /** Sends octet by octet, with silence in front of each. */
  async drip(text: string, everyMs: number): Promise<void> {
    for (const octet of text) {
      await this.silence(everyMs);
      this.write(octet);
    }
  }

  /** How the other side ended; what it sent before stays to be read. */
  async ended(deadlineMs?: number): Promise<PeerEnd> {
    await this.until(() => this.end !== null, deadlineMs);
    return this.end as PeerEnd;
  }

  /** Reads up to and including `mark`; null when the connection ended before any octet came. */
  async takeThrough(mark: string, deadlineMs?: number): Promise<string | null> {
    let at = -1;
    await this.until(() => {
      at = this.#joined().indexOf(mark, 0, 'latin1');
      return at >= 0 || this.end !== null;
    }, deadlineMs);
    if (at >= 0) return this.#take(at + mark.length).toString('latin1');
    if (this.#joined().length === 0) return null;
    throw new Error(`cut (${this.end}) inside ${JSON.stringify(this.unread.slice(0, 200))}`);
  }

  /** Reads `count` octets. */
  async takeBytes(count: number): Promise<string> {
    await this.until(() => this.#joined().length >= count || this.end !== null);
    if (this.#joined().length < count) {
      throw new Error(`cut (${this.end}) after ${this.#joined().length} of ${count} octets`);
    }
    return this.#take(count).toString('latin1');
  }

  /** Reads a head; null when the connection ended in front of it. */
  async head(deadlineMs?: number): Promise<RawHead | null> {
    const text = await this.takeThrough('\r\n\r\n', deadlineMs);
    return text === null ? null : new RawHead(text.slice(0, -4));
  }

  /** Reads a request's content. */
  async requestBody(head: RawHead): Promise<RawMessage> {
    return this.#content(head, head.framing('request'));
  }

  /** Reads one whole response; 1xx are responses too. Throws when it is cut. */
  async response(options: { method?: string; deadlineMs?: number } = {}): Promise<RawMessage> {
    const head = await this.head(options.deadlineMs);
    if (head === null) throw new Error(`connection ended (${this.end}) instead of a response`);
    return this.#content(head, head.framing('response', options.method === 'HEAD'));
  }

  /** Makes whoever waits look again: what came means more by now. */
  wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }

  async #content(head: RawHead, framing: ReturnType<RawHead['framing']>): Promise<RawMessage> {
    if (framing === 'none') return { head, body: '', trailers: [] };
    if (framing === 'length') {
      const body = await this.takeBytes(Number(head.get('content-length')));
      return { head, body, trailers: [] };
    }
    if (framing === 'chunked') return this.#chunked(head);
    if ((await this.ended()) === 'reset') throw new Error('cut (reset) before the close');
    return { head, body: this.#take(this.#joined().length).toString('latin1'), trailers: [] };
  }

  async #chunked(head: RawHead): Promise<RawMessage> {
    let body = '';
    for (;;) {
      const size = chunkSize(await this.#line());
      if (size === 0) break;
      body += await this.takeBytes(size);
      if ((await this.takeBytes(2)) !== '\r\n') throw new Error('no CRLF behind a chunk');
    }
    const lines: string[] = [];
    for (let line = await this.#line(); line !== ''; line = await this.#line()) lines.push(line);
    const trailers = new RawHead(['', ...lines].join('\r\n')).fields;
    return { head, body, trailers };
  }

  async #line(): Promise<string> {
    const line = await this.takeThrough('\r\n');
    if (line === null) throw new Error(`cut (${this.end}) where a line should be`);
    return line.slice(0, -2);
  }

  #joined(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] as Buffer;
  }

  #take(count: number): Buffer {
    const all = this.#joined();
    this.#chunks = [all.subarray(count)];
    return all.subarray(0, count);
  }

  #ended(how: PeerEnd): void {
    this.end ??= how;
    this.wake();
  }
}
