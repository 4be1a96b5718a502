// What the two sides of an HTTP/2 connection share: its parts, its streams and how they end, and
// its own end. What arrives is judged in inbound-frames.ts; a SessionRole does what only one side
// does.
import { Edges, INVARIANTS, invariant } from '../../base/invariants.ts';
import type { CodecDone } from '../codec.ts';
import type { ProtocolError } from '../protocol-error.ts';
import type { ResetReason, StreamReceiver } from '../stream.ts';
import { FloodGuard } from './flood-guard.ts';
import { FrameWriter } from './frame-writer.ts';
import { H2HeadDecoder } from './h2-head-decoder.ts';
import { H2HeadEncoder } from './h2-head-encoder.ts';
import { Inbound } from './inbound.ts';
import { InboundFrames } from './inbound-frames.ts';
import type { H2Io } from './io.ts';
import { Keepalive } from './keepalive.ts';
import type { H2Options } from './options.ts';
import { Outbound } from './outbound.ts';
import { ResetMemory } from './reset-memory.ts';
import type { SessionCore } from './session-core.ts';
import type { SessionRole } from './session-role.ts';
import { announcedSettings, PeerSettings } from './settings.ts';
import { SettingsTimer } from './settings-timer.ts';
import { H2Stream } from './stream.ts';
import { StreamCommands } from './stream-commands.ts';

/** More of an error's text helps nobody. */
const MAX_GOAWAY_TEXT = 200;

/**
 * - `new`: nothing was sent.
 * - `open`: our SETTINGS are sent.
 * - `done`: the owner was told to close the connection, or it is closed.
 */
type State = 'new' | 'open' | 'done';

const EDGES = new Edges<State>('h2 session', {
  new: ['open', 'done'],
  open: ['done'],
  done: [],
});

/** What a session is made with. */
export interface SessionSetup {
  readonly options: H2Options;
  readonly io: H2Io;
  readonly role: SessionRole;
  /** Ms that a complete message waits without progress; 0: for ever. */
  readonly flushTimeoutMs: number;
}

/** One connection. */
export class H2Session implements SessionCore {
  readonly options: H2Options;
  readonly io: H2Io;
  readonly role: SessionRole;
  /** Streams that have an id and are not over. */
  readonly streams = new Map<number, H2Stream>();
  /** Streams of a client whose heads were not given yet. */
  readonly unsent = new Set<H2Stream>();
  readonly peerSettings = new PeerSettings();
  readonly resets = new ResetMemory();
  readonly guard: FloodGuard;
  readonly writer: FrameWriter;
  readonly decoder: H2HeadDecoder;
  readonly encoder: H2HeadEncoder;
  readonly inbound: Inbound;
  readonly outbound: Outbound;
  readonly settingsTimer: SettingsTimer;
  keepalive: Keepalive | null = null;
  readonly #frames: InboundFrames;
  readonly #commands: StreamCommands;
  #state: State = 'new';
  /** The highest stream of the peer that we serve or served: what GOAWAY says. */
  lastPeerStreamId = 0;

  constructor(setup: SessionSetup) {
    const { options, io, role } = setup;
    this.options = options;
    this.io = io;
    this.role = role;
    this.guard = new FloodGuard(options.protocol, io.counters, io.sink);
    this.writer = new FrameWriter(io.sink, this.guard);
    this.decoder = new H2HeadDecoder(options, role.isClient ? 'client' : 'server');
    this.encoder = new H2HeadEncoder(options);
    const { writer, guard, encoder } = this;
    this.inbound = new Inbound({
      options: options.protocol,
      services: io.services,
      writer,
      owner: this,
    });
    const { flushTimeoutMs } = setup;
    this.outbound = new Outbound({ io, writer, guard, encoder, owner: this, flushTimeoutMs });
    this.settingsTimer = new SettingsTimer(this);
    this.#frames = new InboundFrames(this);
    this.#commands = new StreamCommands(this);
  }

  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** Sends what a side sends first; harmless when it was. */
  begin(): void {
    if (this.#state !== 'new') return;
    this.#enter('open');
    const { options, io, writer, role } = this;
    if (role.isClient) writer.preface();
    writer.settings(announcedSettings(options.protocol, role.isClient));
    this.settingsTimer.start();
    this.inbound.open();
    const { keepalive } = options.protocol;
    if (keepalive === null) return;
    this.keepalive = new Keepalive(keepalive, { services: io.services, writer, owner: this });
  }

  /** Octets arrived. */
  onBytes(buffer: Buffer, start: number, end: number): void {
    if (this.isDone) return;
    this.begin();
    this.keepalive?.onReceived();
    const error = this.#frames.read(buffer, start, end);
    if (error !== null) this.fail(error);
    else this.settle();
    if (INVARIANTS) this.checkInvariants();
  }

  /** Everything that was queued has left. */
  onDrain(): void {
    if (this.isDone) return;
    this.guard.onDrained();
    this.settle();
    if (INVARIANTS) this.checkInvariants();
  }

  /** The connection is gone, or the peer ended it. */
  onGone(detail: string): void {
    if (this.isDone) return;
    this.#close();
    this.#resetAll('connection-termination', detail);
    if (INVARIANTS) this.checkInvariants();
  }

  /** Sends what has room now; ends the connection if our own output is too much. */
  settle(): void {
    if (this.isDone) return;
    this.outbound.pump();
    const { error } = this.guard;
    if (error !== null) this.fail(error);
  }

  /** The end of a turn in which too much was queued. */
  flush(): void {
    this.settle();
  }

  /** The peer broke the protocol: GOAWAY, every stream reset, close. */
  fail(error: ProtocolError): void {
    if (this.isDone) return;
    this.begin();
    this.goaway(this.lastPeerStreamId, error.h2Code, error.reason);
    this.#close();
    this.#resetAll('protocol-error', error.details);
    this.role.onDone({ kind: 'protocol-error', error });
  }

  /** Ends the connection for another reason than an error; no stream is open. */
  finish(reason: CodecDone): void {
    if (this.isDone) return;
    this.#close();
    this.role.onDone(reason);
  }

  goaway(lastStreamId: number, code: number, text: string): void {
    this.begin();
    this.writer.goaway(lastStreamId, code, text.slice(0, MAX_GOAWAY_TEXT));
  }

  /** Makes a stream; it counts as open when it gets its id. */
  createStream(receiver: StreamReceiver | null): H2Stream {
    return new H2Stream(this.#commands, receiver, {
      nowMs: this.io.services.nowMs(),
      sendWindow: this.outbound.initialWindow,
      receiveWindow: this.inbound.initialWindow,
    });
  }

