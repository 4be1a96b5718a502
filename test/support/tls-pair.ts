// Two connections of ours over loopback with TLS between them, as listener and cluster make them.
import type { Test } from 'tap';
import { socketAddress } from '../../proxy/base/address.ts';
import type { DownstreamTlsConfig, UpstreamTlsConfig } from '../../proxy/model/transport-socket.ts';
import { Acceptor } from '../../proxy/net/acceptor.ts';
import type { CloseReason, Connection, ConnectionHandler } from '../../proxy/net/connection.ts';
import { SocketConnector } from '../../proxy/net/connector.ts';
import { EventLoop } from '../../proxy/net/event-loop.ts';
import { RefusingPreparation, TlsPreparation } from '../../proxy/net/transport.ts';
import { StatsStore } from '../../proxy/stats/store.ts';
import { ClientHelloReader, NO_CLIENT_HELLO } from '../../proxy/tls/client-hello.ts';
import { type ClientTarget, ClientTls } from '../../proxy/tls/client-tls.ts';
import { ServerTls } from '../../proxy/tls/server-tls.ts';
import type { TlsServices } from '../../proxy/tls/tls-services.ts';
import { eventually } from './eventually.ts';
import { testTlsServices } from './tls-services.ts';

const CLOCK = { nowMs: () => performance.now(), wallMs: () => Date.now() };
const LIMIT = 1024 * 1024;

/** One side's events in order, and all that it received. */
export class Side implements ConnectionHandler {
  readonly chunks: Buffer[] = [];
  readonly events: string[] = [];
  connection: Connection | null = null;
  /** Called for each piece. */
  onPiece: (() => void) | null = null;

  get received(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }

  /** The connection, which is open. */
  get open(): Connection {
    if (this.connection === null) throw new Error(`no connection: ${this.events.join(', ')}`);
    return this.connection;
  }

  onConnected(): void {
    this.events.push('connected');
  }

  onBytes(buffer: Buffer, length: number): void {
    this.chunks.push(Buffer.from(buffer.subarray(0, length)));
    this.onPiece?.();
  }

  onEnd(): void {
    this.events.push('end');
  }

  onDrain(): void {
    this.events.push('drain');
  }

  onClose(reason: CloseReason, detail: string): void {
    this.events.push(`close ${reason} ${detail}`.trim());
  }
}

/** Reads a ClientHello, as a listener does, then shakes hands. */
class Greeter extends Side {
  readonly #tls: ServerTls;
  #isGreeted = false;
  #hello: Buffer = Buffer.alloc(0);

  constructor(tls: ServerTls) {
    super();
    this.#tls = tls;
  }

  override onBytes(buffer: Buffer, length: number): void {
    if (this.#isGreeted) {
      super.onBytes(buffer, length);
      return;
    }
    this.#hello = Buffer.concat([this.#hello, buffer.subarray(0, length)]);
    const reader = new ClientHelloReader();
    const verdict = reader.read(this.#hello, this.#hello.length);
    if (verdict === 'more' && this.#hello[0] === 22) return;
    this.#isGreeted = true;
    const handshake = this.#tls.accept(verdict === 'hello' ? reader : NO_CLIENT_HELLO);
    if (typeof handshake === 'string') {
      this.events.push(handshake);
      this.open.close('now');
    } else this.open.secure(handshake, this.#hello);
  }
}

/** A server whose clients come one after the other. */
export class TlsPair {
  readonly loop = new EventLoop(CLOCK);
  readonly stats = new StatsStore(null);
  readonly server: ServerTls;
  readonly client: ClientTls;
  readonly accepted: Side[] = [];
  port = 0;
  readonly #connector = new SocketConnector(this.loop);

  private constructor(down: DownstreamTlsConfig, up: UpstreamTlsConfig, services: TlsServices) {
    this.server = new ServerTls(down, services, this.stats.scope('listener.x'));
    this.client = new ClientTls(up, services, this.stats.scope('cluster.y'));
  }

  static async open(
    t: Test,
    contexts: { readonly down: DownstreamTlsConfig; readonly up: UpstreamTlsConfig },
    services: TlsServices = testTlsServices(),
  ): Promise<TlsPair> {
    const pair = new TlsPair(contexts.down, contexts.up, services);
    const address = socketAddress('127.0.0.1', 0);
    const options = { backlog: null, bufferLimitBytes: LIMIT, keepalive: null };
    const acceptor = new Acceptor(
      pair.loop,
      { address, isTransparent: false, ...options },
      {
        mayAccept: () => true,
        onConnection: ({ connection, start }) => {
          const side = new Greeter(pair.server);
          side.connection = connection;
          connection.setHandler(side);
          pair.accepted.push(side);
          start();
        },
        onAcceptError: () => undefined,
      },
    );
    const bound = await acceptor.listen();
    if ('error' in bound) throw new Error(bound.error);
    pair.port = bound.address.port;
    t.teardown(() => {
      acceptor.close();
      for (const { connection } of pair.accepted) connection?.close('now');
      pair.loop.close();
    });
    return pair;
  }

  /** Begins to connect. */
  dial(target: Partial<ClientTarget> = {}): Side {
    const side = new Side();
    const handshake = this.client.connect({
      server: `127.0.0.1:${this.port}`,
      serverName: '',
      expectedName: '',
      applicationProtocols: [],
      ...target,
    });
    const preparation =
      typeof handshake === 'string'
        ? new RefusingPreparation(handshake)
        : new TlsPreparation(handshake);
    const options = { bufferLimitBytes: LIMIT, keepalive: null, bindAddress: null, preparation };
    side.connection = this.#connector.connect(socketAddress('127.0.0.1', this.port), options, side);
    return side;
  }

  /** Connects, and waits until both sides are connected. */
  async connect(target: Partial<ClientTarget> = {}): Promise<readonly [Side, Side]> {
    const client = this.dial(target);
    const index = this.accepted.length;
    await eventually(() => client.events.length > 0 && this.accepted.length > index);
    const server = this.accepted[index] as Side;
    await eventually(() => server.events.length > 0);
    return [client, server];
  }

  /** Values of statistics by name, without zeros. */
  counters(prefix: string): Record<string, number> {
    const { counters } = this.stats.snapshot();
    const entries = Object.entries(counters as Record<string, number>);
    return Object.fromEntries(
      entries
        .filter(([name, value]) => name.startsWith(prefix) && value > 0)
        .map(([name, value]) => [name.slice(prefix.length), value]),
    );
  }
}
