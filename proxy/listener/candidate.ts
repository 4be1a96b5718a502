// A connection between accept and its filter chain's terminal filter: listener filters look at its
// first octets, then the gates of its chain decide. What it sends meanwhile is kept for later.
import type { SocketAddress } from '../base/address.ts';
import { Timer, type TimerTarget } from '../base/timer-wheel.ts';
import {
  type CandidateConnection,
  type ListenerFilter,
  type ListenerFilterStatus,
  REFUSE,
  WAIT,
} from '../filters/listener-filter.ts';
import {
  ADMIT,
  type ConnectionGate,
  DENY,
  type DownstreamConnection,
  type GatedConnection,
  type WorkerServices,
} from '../filters/network-filter.ts';
import type { DownstreamConnectionInfo, StreamInfo, UpstreamSource } from '../http/stream-info.ts';
import type { TlsInfo } from '../http/tls-info.ts';
import type { AcceptedConnection } from '../net/acceptor.ts';
import type { CloseReason, Connection, ConnectionHandler } from '../net/connection.ts';
import type { TlsHandshake } from '../net/transport.ts';
import type { ServerTls } from '../tls/server-tls.ts';
import { FirstOctets } from './first-octets.ts';
import { guarded } from './guarded-handler.ts';
import { TlsGreeting } from './tls-greeting.ts';

/**
 * More than all listener filters look at, the longest PROXY header and 64 KiB behind it; beyond it
 * the client is held back.
 */
const MAX_HELD_BYTES = 132 * 1024;

/** The listener that answers for a candidate. */
export interface CandidateOwner {
  readonly services: WorkerServices;
  /** listener_filters_timeout; 0: none. */
  readonly filtersTimeoutMs: number;
  /** Filters for this connection, none of them used before. */
  makeFilters(): readonly ListenerFilter[];
  /** Every filter has looked; the owner goes on with `passGates`, or gives it to another owner. */
  onInspected(candidate: Candidate): void;
  /** Time is over: true closes it, false goes on with what is known. */
  onFiltersTimeout(): boolean;
  /** A filter or a gate refused it; it is being closed. */
  onRefused(candidate: Candidate): void;
  /** It went away by itself while filters looked. */
  onLost(candidate: Candidate): void;
  /** Its handshake did not end in time; it is being closed. */
  onHandshakeTimeout(): void;
  /** Its handshake failed; `transportFailure` says why. */
  onHandshakeFailed(candidate: Candidate): void;
}

