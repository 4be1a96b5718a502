// What an HTTP/2 codec can be told. The connection manager and the pools fill these in from the
// compiled configuration; one frozen object serves every connection of a listener or cluster.

/** connection_keepalive: PINGs that tell a dead peer from a silent one. */
export interface H2KeepaliveOptions {
  /** Ms between PINGs; 0: none at intervals. */
  readonly intervalMs: number;
  /** Ms that a PING waits for its answer before the connection is given up. */
  readonly timeoutMs: number;
  /** An interval is longer by up to so many percent, by chance. Default 15. */
  readonly intervalJitterPercent: number;
  /** A stream that begins after so many ms of silence sends a PING along; 0: never. */
  readonly connectionIdleIntervalMs: number;
}

/** One parameter of a SETTINGS frame (RFC 9113 §6.5.1). */
export interface H2Setting {
  /** 16 bits. */
  readonly identifier: number;
  /** 32 bits, unsigned. */
  readonly value: number;
}

/** config.core.v3.Http2ProtocolOptions, defaults filled in. */
export interface H2ProtocolOptions {
  /** SETTINGS_HEADER_TABLE_SIZE that we announce, and the most of the peer's that we use; octets. */
  readonly hpackTableSize: number;
  /** Streams that the peer may have open at once; of a client: those that we open at once. */
  readonly maxConcurrentStreams: number;
  /** Octets, 65,535 to 2^31 - 1. */
  readonly initialStreamWindowSize: number;
  readonly initialConnectionWindowSize: number;
  /** SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441). */
  readonly allowConnect: boolean;
  /** Frames that wait to be written, and those of them that are PING, SETTINGS or RST_STREAM. */
  readonly maxOutboundFrames: number;
  readonly maxOutboundControlFrames: number;
  /** Empty HEADERS, CONTINUATION and DATA frames in a row that do not end a stream. */
  readonly maxConsecutiveInboundFramesWithEmptyPayload: number;
  readonly maxInboundPriorityFramesPerStream: number;
  readonly maxInboundWindowUpdateFramesPerDataFrameSent: number;
  /** RST_STREAM frames of a peer at once, and those that it earns back a second; more end the connection. */
  readonly streamResetBurst: number;
  readonly streamResetRate: number;
  /** False: an invalid message ends the connection; true: its stream only. */
  readonly streamErrorOnInvalidHttpMessage: boolean;
  /** null: no PINGs. */
  readonly keepalive: H2KeepaliveOptions | null;
  /**
   * Further parameters of our first SETTINGS, sent behind our own and without a meaning to us: never
   * one that the fields above or the frame size decide (identifiers 1 to 5 and 8).
   */
  readonly customSettings: readonly H2Setting[];
}

/** What both sides' codecs understand. */
export interface H2Options {
  readonly protocol: H2ProtocolOptions;
  /** Octets of all names and values of a head, counted as Envoy does; trailers have the same limit. */
  readonly maxHeadBytes: number;
  /** Fields in a head; trailers have the same limit. */
  readonly maxHeadersCount: number;
  readonly headersWithUnderscores: 'allow' | 'reject' | 'drop';
}

/** Envoy's defaults. */
export const DEFAULT_H2_PROTOCOL_OPTIONS: H2ProtocolOptions = Object.freeze({
  hpackTableSize: 4096,
  maxConcurrentStreams: 1024,
  initialStreamWindowSize: 16 * 1024 * 1024,
  initialConnectionWindowSize: 24 * 1024 * 1024,
  allowConnect: false,
  maxOutboundFrames: 10_000,
  maxOutboundControlFrames: 1000,
  maxConsecutiveInboundFramesWithEmptyPayload: 1,
  maxInboundPriorityFramesPerStream: 100,
  maxInboundWindowUpdateFramesPerDataFrameSent: 10,
  streamResetBurst: 1000,
  streamResetRate: 33,
  streamErrorOnInvalidHttpMessage: false,
  keepalive: null,
  customSettings: Object.freeze([]),
});

/** A server's codec. */
export interface H2ServerOptions extends H2Options {
  /**
   * Ms that a complete response waits for the client's windows without progress; 0: for ever.
   * Envoy: HttpConnectionManager.stream_flush_timeout, by default stream_idle_timeout.
   */
  readonly streamFlushTimeoutMs: number;
}

/** Envoy's defaults for listeners: 60 KiB and 100 fields. */
export const DEFAULT_H2_SERVER_OPTIONS: H2ServerOptions = Object.freeze({
  protocol: DEFAULT_H2_PROTOCOL_OPTIONS,
  maxHeadBytes: 60 * 1024,
  maxHeadersCount: 100,
  headersWithUnderscores: 'allow',
  streamFlushTimeoutMs: 300_000,
});

/** Envoy's defaults for clusters: 80 KiB and 100 fields. */
export const DEFAULT_H2_CLIENT_OPTIONS: H2Options = Object.freeze({
  protocol: DEFAULT_H2_PROTOCOL_OPTIONS,
  maxHeadBytes: 80 * 1024,
  maxHeadersCount: 100,
  headersWithUnderscores: 'allow',
});
