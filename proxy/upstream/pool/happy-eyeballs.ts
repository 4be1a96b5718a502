// Connecting to a host that has several addresses (RFC 8305): attempts begin one after another with
// a delay, or at once when one fails; the first that connects is the connection, the others end.
import type { SocketAddress } from '../../base/address.ts';
import { ipVersion } from '../../base/ip-address.ts';
import { Timer, type TimerTarget } from '../../base/timer-wheel.ts';
import type { TlsInfo } from '../../http/tls-info.ts';
import type { ClusterConfig, HappyEyeballsConfig } from '../../model/cluster.ts';
import type {
  CloseMode,
  CloseReason,
  Connection,
  ConnectionHandler,
} from '../../net/connection.ts';
import type { TlsHandshake } from '../../net/transport.ts';
import type { ClusterStats } from '../cluster-stats.ts';
import type { Host } from '../host.ts';
import type { ClusterTransports } from '../transport/cluster-transports.ts';
import type { TransportWants } from '../transport/upstream-transport.ts';
import type { UpstreamContext } from '../upstream-context.ts';
import { type ConnectionConfig, connectOptions } from './connect-options.ts';

/** RFC 8305 §5 recommends 250 ms; Envoy waits so long. */
export const ATTEMPT_DELAY_MS = 300;

/** What all connections of a cluster are opened with. */
export interface ConnectResources {
  readonly config: ConnectionConfig & Pick<ClusterConfig, 'happyEyeballs'>;
  readonly context: Pick<UpstreamContext, 'connector' | 'timers' | 'clock'>;
  readonly stats: Pick<ClusterStats, 'cxTotal'>;
  readonly transports: Pick<ClusterTransports, 'of'>;
}

/** What a connection is opened with. */
export interface HostConnect {
  readonly host: Host;
  /** Not spread: its statistics are made when they are asked for. */
  readonly resources: ConnectResources;
  /** What TLS asks for where the cluster does not say. */
  readonly wants: TransportWants;
}

/** Begins to connect to a host; see Connector. A host with one address costs nothing more. */
export function connectToHost(connect: HostConnect, handler: ConnectionHandler): Connection {
  const { host, resources } = connect;
  const { address, moreAddresses } = host;
  if (moreAddresses.length === 0) return open(connect, address, handler);
  const addresses = orderAddresses([address, ...moreAddresses], resources.config.happyEyeballs);
  return new RacingConnection(connect, addresses, handler);
}

function open(
  { host, resources, wants }: HostConnect,
  address: SocketAddress,
  handler: ConnectionHandler,
): Connection {
  const { config, context, transports } = resources;
  const options = connectOptions(config, address, wants.source);
  const transport = transports.of(host.endpoint);
  if (transport === null) return context.connector.connect(address, options, handler);
  const preparation = transport.prepare({ host, address, wants });
  return context.connector.connect(address, { ...options, preparation }, handler);
}

/** RFC 8305 §4: families take turns. By default the family of the first address begins, with one. */
export function orderAddresses(
  addresses: readonly SocketAddress[],
  { firstFamily, firstCount }: HappyEyeballsConfig,
): readonly SocketAddress[] {
  const begins = firstFamily ?? ipVersion(addresses[0]?.ip ?? '');
  const first = addresses.filter(({ ip }) => ipVersion(ip) === begins);
  const others = addresses.filter(({ ip }) => ipVersion(ip) !== begins);
  const ordered: SocketAddress[] = [];
  while (first.length > 0 || others.length > 0) {
    ordered.push(...first.splice(0, firstCount), ...others.splice(0, 1));
  }
  return ordered;
}

/** One attempt of a race; it stands for the handler until it has won. */
class Attempt implements ConnectionHandler {
  readonly transport: Connection;
  readonly #race: RacingConnection;

  constructor(race: RacingConnection, connect: HostConnect, address: SocketAddress) {
    this.#race = race;
    this.transport = open(connect, address, this);
  }

  onConnected(): void {
    this.#race.onAttemptConnected(this);
  }

  onClose(_reason: CloseReason, detail: string): void {
    this.#race.onAttemptFailed(this, detail);
  }

  /** Nothing arrives before it is connected, and then it is the handler's. */
  onBytes(): void {}
  onEnd(): void {}
  onDrain(): void {}
}

