// A session as its own parts see it.
import type { TurnTarget } from '../codec.ts';
import type { ProtocolError } from '../protocol-error.ts';
import type { ResetReason } from '../stream.ts';
import type { FloodGuard } from './flood-guard.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { HeadDecoder, HeadEncoder } from './head-decoder.ts';
import type { Inbound } from './inbound.ts';
import type { H2Io } from './io.ts';
import type { Keepalive } from './keepalive.ts';
import type { H2Options } from './options.ts';
import type { Outbound } from './outbound.ts';
import type { ResetMemory } from './reset-memory.ts';
import type { SessionRole } from './session-role.ts';
import type { PeerSettings } from './settings.ts';
import type { SettingsTimer } from './settings-timer.ts';
import type { H2Stream } from './stream.ts';

/** What the streams of one connection share. Errors that are returned end the connection. */
export interface SessionCore extends TurnTarget {
  readonly options: H2Options;
  readonly io: H2Io;
  readonly role: SessionRole;
  /** Streams that have an id and are not over. */
  readonly streams: ReadonlyMap<number, H2Stream>;
  /** Streams that we reset. */
  readonly resets: ResetMemory;
  readonly peerSettings: PeerSettings;
  readonly guard: FloodGuard;
  readonly writer: FrameWriter;
  readonly decoder: HeadDecoder;
  readonly encoder: HeadEncoder;
  readonly inbound: Inbound;
  readonly outbound: Outbound;
  readonly settingsTimer: SettingsTimer;
  readonly keepalive: Keepalive | null;
  /** The owner was told to close the connection, or it is closed. */
  readonly isDone: boolean;
  /** Resets a stream for what the peer did wrong on it. */
  streamError(stream: H2Stream, error: ProtocolError): ProtocolError | null;
  /** A stream is over that was not complete; its receiver is told. */
  end(stream: H2Stream, reason: ResetReason, detail: string): void;
  /** A stream is over that its sender gave up; its receiver is not told. */
  abandon(stream: H2Stream): void;
  /** Writes RST_STREAM; what is on its way to us on this stream will be ignored. */
  sendReset(stream: H2Stream, code: number): void;
  checkInvariants(): void;
}
