// What an HTTP/1.1 codec can be told. The connection manager and the pools fill these in from the
// compiled configuration; one frozen object serves every connection of a listener or cluster.
import type { Random } from '../../base/random.ts';

/** How field names are written: `content-type`, or `Content-Type`. */
export type HeaderKeyFormat = 'lower' | 'proper-case';

/** What both sides' codecs understand. */
export interface H1Options {
  /** Octets of a head, start line and final empty line included; trailers have the same limit. */
  readonly maxHeadBytes: number;
  /** Field lines in a head; trailers have the same limit. */
  readonly maxHeadersCount: number;
  /** False: trailers are checked and dropped, in both directions. */
  readonly enableTrailers: boolean;
  /** True: a content-length beside `chunked` is dropped instead of being an error. */
  readonly allowChunkedLength: boolean;
  readonly headerKeyFormat: HeaderKeyFormat;
}

/** A server's codec: config.core.v3.Http1ProtocolOptions and the connection manager's limits. */
export interface H1ServerOptions extends H1Options {
  /** False: an absolute-form target is handed on as the path. */
  readonly allowAbsoluteUrl: boolean;
  /** True: an absolute-form target with `https` is answered 403: nobody else saw it in clear text. */
  readonly refusesHttpsTarget: boolean;
  /** False: HTTP/1.0 is answered 426. */
  readonly acceptHttp10: boolean;
  /** Authority of an HTTP/1.0 request without Host; '' leaves it empty. */
  readonly defaultHostForHttp10: string;
  /** False: only the methods of `isKnownMethod`. */
  readonly allowCustomMethods: boolean;
  readonly headersWithUnderscores: 'allow' | 'reject' | 'drop';
}

/** A client's codec: config.core.v3.Http1ProtocolOptions of a cluster and its limits. */
export interface H1ClientOptions extends H1Options {
  /** For keys of WebSocket handshakes that come without; null: they leave without. */
  readonly random: Random | null;
}

/** Envoy's defaults for listeners: 60 KiB and 100 fields. */
export const DEFAULT_H1_SERVER_OPTIONS: H1ServerOptions = Object.freeze({
  maxHeadBytes: 60 * 1024,
  maxHeadersCount: 100,
  enableTrailers: false,
  allowChunkedLength: false,
  headerKeyFormat: 'lower',
  allowAbsoluteUrl: true,
  refusesHttpsTarget: false,
  acceptHttp10: false,
  defaultHostForHttp10: '',
  allowCustomMethods: false,
  headersWithUnderscores: 'allow',
});

/** Envoy's defaults for clusters: 80 KiB and 100 fields. */
export const DEFAULT_H1_CLIENT_OPTIONS: H1ClientOptions = Object.freeze({
  maxHeadBytes: 80 * 1024,
  maxHeadersCount: 100,
  enableTrailers: false,
  allowChunkedLength: false,
  headerKeyFormat: 'lower',
  random: null,
});
