// What a peer did wrong, as a value: codecs return it, they never throw.

/** How far an error reaches: one exchange, or everything on the connection (RFC 9113 §5.4). */
export type ErrorScope = 'stream' | 'connection';

/** Bad input from a peer. */
export interface ProtocolError {
  readonly scope: ErrorScope;
  /** Status that a server answers with if it has not answered: 400, 413, 431, 501, 505 … */
  readonly status: number;
  /** HTTP/2 error code of RFC 9113 §7; 0 for HTTP/1. */
  readonly h2Code: number;
  /** Envoy's response code details, e.g. `http1.codec_error`. */
  readonly details: string;
  /** What exactly was wrong, for the log: names, offsets and limits, never values. */
  readonly reason: string;
}
