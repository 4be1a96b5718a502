// Everything that arrives on an HTTP/2 connection, frame by frame: what the rules allow here, whose
// it is, and what it changes.
import type { ProtocolError } from '../protocol-error.ts';
import { ControlFrames } from './control-frames.ts';
import { codecErrorDetails, H2_ERROR, H2_MESSAGE_ERROR, H2_STREAM_ERROR } from './errors.ts';
import { type FrameHandler, FrameReader } from './frame-reader.ts';
import { checkFrameHeader } from './frame-rules.ts';
import { FLAG, FRAME, FRAME_HEADER_BYTES, H2_CODE, PREFACE } from './frame-types.ts';
import { HeaderBlock } from './header-block.ts';
import { rejectMessage } from './message-error.ts';
import type { SessionCore } from './session-core.ts';
import type { BlockFacts } from './session-role.ts';
import type { H2Stream } from './stream.ts';

/** Octets in front of a block in HEADERS with the PRIORITY flag. */
const PRIORITY_BYTES = 5;

/** See the file's head. One a connection. */
export class InboundFrames implements FrameHandler {
  readonly #session: SessionCore;
  readonly #reader: FrameReader;
  readonly #control: ControlFrames;
  readonly #block: HeaderBlock;
  /** Octets of the client's preface that came; a client waits for none. */
  #prefaceLength: number;
  #hasSettings = false;
  /** The stream of the current DATA frame; null: its content is nobody's. */
  #dataStream: H2Stream | null = null;

  constructor(session: SessionCore) {
    this.#session = session;
    this.#reader = new FrameReader(this);
    this.#control = new ControlFrames(session);
    this.#block = new HeaderBlock(session.options.maxHeadBytes);
    this.#prefaceLength = session.role.isClient ? PREFACE.length : 0;
  }

  /** Reads `buffer[start, end)`; the error ends the connection. */
  read(buffer: Buffer, start: number, end: number): ProtocolError | null {
    let at = start;
    while (at < end && this.#prefaceLength < PREFACE.length) {
      if (buffer[at] !== PREFACE[this.#prefaceLength]) return H2_ERROR.preface;
      this.#prefaceLength += 1;
      at += 1;
    }
    const reader = this.#reader;
    reader.read(buffer, at, end);
    return reader.error;
  }

  /** Nothing more is read. */
  stop(): void {
    this.#reader.stop();
    this.#block.clear();
    this.#dataStream = null;
  }

  onFrameStart(): ProtocolError | null {
    const frame = this.#reader;
    const { streamId } = this.#block;
    // RFC 9113 §6.10: nothing comes between the frames of a block.
    if (streamId !== 0 && (frame.type !== FRAME.continuation || frame.streamId !== streamId)) {
      return H2_ERROR.continuation;
    }
    if (!this.#hasSettings) {
      if (frame.type !== FRAME.settings || (frame.flags & FLAG.ack) !== 0)
        return H2_ERROR.firstFrame;
      this.#hasSettings = true;
    }
    const error = checkFrameHeader(frame);
    if (error !== null) return error;
    return frame.type === FRAME.data ? this.#startData() : null;
  }

  onFrame(buffer: Buffer, start: number, end: number): ProtocolError | null {
    const frame = this.#reader;
    const error = this.#dispatch(buffer, start, end);
    if (error !== null) return error;
    if (this.#session.isDone) frame.stop();
    return this.#session.guard.error;
  }

  onDataPart(buffer: Buffer, start: number, end: number, isLast: boolean): ProtocolError | null {
    const stream = this.#dataStream;
    const frame = this.#reader;
    const isEnd = isLast && (frame.flags & FLAG.endStream) !== 0;
    if (isLast) {
      const error = this.#session.guard.onContentFrame(frame.length === frame.padding && !isEnd);
      if (error !== null) return this.#flood(stream, error);
    }
    if (stream === null) return null;
    const error = this.#content(stream, buffer.subarray(start, end), isEnd);
    if (isLast) this.#endData(stream);
    if (this.#session.isDone) frame.stop();
    return error ?? this.#session.guard.error;
  }

  #dispatch(buffer: Buffer, start: number, end: number): ProtocolError | null {
    const frame = this.#reader;
    switch (frame.type) {
      case FRAME.headers:
        return this.#headers(buffer, start, end);
      case FRAME.continuation:
        return this.#continuation(buffer, start, end);
      default:
        return this.#control.onFrame(frame, buffer, start);
    }
  }

  #startData(): ProtocolError | null {
    const { streamId, length, flags } = this.#reader;
    const { inbound, streams, resets, role } = this.#session;
    this.#dataStream = null;
    if (!inbound.take(length)) return H2_ERROR.connectionWindow;
    const stream = streams.get(streamId);
    if (stream === undefined) {
      if (role.isIdle(streamId)) return H2_ERROR.idleStream;
      inbound.drop(length);
      const error = role.judgeLate(streamId);
      if ((flags & FLAG.endStream) !== 0) resets.remove(streamId);
      return error;
    }
    if (stream.isRemoteClosed) return H2_ERROR.halfClosed;
    stream.wireBytesReceived += FRAME_HEADER_BYTES + length;
    stream.receiveWindow -= length;
    if (stream.receiveWindow < 0) {
      inbound.drop(length);
      return this.#session.streamError(stream, H2_STREAM_ERROR.window);
    }
    this.#dataStream = stream;
    return null;
  }

  #content(stream: H2Stream, data: Buffer, isEnd: boolean): ProtocolError | null {
    const { inbound } = this.#session;
    const octets = data.length;
    if (stream.owner === null) {
      inbound.drop(octets);
      return null;
    }
    if (!stream.isHeadReceived) {
      inbound.drop(octets);
      return rejectMessage(this.#session, stream, H2_MESSAGE_ERROR.dataBeforeHead);
    }
    if (!isWithinLength(stream, octets, isEnd)) {
      inbound.drop(octets);
      return this.#session.streamError(stream, H2_STREAM_ERROR.contentLength);
    }
    if (isEnd) stream.closeRemote();
    if (octets > 0 || isEnd) inbound.deliver(stream, data, isEnd);
    return null;
  }

  /** Padding counts, but nobody reads it. */
  #endData(stream: H2Stream): void {
    this.#dataStream = null;
    const { padding } = this.#reader;
    if (padding === 0) return;
    if (stream.owner === null) this.#session.inbound.drop(padding);
    else this.#session.inbound.consume(stream, padding);
  }

  #headers(buffer: Buffer, start: number, end: number): ProtocolError | null {
    const { flags, streamId, length } = this.#reader;
    let from = start;
    let to = end;
    if ((flags & FLAG.padded) !== 0) {
      if (from === to) return H2_ERROR.fixedSize;
      to -= buffer[from]!;
      from += 1;
    }
    if ((flags & FLAG.priority) !== 0) {
      if (end - from < PRIORITY_BYTES) return H2_ERROR.fixedSize;
      if ((buffer.readUInt32BE(from) & 0x7fff_ffff) === streamId) return H2_ERROR.selfDependency;
      from += PRIORITY_BYTES;
    }
    if (from > to) return H2_ERROR.padding;
    const endStream = (flags & FLAG.endStream) !== 0;
    const error = this.#session.guard.onContentFrame(from === to && !endStream);
    if (error !== null) return this.#flood(this.#session.streams.get(streamId) ?? null, error);
    const wireBytes = FRAME_HEADER_BYTES + length;
    if ((flags & FLAG.endHeaders) !== 0) {
      return this.#decode({ streamId, endStream, wireBytes }, buffer, { from, to });
    }
    this.#block.begin(streamId, endStream, wireBytes);
    return this.#session.role.onBlockStart(streamId) ?? this.#block.append(buffer, from, to);
  }

