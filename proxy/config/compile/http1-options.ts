// Options of HTTP/1.1 and of connections in general, as both sides of the proxy use them.
import type { Http1ProtocolOptions } from '../../api/gen/envoy/config/core/v3/protocol_pb.js';
import {
  DEFAULT_HTTP1_OPTIONS,
  type Http1OptionsConfig,
} from '../../model/http-connection-manager.ts';

/** Envoy core.v3.HttpProtocolOptions.idle_timeout, both sides. 0 keeps idle connections for ever. */
export const DEFAULT_IDLE_TIMEOUT_MS = 3_600_000;
/** Envoy core.v3.HttpProtocolOptions.max_headers_count, both sides. */
export const DEFAULT_MAX_HEADERS_COUNT = 100;

/**
 * Compiled Http1ProtocolOptions; Envoy's defaults for an absent message. `streamError` is the
 * connection manager's stream_error_on_invalid_http_message.
 */
export function compileHttp1Options(
  message: Http1ProtocolOptions | undefined,
  streamError: boolean | undefined,
): Http1OptionsConfig {
  if (message === undefined) {
    if (streamError !== true) return DEFAULT_HTTP1_OPTIONS;
    return { ...DEFAULT_HTTP1_OPTIONS, streamErrorOnInvalidHttpMessage: streamError ?? false };
  }
  const isProperCase = message.headerKeyFormat?.headerFormat.case === 'properCaseWords';
  return {
    streamErrorOnInvalidHttpMessage:
      message.overrideStreamErrorOnInvalidHttpMessage ?? streamError ?? false,
    allowAbsoluteUrl: message.allowAbsoluteUrl ?? DEFAULT_HTTP1_OPTIONS.allowAbsoluteUrl,
    acceptHttp10: message.acceptHttp10,
    defaultHostForHttp10: message.defaultHostForHttp10,
    enableTrailers: message.enableTrailers,
    allowChunkedLength: message.allowChunkedLength,
    allowCustomMethods: message.allowCustomMethods,
    headerKeyFormat: isProperCase ? 'proper-case' : 'lower',
  };
}
