// The HTTP/1.1 codec's options as a connection manager's configuration gives them.
import type { H1ServerOptions } from '../../../http/h1/options.ts';
import type { HttpConnectionManagerConfig } from '../../../model/http-connection-manager.ts';

/** One object for every connection of a connection manager. */
export function serverCodecOptions(config: HttpConnectionManagerConfig): H1ServerOptions {
  return Object.freeze({
    ...config.http1,
    maxHeadBytes: config.maxRequestHeaderBytes,
    maxHeadersCount: config.maxHeadersCount,
    headersWithUnderscores: config.headersWithUnderscores,
  });
}
