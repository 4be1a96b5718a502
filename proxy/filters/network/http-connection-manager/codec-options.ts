// The codecs' options as a connection manager's configuration gives them.
import type { H1ServerOptions } from '../../../http/h1/options.ts';
import type { H2ServerOptions } from '../../../http/h2/options.ts';
import type { HttpConnectionManagerConfig } from '../../../model/http-connection-manager.ts';

/** One object for every HTTP/1.1 connection of a connection manager, with TLS or without. */
export function h1CodecOptions(
  config: HttpConnectionManagerConfig,
  isTls: boolean,
): H1ServerOptions {
  // The first proxy behind a client knows that there was no TLS.
  const isFirst = config.useRemoteAddress && config.xffNumTrustedHops === 0;
  return Object.freeze({
    ...config.http1,
    ...headLimits(config),
    refusesHttpsTarget: isFirst && !isTls,
  });
}

/** One object for every HTTP/2 connection of a connection manager. */
export function h2CodecOptions(config: HttpConnectionManagerConfig): H2ServerOptions {
  return Object.freeze({
    protocol: config.http2,
    ...headLimits(config),
    streamFlushTimeoutMs: config.streamFlushTimeoutMs,
  });
}

function headLimits(config: HttpConnectionManagerConfig) {
  return {
    maxHeadBytes: config.maxRequestHeaderBytes,
    maxHeadersCount: config.maxHeadersCount,
    headersWithUnderscores: config.headersWithUnderscores,
  };
}
