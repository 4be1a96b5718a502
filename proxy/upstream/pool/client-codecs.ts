// The codecs of upstream connections with what a cluster says about them.
import type { Random } from '../../base/random.ts';
import { H1ClientCodec } from '../../http/h1/client-codec.ts';
import type { H1ClientOptions } from '../../http/h1/options.ts';
import { H2ClientCodec } from '../../http/h2/client-codec.ts';
import type { H2Options } from '../../http/h2/options.ts';
import { TunnelCodec } from '../../http/tunnel-codec.ts';
import type { UpstreamHttpConfig } from '../../model/cluster.ts';
import type { ClientCodecFactory } from '../upstream-context.ts';

/** Makes the codecs of all upstream connections of a worker. */
export const CLIENT_CODECS: ClientCodecFactory = {
  create: (setup, sink, handler) => {
    const { http } = setup;
    if (setup.protocol === 'http2') {
      const { services, counters } = setup;
      return new H2ClientCodec(h2Options(http), { sink, services, counters }, handler);
    }
    return setup.protocol === 'http1'
      ? new H1ClientCodec(h1Options(http, setup.random), sink, handler)
      : new TunnelCodec(sink, handler);
  },
};

function h1Options(http: UpstreamHttpConfig, random: Random): H1ClientOptions {
  return {
    maxHeadBytes: http.maxResponseHeaderBytes,
    maxHeadersCount: http.maxHeadersCount,
    enableTrailers: http.http1.enableTrailers,
    allowChunkedLength: http.http1.allowChunkedLength,
    headerKeyFormat: http.http1.headerKeyFormat,
    random,
  };
}

function h2Options(http: UpstreamHttpConfig): H2Options {
  return {
    protocol: http.http2,
    maxHeadBytes: http.maxHttp2ResponseHeaderBytes,
    maxHeadersCount: http.maxHeadersCount,
    // Of requests only: what an upstream calls its fields is its own affair.
    headersWithUnderscores: 'allow',
  };
}
