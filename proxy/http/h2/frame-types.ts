// Numbers of RFC 9113: frame types, flags, settings, error codes, limits.

/** Frame types (RFC 9113 §6). */
export const FRAME = Object.freeze({
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const);

/** Flags of frames; `ack` is that of SETTINGS and PING. */
export const FLAG = Object.freeze({
  ack: 0x1,
  endStream: 0x1,
  endHeaders: 0x4,
  padded: 0x8,
  priority: 0x20,
} as const);

/** Settings (RFC 9113 §6.5.2, RFC 8441 §3). */
export const SETTING = Object.freeze({
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
  enableConnectProtocol: 8,
} as const);

/** Error codes (RFC 9113 §7). */
export const H2_CODE = Object.freeze({
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  settingsTimeout: 4,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  connectError: 10,
  enhanceYourCalm: 11,
  inadequateSecurity: 12,
  http11Required: 13,
} as const);

/** Octets of a frame's header. */
export const FRAME_HEADER_BYTES = 9;
/** SETTINGS_MAX_FRAME_SIZE before a peer says otherwise, and what we stay with. */
export const DEFAULT_MAX_FRAME_BYTES = 16_384;
/** The largest value that SETTINGS_MAX_FRAME_SIZE may have. */
export const MAX_FRAME_BYTES = 16_777_215;
/** Windows before anybody says otherwise (RFC 9113 §6.9.2). */
export const DEFAULT_WINDOW_BYTES = 65_535;
/** The largest window and the largest stream id. */
export const MAX_31_BITS = 0x7fff_ffff;
/** The header table before a peer says otherwise. */
export const DEFAULT_HEADER_TABLE_BYTES = 4096;

/** What a client sends first (RFC 9113 §3.4). */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
