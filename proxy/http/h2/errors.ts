// Every way in which an HTTP/2 peer can be wrong, as frozen values: reporting one allocates
// nothing. The details are those that Envoy logs for the streams that an error ends.
import type { ProtocolError } from '../protocol-error.ts';
import { H2_CODE } from './frame-types.ts';

function onConnection(h2Code: number, reason: string, details?: string): ProtocolError {
  return Object.freeze({
    scope: 'connection',
    status: 400,
    h2Code,
    details: details ?? codecErrorDetails(reason),
    reason,
  } as const);
}

/** Details of a stream that ends because its connection does. */
export function codecErrorDetails(reason: string): string {
  return `codec_error:${reason.replaceAll(' ', '_')}`;
}

function onStream(h2Code: number, reason: string, details: string): ProtocolError {
  return Object.freeze({ scope: 'stream', status: 400, h2Code, details, reason } as const);
}

const PROTOCOL = H2_CODE.protocolError;
const FLOW = H2_CODE.flowControlError;
const CALM = H2_CODE.enhanceYourCalm;
const CLOSED = H2_CODE.streamClosed;
const SIZE = H2_CODE.frameSizeError;

/** Details of a stream that the peer ended, and of one whose framing is wrong. */
export const REMOTE_RESET = 'http2.remote_reset';
export const REMOTE_REFUSE = 'http2.remote_refuse';
/** Details of a message that breaks the rules of RFC 9113 §8. */
export const MESSAGING_RULE = 'http2.violation.of.messaging.rule';
/** Details of a stream that ended because too many others were cancelled. */
export const PREMATURE_RESETS = 'too_many_premature_resets';

/** Errors that end the connection. */
export const H2_ERROR = Object.freeze({
  preface: onConnection(PROTOCOL, 'Bad client magic byte string'),
  firstFrame: onConnection(PROTOCOL, 'SETTINGS expected'),
  frameSize: onConnection(SIZE, 'too large frame size'),
  fixedSize: onConnection(SIZE, 'frame has the wrong size for its type'),
  padding: onConnection(PROTOCOL, 'padding is as long as the frame'),
  streamZero: onConnection(PROTOCOL, 'frame must be on a stream'),
  notStreamZero: onConnection(PROTOCOL, 'frame must be on the connection'),
  idleStream: onConnection(PROTOCOL, 'stream in idle'),
  closedStream: onConnection(CLOSED, 'stream closed'),
  halfClosed: onConnection(CLOSED, 'stream in half-closed(remote)'),
  streamId: onConnection(PROTOCOL, 'invalid stream_id'),
  selfDependency: onConnection(PROTOCOL, 'depend on itself'),
  pushPromise: onConnection(PROTOCOL, 'PUSH_PROMISE: push disabled'),
  continuation: onConnection(PROTOCOL, 'unexpected non-CONTINUATION frame or stream_id is invalid'),
  looseContinuation: onConnection(PROTOCOL, 'CONTINUATION without HEADERS'),
  continuations: onConnection(CALM, 'Too many CONTINUATION frames following a HEADER frame'),
  blockSize: onConnection(CALM, 'header block far beyond the limit of a head'),
  settingsValue: onConnection(PROTOCOL, 'SETTINGS: invalid value'),
  settingsWindow: onConnection(FLOW, 'SETTINGS: too large SETTINGS_INITIAL_WINDOW_SIZE'),
  settingsTimeout: onConnection(H2_CODE.settingsTimeout, 'SETTINGS not acknowledged in time'),
  windowIncrement: onConnection(PROTOCOL, 'WINDOW_UPDATE: window_size_increment == 0'),
  windowOverflow: onConnection(FLOW, 'window beyond 2^31 - 1'),
  connectionWindow: onConnection(FLOW, 'more DATA than the window of the connection'),
  emptyFrames: onConnection(
    CALM,
    'Too many consecutive frames with an empty payload',
    'http2.inbound_empty_frames_flood',
  ),
  priorityFrames: onConnection(CALM, 'Too many PRIORITY frames'),
  windowUpdates: onConnection(CALM, 'Too many WINDOW_UPDATE frames'),
  controlFlood: onConnection(CALM, 'Too many control frames in the outbound queue.'),
  outboundFlood: onConnection(
    CALM,
    'Too many frames in the outbound queue.',
    'http2.outbound_frames_flood',
  ),
  prematureResets: onConnection(CALM, PREMATURE_RESETS, PREMATURE_RESETS),
});

/** Errors that end one stream. */
export const H2_STREAM_ERROR = Object.freeze({
  window: onStream(FLOW, 'more DATA than the window of the stream', REMOTE_RESET),
  windowOverflow: onStream(FLOW, 'window beyond 2^31 - 1', REMOTE_RESET),
  windowIncrement: onStream(PROTOCOL, 'WINDOW_UPDATE: window_size_increment == 0', REMOTE_RESET),
  contentLength: onStream(PROTOCOL, 'content-length and DATA disagree', REMOTE_RESET),
});

/** Messages that are wrong as HTTP; how far they reach is for the options to say. */
export const H2_MESSAGE_ERROR = Object.freeze({
  /** Envoy judges an end in the head as a broken message, one behind content as a broken stream. */
  noContent: onStream(PROTOCOL, 'content-length without content', MESSAGING_RULE),
  trailersWithoutEnd: onStream(PROTOCOL, 'trailers that do not end the stream', MESSAGING_RULE),
  dataBeforeHead: onStream(PROTOCOL, 'DATA in front of the head', MESSAGING_RULE),
  informational: onStream(PROTOCOL, '1xx that ends the stream, or 101', MESSAGING_RULE),
  tooManyInformational: onStream(PROTOCOL, 'too many 1xx heads', MESSAGING_RULE),
});