  /** A stream begins on the wire. */
  openStream(stream: H2Stream, id: number): void {
    stream.id = id;
    stream.enter('open');
    this.streams.set(id, stream);
    this.guard.onStream();
    this.io.counters.streamsActive.inc();
    if (this.role.isClient) this.keepalive?.onStream();
  }

  /** Both messages are complete. */
  complete(stream: H2Stream): void {
    const { receiver } = stream;
    this.#detach(stream);
    this.role.onStreamOver(null, receiver);
  }

  /** Resets a stream for what the peer did wrong on it; a connection's error: once too often. */
  streamError(stream: H2Stream, error: ProtocolError): ProtocolError | null {
    this.sendReset(stream, error.h2Code);
    this.end(stream, 'protocol-error', error.details);
    return this.role.onErrorReset();
  }

  /** A stream is over that was not complete; its receiver is told. */
  end(stream: H2Stream, reason: ResetReason, detail: string): void {
    const { receiver } = stream;
    if (stream.owner === null) return;
    this.#detach(stream);
    receiver?.onReset(reason, detail);
    this.role.onStreamOver(reason, receiver);
  }

  /** A stream is over that its sender gave up; nobody is told. */
  abandon(stream: H2Stream): void {
    this.#detach(stream);
    this.role.onStreamOver('local-reset', null);
  }

  /** Writes RST_STREAM; what is on its way to us on this stream will be ignored. */
  sendReset(stream: H2Stream, code: number): void {
    if (stream.id === 0 || this.isDone) return;
    stream.wireBytesSent += this.refuse(stream.id, code);
  }

  /** RST_STREAM for a stream that may not be open; gives its octets. */
  refuse(streamId: number, code: number): number {
    this.resets.add(streamId);
    this.io.counters.txReset.inc();
    return this.writer.rstStream(streamId, code);
  }

  onLocalEnd(stream: H2Stream): void {
    this.role.settle(stream);
    this.noteDeferred(stream);
  }

  noteDeferred(stream: H2Stream): void {
    if (stream.owner === null || stream.isDeferred || stream.state !== 'closed') return;
    stream.isDeferred = true;
    this.io.counters.deferredStreamClose.inc();
  }

  onEndDelivered(stream: H2Stream): void {
    if (stream.owner !== null) this.role.settle(stream);
  }

  onDelivered(): void {
    this.settle();
    if (INVARIANTS) this.checkInvariants();
  }

  onKeepaliveTimeout(): void {
    this.io.counters.keepaliveTimeout.inc();
    this.#close();
    this.#resetAll('connection-termination', 'http2_ping_timeout');
    this.role.onDone({ kind: 'reset' });
  }

  checkInvariants(): void {
    this.outbound.checkInvariants();
    this.inbound.checkInvariants();
    let pendingBytes = 0;
    for (const [id, stream] of this.streams) {
      stream.checkInvariants();
      invariant(stream.owner !== null && stream.id === id, 'h2 session: open streams are attached');
      pendingBytes += stream.pendingBytes;
    }
    const isCounted = pendingBytes === this.outbound.pendingBytes;
    invariant(isCounted, 'h2 session: what waits belongs to open streams');
    invariant(
      !this.isDone || this.streams.size === 0,
      'h2 session: its end is that of its streams',
    );
  }

  #enter(next: State): void {
    if (INVARIANTS) EDGES.check(this.#state, next);
    this.#state = next;
  }

  /** Frees everything that outlives a call, except streams. */
  #close(): void {
    this.#enter('done');
    this.#frames.stop();
    this.settingsTimer.stop();
    this.keepalive?.close();
    this.guard.onDrained();
  }

  #resetAll(reason: ResetReason, detail: string): void {
    for (const stream of [...this.streams.values(), ...this.unsent])
      this.end(stream, reason, detail);
  }

  #detach(stream: H2Stream): void {
    this.outbound.forget(stream);
    if (!this.isDone) this.inbound.forget(stream);
    stream.owner = null;
    stream.receiver = null;
    if (stream.isDeferred) this.io.counters.deferredStreamClose.dec();
    if (stream.id === 0) this.unsent.delete(stream);
    else if (this.streams.delete(stream.id)) this.io.counters.streamsActive.dec();
  }
}