/** See the file's head. */
export class Candidate
  implements CandidateConnection, ConnectionHandler, GatedConnection, TimerTarget
{
  readonly connection: Connection;
  readonly fileDescriptor: number;
  localAddress: SocketAddress;
  remoteAddress: SocketAddress;
  isLocalAddressRestored = false;
  transportProtocol = '';
  serverName = '';
  applicationProtocols: readonly string[] = [];
  consumedBytes = 0;
  /** Accepted at, by both clocks. */
  readonly startMs: number;
  readonly startWallMs: number;
  /** How TLS began; null: not yet, or not at all. */
  handshake: TlsHandshake | null = null;
  /** When it began to count as a connection with a chain; -1: it does not. */
  countedMs = -1;
  /** Another listener had it first: it stays with this one. */
  wasHandedOn = false;
  dynamicMetadata: Map<string, Record<string, unknown>> | null = null;
  upstreamSource: UpstreamSource | null = null;
  #info: DownstreamConnectionInfo | null = null;
  readonly #accepted: AcceptedConnection;
  #owner: CandidateOwner;
  #filters: readonly ListenerFilter[] = [];
  #gates: readonly ConnectionGate[] = [];
  /** The filter, later the gate, whose turn it is. */
  #turn = 0;
  #onPassed: (() => void) | null = null;
  /** What gates noted for the log, where the terminal filter keeps no account; null: nothing. */
  notes: StreamInfo | null = null;
  /** Reads what the client asks TLS for; null: nothing is encrypted, or the handshake has begun. */
  #greeting: TlsGreeting | null = null;
  #onSecured: ((tls: TlsInfo) => void) | null = null;
  /** A handshake that is not over. */
  #isSecuring = false;
  /** Why there was none, in Envoy's words; '' : it went well, or nobody asked for it. */
  transportFailure = '';
  /** What arrived and nobody took. */
  readonly #held = new FirstOctets();
  #isStarted = false;
  #hasEnded = false;
  #isOver = false;
  readonly #timer: Timer;

  constructor(accepted: AcceptedConnection, owner: CandidateOwner) {
    this.connection = accepted.connection;
    this.fileDescriptor = accepted.fileDescriptor;
    this.localAddress = accepted.connection.localAddress;
    this.remoteAddress = accepted.connection.remoteAddress;
    this.#accepted = accepted;
    this.#owner = owner;
    this.#timer = new Timer(this);
    this.startMs = owner.services.clock.nowMs();
    this.startWallMs = owner.services.clock.wallMs();
  }

  get directLocalAddress(): SocketAddress {
    return this.connection.localAddress;
  }

  get directRemoteAddress(): SocketAddress {
    return this.connection.remoteAddress;
  }

  get isCounted(): boolean {
    return this.countedMs >= 0;
  }

  /** Its chain is chosen: `info` is there. */
  get hasInfo(): boolean {
    return this.#info !== null;
  }

  get info(): DownstreamConnectionInfo {
    return this.#info as DownstreamConnectionInfo;
  }

  /** Lets the filters of `owner` look, which may take several reads. */
  inspectFor(owner: CandidateOwner): void {
    this.#owner = owner;
    this.#filters = owner.makeFilters();
    this.#turn = 0;
    this.#inspect();
  }

  /** Makes the handshake, within `timeoutMs` (0: no limit). */
  secure(tls: ServerTls, timeoutMs: number, onSecured: (tls: TlsInfo) => void): void {
    const { services } = this.#owner;
    this.#onSecured = onSecured;
    this.#isSecuring = true;
    this.#greeting = new TlsGreeting(tls);
    if (timeoutMs > 0) services.timers.arm(this.#timer, services.clock.nowMs(), timeoutMs);
    this.#listen();
    if (this.#hasEnded) this.onEnd();
    else this.#readGreeting();
  }

  /** Asks the gates; behind the last one comes `onPassed`. */
  passGates(
    info: DownstreamConnectionInfo,
    gates: readonly ConnectionGate[],
    onPassed: () => void,
  ): void {
    this.#info = info;
    this.#gates = gates;
    this.#turn = 0;
    this.#onPassed = onPassed;
    this.resume();
  }

  /** The terminal filter takes over, with what was kept. */
  deliver(filter: DownstreamConnection): void {
    const handler = guarded(this, filter, this.#gates);
    this.connection.setHandler(handler);
    const held = this.#held.takeFrom(this.consumedBytes);
    if (!this.#isStarted) {
      this.#accepted.start();
      return;
    }
    this.connection.resumeReading();
    if (held.length > 0) handler.onBytes(held, held.length);
    if (this.#hasEnded) handler.onEnd();
  }

  /** Closes it without a word; a client that has spoken learns of it by RST. */
  refuse(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopWaiting();
    this.#owner.onRefused(this);
    this.#cut();
  }

  resume(): void {
    if (this.#isOver) return;
    while (this.#turn < this.#gates.length) {
      const gate = this.#gates[this.#turn] as ConnectionGate;
      this.#turn += 1;
      const status = gate.onConnection(this);
      if (status === ADMIT) continue;
      if (status === DENY) this.refuse();
      else this.#listen();
      return;
    }
    this.#onPassed?.();
  }

  /** Accepted connections are connected from the start: it is the handshake that is done. */
  onConnected(): void {
    this.#isSecuring = false;
    this.#stopWaiting();
    this.#onSecured?.(this.connection.tls as TlsInfo);
  }

  onBytes(buffer: Buffer, length: number): void {
    this.#held.add(buffer, length);
    if (this.#held.length >= MAX_HELD_BYTES) this.connection.pauseReading();
    if (this.#greeting !== null) this.#readGreeting();
    else if (this.#info === null) this.#inspect();
  }

  onEnd(): void {
    this.#hasEnded = true;
    // Nothing more will come for a filter that waits; a gate decides without it.
    if (this.#info !== null && !this.#isSecuring) return;
    this.#lose();
    this.#cut();
  }

  onDrain(): void {
    // Nothing is sent before the terminal filter.
  }

  onClose(reason: CloseReason, detail: string): void {
    if (reason === 'transport-failed') this.#failHandshake(detail);
    else if (!this.#isOver) this.#lose();
  }

  /** The connection is gone, whoever had it last: gates that knew of it are told. */
  closeGates(): void {
    for (const gate of this.#gates.slice(0, this.#turn)) gate.onClose?.();
  }

  onTimer(): void {
    if (this.#isSecuring) {
      this.#owner.onHandshakeTimeout();
      this.#giveUp('connect timeout');
    } else if (this.#owner.onFiltersTimeout()) this.refuse();
    else this.#finishInspection();
  }

  #inspect(): void {
    while (this.#turn < this.#filters.length) {
      const status = this.#ask(this.#filters[this.#turn] as ListenerFilter);
      if (status === REFUSE) {
        this.refuse();
        return;
      }
      if (status === WAIT) {
        this.#waitForMore();
        return;
      }
      this.#turn += 1;
    }
    this.#finishInspection();
  }

  #ask(filter: ListenerFilter): ListenerFilterStatus {
    const bytes = this.#held.from(this.consumedBytes);
    return filter.inspect(this, bytes, bytes.length);
  }

  #waitForMore(): void {
    const { services, filtersTimeoutMs } = this.#owner;
    if (!this.#timer.armed && filtersTimeoutMs > 0) {
      services.timers.arm(this.#timer, services.clock.nowMs(), filtersTimeoutMs);
    }
    this.#listen();
  }

  #finishInspection(): void {
    this.#stopWaiting();
    if (this.transportProtocol === '') this.transportProtocol = 'raw_buffer';
    this.#owner.onInspected(this);
  }

  /** As soon as the ClientHello is whole, or cannot become one, TLS gets all that came. */
  #readGreeting(): void {
    const bytes = this.#held.from(this.consumedBytes);
    const handshake = this.#greeting?.read(bytes, bytes.length >= MAX_HELD_BYTES) ?? null;
    if (handshake === null) return;
    this.#greeting = null;
    if (typeof handshake === 'string') this.#giveUp(handshake);
    else this.#beginTls(handshake);
  }

  #beginTls(handshake: TlsHandshake): void {
    this.handshake = handshake;
    this.connection.secure(handshake, Buffer.from(this.#held.takeFrom(this.consumedBytes)));
    this.consumedBytes = 0;
  }

  /** Ours to close: TLS will not come to be. */
  #giveUp(reason: string): void {
    this.#failHandshake(reason);
    this.connection.close('now');
  }

  #failHandshake(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isSecuring = false;
    this.#stopWaiting();
    this.transportFailure = reason;
    this.info.tls = this.handshake?.refused ?? null;
    this.info.transportFailureReason = reason;
    this.#owner.onHandshakeFailed(this);
  }

  /** The owner counts only those that went away while filters looked. */
  #lose(): void {
    this.#isOver = true;
    this.#stopWaiting();
    if (this.#info === null && !this.#isSecuring) this.#owner.onLost(this);
  }

  /** As where a kernel still holds what was only looked at: RST, so that no client waits. */
  #cut(): void {
    this.connection.close(this.#held.length > this.consumedBytes ? 'reset' : 'now');
  }

  #stopWaiting(): void {
    this.#owner.services.timers.cancel(this.#timer);
  }

  #listen(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.connection.setHandler(this);
    this.#accepted.start();
  }
}
