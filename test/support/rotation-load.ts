// Clients of a RotationSite that never rest: each request brings a new connection somewhere, and each
// answer says which certificates were in use. Any failure counts.
import http from 'node:http';
import http2 from 'node:http2';
import tls from 'node:tls';
import type { TestCertificate } from './certificates.ts';
import { hashOf, type RotationSite } from './rotation-site.ts';

/** How long a request may take on a machine that is busy. */
const TIMEOUT_MS = 30_000;

/** What was seen of one identity. */
interface Sighting {
  /** When the latest connection that showed it was begun. */
  lastMs: number;
  /** When it was seen for the first time. */
  readonly firstMs: number;
}

/** See the file's head. */
export class RotationLoad {
  readonly #site: RotationSite;
  readonly #loops: Promise<void>[];
  #isStopping = false;
  /** Of direct clients; replaced when authorities change. */
  client: TestCertificate;
  handshakes = 0;
  requests = 0;
  readonly failures: string[] = [];
  /** By SHA-256: certificates that the listener, and the clusters, were seen with. */
  readonly servers = new Map<string, Sighting>();
  readonly clients = new Map<string, Sighting>();

  constructor(site: RotationSite) {
    this.#site = site;
    this.client = site.issueClient();
    const { ports } = site;
    this.#loops = [
      this.#repeat('HTTP/1.1 with TLS', () => this.#direct('http/1.1')),
      this.#repeat('HTTP/2 with TLS', () => this.#direct('h2')),
      this.#repeat('HTTP/1.1 over mTLS', () => this.#through(ports.h1)),
      this.#repeat('HTTP/2 over mTLS', () => this.#through(ports.h2)),
    ];
  }

  /** Ends when the last requests are answered. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#loops);
  }

  async #repeat(name: string, act: () => Promise<void>): Promise<void> {
    while (!this.#isStopping) {
      try {
        await act();
        this.requests += 1;
      } catch (error) {
        this.failures.push(`${name}: ${(error as Error).message}`);
      }
    }
  }

  /** One connection to the secure listener, with a request. */
  async #direct(protocol: 'http/1.1' | 'h2'): Promise<void> {
    const startedMs = performance.now();
    const { client } = this;
    const socket = tls.connect({
      host: '127.0.0.1',
      port: this.#site.ports.secure,
      ALPNProtocols: [protocol],
      cert: client.chainPem,
      key: client.keyPem,
      rejectUnauthorized: false,
    });
    await settled(socket, 'secureConnect');
    this.handshakes += 1;
    note(this.servers, hashOf({ der: socket.getPeerCertificate().raw }), startedMs);
    if (socket.alpnProtocol !== protocol) throw new Error(`ALPN is ${socket.alpnProtocol}`);
    const answer = await (protocol === 'h2' ? getHttp2(socket) : getSecure(socket));
    socket.destroy();
    if (answer !== hashOf(client)) throw new Error(`answered ${answer}`);
  }

  /** One request in clear text, which the proxy sends to itself over mTLS. */
  async #through(port: number): Promise<void> {
    const startedMs = performance.now();
    note(this.clients, await getHttp1(port), startedMs);
  }
}

function note(seen: Map<string, Sighting>, hash: string, startedMs: number): void {
  const known = seen.get(hash);
  if (known === undefined) seen.set(hash, { firstMs: performance.now(), lastMs: startedMs });
  else known.lastMs = Math.max(known.lastMs, startedMs);
}

function settled(socket: tls.TLSSocket, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('no handshake')));
  });
}

/** On a new connection, in clear text. */
function getHttp1(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, agent: false, timeout: TIMEOUT_MS } as const;
    const request = http.get(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`${response.statusCode} ${text}`));
      });
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
  });
}

/** On a connection that is there; it is over behind the answer. */
function getSecure(socket: tls.TLSSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    socket.setEncoding('latin1').on('data', (part: string) => {
      text += part;
    });
    socket.on('error', reject);
    socket.on('end', () => {
      if (text.startsWith('HTTP/1.1 200 ')) resolve(/\b[0-9a-f]{64}\b/.exec(text)?.[0] ?? '');
      else reject(new Error(text === '' ? 'no answer' : text));
    });
    socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
  });
}

function getHttp2(socket: tls.TLSSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    const session = http2.connect('https://127.0.0.1', { createConnection: () => socket });
    session.on('error', reject);
    const stream = session.request({ ':path': '/' });
    let text = '';
    let status = 0;
    stream.on('response', (headers) => {
      status = Number(headers[':status']);
    });
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    stream.on('error', reject);
    stream.setTimeout(TIMEOUT_MS, () => stream.destroy(new Error('no answer')));
    stream.on('end', () => {
      session.destroy();
      if (status === 200) resolve(text);
      else reject(new Error(`${status} ${text}`));
    });
  });
}
