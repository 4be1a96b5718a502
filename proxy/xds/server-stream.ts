// A stream that is opened again and again: back-off, a second server, what is logged of its ends.

import type { Clock } from '../base/clock.ts';
import { Edges, INVARIANTS, invariant } from '../base/invariants.ts';
import type { Logger } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { Timer, type TimerTarget, type TimerWheel } from '../base/timer-wheel.ts';
import { type BackOffConfig, ReconnectBackOff } from './reconnect-back-off.ts';
import { ServerChoice } from './server-choice.ts';
import type { StreamSink, StreamStatus, XdsServer, XdsStream } from './xds-server.ts';

/** What a stream works with. */
export interface ServerStreamParts {
  /** The primary, then the fallback; the owner closes them. */
  readonly servers: readonly [XdsServer, ...XdsServer[]];
  readonly method: string;
  readonly backOff: BackOffConfig;
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly random: Random;
  readonly log: Logger;
}

/** Who speaks over it. */
export interface ServerStreamSink {
  /** A fresh stream. */
  onUp(isOtherServer: boolean): void;
  /** Answers '' or why the octets are no message, which ends the stream. */
  onMessage(octets: Uint8Array): string;
  onRoom(): void;
  /** It ended, or could not be opened; another one follows. */
  onDown(): void;
}

type State = 'idle' | 'connecting' | 'open' | 'waiting' | 'closed';

const EDGES = new Edges<State>('xDS stream', {
  idle: ['connecting', 'closed'],
  connecting: ['open', 'waiting', 'closed'],
  open: ['waiting', 'closed'],
  waiting: ['connecting', 'closed'],
  closed: [],
});

/** gRPC statuses. */
const OK = 0;
const INTERNAL = 13;
const UNAVAILABLE = 14;
/** A server that is away for a moment is no news: the same end is told again after this long. */
const REPEAT_LOG_MS = 30_000;

/** See the file's head. */
export class ServerStream implements StreamSink, TimerTarget {
  readonly #parts: ServerStreamParts;
  readonly #sink: ServerStreamSink;
  readonly #choice: ServerChoice;
  readonly #backOff: ReconnectBackOff;
  readonly #timer = new Timer(this);
  #state: State = 'idle';
  #stream: XdsStream | null = null;
  #hasRoom = true;
  /** Server of the last stream that opened; -1: none did. */
  #lastIndex = -1;
  #lastText = '';
  #loggedMs = Number.NEGATIVE_INFINITY;

  constructor(parts: ServerStreamParts, sink: ServerStreamSink) {
    this.#parts = parts;
    this.#sink = sink;
    this.#choice = new ServerChoice(parts.servers.length);
    this.#backOff = new ReconnectBackOff(parts.backOff, parts.random);
  }

  /** Something may be sent. */
  get isReady(): boolean {
    return this.#state === 'open' && this.#hasRoom;
  }

  /** Of the server that it is with, or tries. */
  get serverName(): string {
    const { servers } = this.#parts;
    return (servers[this.#choice.index] ?? servers[0]).name;
  }

  /** Opens the first stream; harmless when that was done. */
  start(): void {
    if (this.#state === 'idle') this.#connect();
  }

  /** Only while `isReady`. */
  send(octets: Uint8Array): void {
    if (INVARIANTS) this.checkInvariants();
    this.#hasRoom = this.#stream?.send(octets) ?? false;
  }

  close(): void {
    if (this.#state === 'closed') return;
    const stream = this.#stream;
    this.#stream = null;
    this.#turn('closed');
    this.#parts.timers.cancel(this.#timer);
    stream?.cancel();
  }

  /** The back-off is over. */
  onTimer(): void {
    this.#connect();
  }

  onOpen(): void {
    if (this.#state !== 'connecting') return;
    const { index } = this.#choice;
    const isOther = this.#lastIndex !== -1 && this.#lastIndex !== index;
    this.#lastIndex = index;
    this.#hasRoom = true;
    this.#turn('open');
    this.#sink.onUp(isOther);
  }

  onMessage(octets: Uint8Array): void {
    if (this.#state !== 'open') return;
    this.#backOff.reset();
    this.#choice.onAnswer();
    this.#lastText = '';
    const problem = this.#sink.onMessage(octets);
    if (problem === '' || this.#state !== 'open') return;
    this.#stream?.cancel();
    this.onEnd({ code: INTERNAL, message: problem });
  }

  onDrain(): void {
    if (this.#state !== 'open') return;
    this.#hasRoom = true;
    this.#sink.onRoom();
  }

  onEnd(status: StreamStatus): void {
    if (this.#state === 'closed') return;
    const { clock, timers } = this.#parts;
    this.#log(status);
    this.#stream = null;
    this.#turn('waiting');
    this.#choice.onEnd();
    timers.arm(this.#timer, clock.nowMs(), this.#backOff.nextMs());
    this.#sink.onDown();
  }

  checkInvariants(): void {
    const isLive = this.#state === 'connecting' || this.#state === 'open';
    invariant(isLive || this.#stream === null, 'xDS stream: no stream without a server');
  }

  #connect(): void {
    this.#turn('connecting');
    const { method, servers } = this.#parts;
    this.#stream = (servers[this.#choice.index] ?? servers[0]).openStream(method, this);
  }

  #turn(to: State): void {
    if (INVARIANTS) EDGES.check(this.#state, to);
    this.#state = to;
    if (INVARIANTS && to !== 'connecting') this.checkInvariants();
  }

  /** Envoy's line. What an operator must act on is always told, what passes only if it lasts. */
  #log({ code, message }: StreamStatus): void {
    const { clock, log, method, servers } = this.#parts;
    const rpc = method.slice(method.lastIndexOf('/') + 1);
    const server = (servers[this.#choice.index] ?? servers[0]).name;
    const text = `${rpc} gRPC config stream to ${server} closed: ${code}, ${message}`;
    const isNews = text !== this.#lastText || clock.nowMs() - this.#loggedMs > REPEAT_LOG_MS;
    // A server that ends streams now and then, as many do to spread their clients, is no trouble.
    const isCalm = this.#state === 'open' && (code === OK || code === UNAVAILABLE);
    log.log(isNews && !isCalm ? 'warning' : 'debug', text);
    if (!isNews || isCalm) return;
    this.#lastText = text;
    this.#loggedMs = clock.nowMs();
  }
}
