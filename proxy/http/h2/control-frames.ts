// Frames that change the connection or a stream without carrying a message: SETTINGS, PING,
// GOAWAY, WINDOW_UPDATE, RST_STREAM, PRIORITY.
import type { ProtocolError } from '../protocol-error.ts';
import type { ResetReason } from '../stream.ts';
import { H2_ERROR, H2_STREAM_ERROR, REMOTE_REFUSE, REMOTE_RESET } from './errors.ts';
import type { FrameReader } from './frame-reader.ts';
import { FLAG, FRAME, H2_CODE, MAX_31_BITS } from './frame-types.ts';
import type { SessionCore } from './session-core.ts';
import type { H2Stream } from './stream.ts';

/** See the file's head. One a connection. */
export class ControlFrames {
  readonly #session: SessionCore;

  constructor(session: SessionCore) {
    this.#session = session;
  }

  /** Takes a frame whose header was checked; its payload begins at `buffer[start]`. */
  onFrame(frame: FrameReader, buffer: Buffer, start: number): ProtocolError | null {
    switch (frame.type) {
      case FRAME.settings:
        return this.#settings(frame, buffer, start);
      case FRAME.ping:
        return this.#ping(frame, buffer, start);
      case FRAME.windowUpdate:
        return this.#windowUpdate(frame.streamId, buffer.readUInt32BE(start) & MAX_31_BITS);
      case FRAME.rstStream:
        return this.#reset(frame.streamId, buffer.readUInt32BE(start));
      case FRAME.goaway:
        this.#session.role.onGoaway(buffer.readUInt32BE(start) & MAX_31_BITS);
        return null;
      case FRAME.priority:
        return this.#priority(frame.streamId, buffer.readUInt32BE(start) & MAX_31_BITS);
      default:
        return null;
    }
  }

  #settings(frame: FrameReader, buffer: Buffer, start: number): ProtocolError | null {
    const session = this.#session;
    if ((frame.flags & FLAG.ack) !== 0) {
      session.settingsTimer.stop();
      session.decoder.settingsAcknowledged();
      return null;
    }
    const { peerSettings, outbound } = session;
    const error = peerSettings.apply(buffer, start, start + frame.length);
    if (error !== null) return error;
    const change = peerSettings.initialWindowSize - outbound.initialWindow;
    outbound.initialWindow = peerSettings.initialWindowSize;
    outbound.setMaxFrameBytes(peerSettings.maxFrameSize);
    session.encoder.setMaxTableSize(peerSettings.headerTableSize);
    if (change !== 0 && !this.#moveWindows(change)) return H2_ERROR.settingsWindow;
    session.writer.settingsAck();
    session.role.onSettings();
    return null;
  }

  /** RFC 9113 §6.9.2: windows of open streams follow, also below 0. */
  #moveWindows(change: number): boolean {
    const { streams, outbound } = this.#session;
    for (const stream of streams.values()) {
      if (!outbound.growStream(stream, change)) return false;
    }
    return true;
  }

  #ping(frame: FrameReader, buffer: Buffer, start: number): ProtocolError | null {
    if ((frame.flags & FLAG.ack) !== 0) this.#session.keepalive?.onAnswer(buffer, start);
    else this.#session.writer.ping(buffer, start, true);
    return null;
  }

  #windowUpdate(streamId: number, increment: number): ProtocolError | null {
    const session = this.#session;
    const error = session.guard.onWindowUpdate();
    if (error !== null) return error;
    if (streamId === 0) {
      if (increment === 0) return H2_ERROR.windowIncrement;
      return session.outbound.grow(increment) ? null : H2_ERROR.windowOverflow;
    }
    const stream = session.streams.get(streamId);
    if (stream === undefined) {
      if (session.role.isIdle(streamId)) return H2_ERROR.idleStream;
      return increment === 0 ? H2_ERROR.windowIncrement : null;
    }
    if (increment === 0) return session.streamError(stream, H2_STREAM_ERROR.windowIncrement);
    if (session.outbound.growStream(stream, increment)) return null;
    return session.streamError(stream, H2_STREAM_ERROR.windowOverflow);
  }

  #reset(streamId: number, code: number): ProtocolError | null {
    const session = this.#session;
    const stream = session.streams.get(streamId);
    if (stream === undefined) {
      session.resets.remove(streamId);
      return session.role.isIdle(streamId) ? H2_ERROR.idleStream : null;
    }
    session.io.counters.rxReset.inc();
    stream.wireBytesReceived += RESET_FRAME_BYTES;
    if (code === H2_CODE.noError && this.#isAnswered(stream)) return null;
    const reason = resetReason(code, session.role.isClient);
    session.end(stream, reason, reason === 'remote-refused' ? REMOTE_REFUSE : REMOTE_RESET);
    return session.role.onRemoteReset(stream);
  }

  /** RFC 9113 §8.1: a server that has answered wants no more of the request; the answer counts. */
  #isAnswered(stream: H2Stream): boolean {
    const session = this.#session;
    if (!session.role.isClient || !stream.isRemoteClosed) return false;
    session.outbound.forget(stream);
    stream.isEnded = true;
    if (!stream.isLocalClosed) stream.closeLocal();
    session.role.settle(stream);
    return true;
  }

  /** RFC 9113 §5.3: priorities are ignored, but they are no means to keep us busy. */
  #priority(streamId: number, dependency: number): ProtocolError | null {
    if (dependency === streamId) return H2_ERROR.selfDependency;
    return this.#session.guard.onPriority();
  }
}

const RESET_FRAME_BYTES = 13;

/** As Envoy: what a server says of our request matters more than what a client says of our answer. */
function resetReason(code: number, isClient: boolean): ResetReason {
  if (code === H2_CODE.refusedStream) return 'remote-refused';
  if (isClient && code === H2_CODE.connectError) return 'remote-connect-error';
  return isClient && code === H2_CODE.protocolError ? 'protocol-error' : 'remote-reset';
}