/** Attempts until one has won; from then on that connection under another name. */
class RacingConnection implements Connection, TimerTarget {
  onGone: ((connection: Connection) => void) | null = null;
  delayedCloseMs = 0;
  onDelayedCloseTimeout: (() => void) | null = null;
  readonly #connect: HostConnect;
  readonly #handler: ConnectionHandler;
  readonly #addresses: readonly SocketAddress[];
  readonly #attempts = new Set<Attempt>();
  readonly #timer = new Timer(this);
  /** The first attempt's until one has won. */
  #transport: Connection;
  #hasWinner = false;
  #isClosed = false;
  #next = 1;

  constructor(
    connect: HostConnect,
    addresses: readonly SocketAddress[],
    handler: ConnectionHandler,
  ) {
    this.#connect = connect;
    this.#handler = handler;
    this.#addresses = addresses;
    const first = new Attempt(this, connect, addresses[0] as SocketAddress);
    this.#attempts.add(first);
    this.#transport = first.transport;
    this.#armTimer();
  }

  get id(): number {
    return this.#transport.id;
  }

  get localAddress(): SocketAddress {
    return this.#transport.localAddress;
  }

  get remoteAddress(): SocketAddress {
    return this.#transport.remoteAddress;
  }

  get bytesRead(): number {
    return this.#transport.bytesRead;
  }

  get bytesWritten(): number {
    return this.#transport.bytesWritten;
  }

  get bufferedBytes(): number {
    return this.#transport.bufferedBytes;
  }

  setHandler(handler: ConnectionHandler): void {
    this.#transport.setHandler(handler);
  }

  writeText(text: string): void {
    this.#transport.writeText(text);
  }

  writeBytes(data: Buffer): void {
    this.#transport.writeBytes(data);
  }

  isWritable(): boolean {
    return this.#transport.isWritable();
  }

  pauseReading(): void {
    this.#transport.pauseReading();
  }

  resumeReading(): void {
    this.#transport.resumeReading();
  }

  halfClose(): void {
    this.#transport.halfClose();
  }

  get tls(): TlsInfo | null {
    return this.#transport.tls;
  }

  secure(handshake: TlsHandshake, early: Buffer): void {
    this.#transport.secure(handshake, early);
  }

  close(mode: CloseMode): void {
    if (this.#hasWinner) {
      this.#transport.close(mode);
      return;
    }
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#endOthers(null);
    this.#handler.onClose('local-close', '');
  }

  onTimer(): void {
    this.#startNext();
  }

  /** The race is over. */
  onAttemptConnected(attempt: Attempt): void {
    if (this.#isClosed || this.#hasWinner) return;
    this.#hasWinner = true;
    this.#transport = attempt.transport;
    this.#transport.onGone = this.onGone;
    this.#endOthers(attempt);
    this.#transport.setHandler(this.#handler);
    this.#handler.onConnected();
  }

  /** The next one need not wait any longer; the last failure is that of all. */
  onAttemptFailed(attempt: Attempt, detail: string): void {
    this.#attempts.delete(attempt);
    if (this.#isClosed || this.#hasWinner) return;
    if (this.#next < this.#addresses.length) {
      this.#startNext();
      return;
    }
    if (this.#attempts.size > 0) return;
    this.#isClosed = true;
    this.#connect.resources.context.timers.cancel(this.#timer);
    this.#handler.onClose('connect-failed', detail);
  }

  #startNext(): void {
    const address = this.#addresses[this.#next];
    if (address === undefined) return;
    this.#next += 1;
    // As Envoy: whatever was begun counts, though only one of them ever is active.
    this.#connect.resources.stats.cxTotal.inc();
    this.#connect.host.stats.cxTotal += 1;
    this.#attempts.add(new Attempt(this, this.#connect, address));
    this.#armTimer();
  }

  #armTimer(): void {
    const { timers, clock } = this.#connect.resources.context;
    timers.cancel(this.#timer);
    if (this.#next < this.#addresses.length) {
      timers.arm(this.#timer, clock.nowMs(), ATTEMPT_DELAY_MS);
    }
  }

  #endOthers(winner: Attempt | null): void {
    this.#connect.resources.context.timers.cancel(this.#timer);
    for (const attempt of this.#attempts) if (attempt !== winner) attempt.transport.close('now');
    this.#attempts.clear();
  }
}