  /** Counts errors that are attempts to make us decode or keep far more than a head. */
  #tooLarge(error: ProtocolError): ProtocolError {
    const isBomb = error.h2Code === H2_CODE.enhanceYourCalm && error !== H2_ERROR.emptyFrames;
    if (isBomb) this.#session.io.counters.headerListSizeTooLarge.inc();
    return error;
  }

  #continuation(buffer: Buffer, start: number, end: number): ProtocolError | null {
    const block = this.#block;
    const { flags, length } = this.#reader;
    if (block.streamId === 0) return H2_ERROR.looseContinuation;
    const isEnd = (flags & FLAG.endHeaders) !== 0;
    const error =
      this.#session.guard.onContentFrame(start === end && !block.endStream) ??
      block.onContinuation(FRAME_HEADER_BYTES + length) ??
      block.append(buffer, start, end);
    if (error !== null) return this.#tooLarge(error);
    if (!isEnd) return null;
    const { streamId, endStream, wireBytes, buffer: whole, length: to } = block;
    block.clear();
    return this.#decode({ streamId, endStream, wireBytes }, whole, { from: 0, to });
  }

  #decode(
    facts: BlockFacts,
    buffer: Buffer,
    part: { readonly from: number; readonly to: number },
  ): ProtocolError | null {
    const { decoder, io, streams, resets, role } = this.#session;
    const dropped = decoder.droppedHeadersWithUnderscores;
    const error = decoder.decode(buffer, part.from, part.to);
    const droppedNow = decoder.droppedHeadersWithUnderscores - dropped;
    if (droppedNow > 0) io.counters.droppedHeadersWithUnderscores.add(droppedNow);
    if (error !== null) return this.#tooLarge(error);
    const stream = streams.get(facts.streamId);
    if (stream === undefined) {
      const newError = role.onNewBlock(facts);
      if (facts.endStream) resets.remove(facts.streamId);
      return newError;
    }
    stream.wireBytesReceived += facts.wireBytes;
    stream.headerBytesReceived += facts.wireBytes;
    return stream.isRemoteClosed ? H2_ERROR.halfClosed : role.onBlock(stream, facts.endStream);
  }

  /** The stream on which a flood was noticed is told of it, the others of the connection's end. */
  #flood(stream: H2Stream | null, error: ProtocolError): ProtocolError {
    if (stream !== null) this.#session.end(stream, 'protocol-error', error.details);
    return { ...error, details: codecErrorDetails(error.reason) };
  }
}

/** Counts content against the content-length; false: they disagree. */
function isWithinLength(stream: H2Stream, octets: number, isEnd: boolean): boolean {
  if (stream.lengthToCome < 0) return true;
  stream.lengthToCome -= octets;
  return isEnd ? stream.lengthToCome === 0 : stream.lengthToCome >= 0;
}
