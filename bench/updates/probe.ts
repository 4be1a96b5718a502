// One connection to a proxy with one request at a time on it, which opens again when it is closed.
import { connect, type Socket } from 'node:net';

/** What a probe got; status 0: no answer. */
export interface Found {
  readonly status: number;
  readonly fields: ReadonlyMap<string, string>;
}

const NOTHING: Found = { status: 0, fields: new Map() };

/** Requests to a proxy that routes by `x-cluster`. */
export class Probe {
  readonly #port: number;
  #socket: Socket | null = null;
  #text = '';
  #tell: ((found: Found) => void) | null = null;
  #sentMs = 0;

  constructor(port: number) {
    this.#port = port;
  }

  get isBusy(): boolean {
    return this.#tell !== null;
  }

  /** How long its request waits; null: there is none. */
  get waitedMs(): number | null {
    return this.isBusy ? performance.now() - this.#sentMs : null;
  }

  /** Answers without a body are expected, or with content-length. */
  get(cluster: string): Promise<Found> {
    const socket = this.#socket ?? this.#open();
    this.#text = '';
    this.#sentMs = performance.now();
    return new Promise((resolve) => {
      this.#tell = resolve;
      socket.write(`GET / HTTP/1.1\r\nhost: bench\r\nx-cluster: ${cluster}\r\n\r\n`);
    });
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = null;
  }

  #open(): Socket {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.on('data', (text: string) => this.#onText(text));
    socket.on('close', () => {
      this.#socket = null;
      this.#settle(NOTHING);
    });
    return socket;
  }

  #onText(text: string): void {
    this.#text += text;
    const end = this.#text.indexOf('\r\n\r\n');
    if (end < 0) return;
    const [first = '', ...lines] = this.#text.slice(0, end).split('\r\n');
    const fields = new Map(
      lines.map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 1).trim(),
      ]),
    );
    const length = Number(fields.get('content-length') ?? 0);
    if (this.#text.length < end + 4 + length) return;
    this.#settle({ status: Number(first.slice(9, 12)), fields });
  }

  #settle(found: Found): void {
    const tell = this.#tell;
    this.#tell = null;
    tell?.(found);
  }
}
