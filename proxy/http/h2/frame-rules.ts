// What RFC 9113 §6 says about the header of a frame of each type: on which stream it may come, and
// how long it is.
import type { ProtocolError } from '../protocol-error.ts';
import { H2_ERROR } from './errors.ts';
import type { FrameReader } from './frame-reader.ts';
import { FLAG, FRAME } from './frame-types.ts';

/** The first rule that a frame's header breaks, null for none; unknown types have no rules. */
export function checkFrameHeader(frame: FrameReader): ProtocolError | null {
  switch (frame.type) {
    case FRAME.data:
    case FRAME.headers:
    case FRAME.continuation:
      return frame.streamId === 0 ? H2_ERROR.streamZero : null;
    case FRAME.priority:
      return onStream(frame, 5);
    case FRAME.rstStream:
      return onStream(frame, 4);
    case FRAME.windowUpdate:
      return frame.length === 4 ? null : H2_ERROR.fixedSize;
    case FRAME.ping:
      return onConnection(frame, frame.length === 8);
    case FRAME.goaway:
      return onConnection(frame, frame.length >= 8);
    case FRAME.settings:
      return onConnection(frame, isSettingsLength(frame));
    case FRAME.pushPromise:
      // §8.4: clients never send it, and we told servers not to.
      return H2_ERROR.pushPromise;
    default:
      return null;
  }
}

function onStream(frame: FrameReader, length: number): ProtocolError | null {
  if (frame.streamId === 0) return H2_ERROR.streamZero;
  return frame.length === length ? null : H2_ERROR.fixedSize;
}

function onConnection(frame: FrameReader, isRightLength: boolean): ProtocolError | null {
  if (frame.streamId !== 0) return H2_ERROR.notStreamZero;
  return isRightLength ? null : H2_ERROR.fixedSize;
}

function isSettingsLength(frame: FrameReader): boolean {
  return (frame.flags & FLAG.ack) !== 0 ? frame.length === 0 : frame.length % 6 === 0;
}
