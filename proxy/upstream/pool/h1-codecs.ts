// The HTTP/1.1 codec with what a cluster says about it.
import { H1ClientCodec } from '../../http/h1/client-codec.ts';
import type { H1ClientOptions } from '../../http/h1/options.ts';
import type { UpstreamHttpConfig } from '../../model/cluster.ts';
import type { ClientCodecFactory } from '../upstream-context.ts';

/** Makes the codecs of all upstream connections of a worker. */
export const H1_CODECS: ClientCodecFactory = {
  create: (sink, handler, http) => new H1ClientCodec(optionsOf(http), sink, handler),
};

function optionsOf(http: UpstreamHttpConfig): H1ClientOptions {
  return {
    maxHeadBytes: http.maxResponseHeaderBytes,
    maxHeadersCount: http.maxHeadersCount,
    enableTrailers: http.http1.enableTrailers,
    allowChunkedLength: http.http1.allowChunkedLength,
    headerKeyFormat: http.http1.headerKeyFormat,
  };
}
