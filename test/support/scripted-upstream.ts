// An upstream of the end-to-end tests: what it does to a request is a script chosen by path, and
// everything without a script is echoed, so that a test can see what arrived.

import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import type { RawHead } from './raw-message.ts';
import { RawPeer } from './raw-peer.ts';

/**
 * Serves one request, of which only the head was read. It may do anything to the connection; when
 * it resolves, the next request is awaited.
 */
export type UpstreamScript = (head: RawHead, peer: RawPeer) => void | Promise<void>;

/** What the echo says of a request. */
export interface Echo {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
  readonly trailers: readonly (readonly [string, string])[];
  /** Which of the upstream's connections it came on, from 1. */
  readonly connection: number;
}

/** See the file's head. */
export class ScriptedUpstream {
  /** Every connection that was ever accepted, in order. */
  readonly peers: RawPeer[] = [];
  /** Requests that arrived broken, or scripts that failed: empty after a good test. */
  readonly problems: string[] = [];
  /** Called with each new connection before anything is read. */
  onConnection: ((peer: RawPeer) => void) | null = null;
  readonly #server: Server;
  readonly #scripts = new Map<string, UpstreamScript>();
  #waiters: (() => void)[] = [];

  constructor() {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      const peer = new RawPeer(socket);
      this.peers.push(peer);
      this.onConnection?.(peer);
      for (const waiter of this.#waiters.splice(0)) waiter();
      void this.#serve(peer, this.peers.length);
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
  on(path: string, script: UpstreamScript): void {
    this.#scripts.set(path, script);
  }

  /** The `count`-th connection, from 1. */
  async connection(count: number): Promise<RawPeer> {
    while (this.peers.length < count) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
    return this.peers[count - 1] as RawPeer;
  }

  /** Ends everything. */
  async close(): Promise<void> {
    for (const peer of this.peers) peer.close();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(peer: RawPeer, connection: number): Promise<void> {
    try {
      for (;;) {
        // An idle connection may wait as long as the test runs.
        const head = await peer.head(120_000);
        if (head === null) break;
        const script = this.#scripts.get(head.target.split('?')[0] ?? '');
        if (script === undefined) await echo(head, peer, connection);
        else await script(head, peer);
      }
    } catch (error) {
      const { message } = error as Error;
      // A request that the proxy gave up is cut, and must look so.
      if (!message.startsWith('cut (')) this.problems.push(message);
    }
    if (!peer.socket.writableEnded) peer.finish();
  }
}

/** Answers with what came, as JSON. */
async function echo(head: RawHead, peer: RawPeer, connection: number): Promise<void> {
  const { body, trailers } = await peer.requestBody(head);
  const { method, target, fields } = head;
  const seen: Echo = { method, target, fields, body, trailers, connection };
  const json = JSON.stringify(seen);
  const content = method === 'HEAD' ? '' : json;
  peer.write(
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(json)}\r\n\r\n${content}`,
  );
}
