// An HTTP/2 upstream of tests: what it does to a request is a script chosen by path, and everything
// without a script is echoed, so that a test can see what arrived.
import { type AddressInfo, createServer, type Server } from 'node:net';
import { splitHeaders } from './h2-frames.ts';
import { fieldOf, H2Peer, type H2PeerOptions, type PeerStream } from './h2-peer.ts';
import { RawPeer } from './raw-peer.ts';

/** Serves one stream, of which the head was read; it may do anything to the connection. */
export type H2Script = (stream: PeerStream, peer: H2Peer) => void | Promise<void>;

/** What the echo says of a request. */
export interface H2Echo {
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
  readonly trailers: readonly (readonly [string, string])[];
  /** Which of the upstream's connections it came on, from 1. */
  readonly connection: number;
  readonly streamId: number;
}

/** See the file's head. */
export class H2Upstream {
  /** Every connection that was ever accepted, in order. */
  readonly peers: H2Peer[] = [];
  /** Scripts that failed: empty after a good test. */
  readonly problems: string[] = [];
  readonly #server: Server;
  readonly #scripts = new Map<string, H2Script>();

  constructor(options: H2PeerOptions = {}) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      const peer = new H2Peer(new RawPeer(socket), 'server', options);
      const connection = this.peers.push(peer);
      peer.onStream = (stream) => void this.#serve(stream, peer, connection);
      // A proxy that leaves is answered in kind.
      socket.once('end', () => socket.end());
    });
  }

  /** Binds; resolves with the port. */
  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => {
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** What happens to requests for `path` (their query does not count). */
  on(path: string, script: H2Script): void {
    this.#scripts.set(path, script);
  }

  /** Ends everything. */
  async close(): Promise<void> {
    for (const peer of this.peers) peer.close();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(stream: PeerStream, peer: H2Peer, connection: number): Promise<void> {
    const path = fieldOf(stream.blocks[0], ':path')?.split('?')[0] ?? '';
    try {
      const script = this.#scripts.get(path);
      if (script === undefined) await echo(stream, peer, connection);
      else await script(stream, peer);
    } catch (error) {
      this.problems.push((error as Error).message);
    }
  }
}

/** Answers with what came, as JSON, when the request is complete. */
async function echo(stream: PeerStream, peer: H2Peer, connection: number): Promise<void> {
  await peer.done(stream);
  if (!stream.isEnded) return;
  const [fields = [], trailers = []] = stream.blocks;
  const seen: H2Echo = { fields, body: stream.body, trailers, connection, streamId: stream.id };
  const json = JSON.stringify(seen);
  const isHead = fieldOf(fields, ':method') === 'HEAD';
  const head = [
    [':status', '200'],
    ['content-type', 'application/json'],
    ['content-length', String(json.length)],
  ] as const;
  peer.write(splitHeaders(stream.id, head, { endStream: isHead }));
  if (!isHead) await peer.sendBody(stream, json);
}
