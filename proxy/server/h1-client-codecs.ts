// Joins the pools, which know no protocol, with the HTTP/1.1 client codec.
import type { ByteSink, ClientCodec, ClientCodecHandler } from '../http/codec.ts';
import { H1ClientCodec } from '../http/h1/client-codec.ts';
import type { H1ClientOptions } from '../http/h1/options.ts';
import type { UpstreamHttpConfig } from '../model/cluster.ts';
import type { ClientCodecFactory } from '../upstream/upstream-context.ts';

/** Makes HTTP/1.1 codecs; the options of a cluster are derived once. */
export class H1ClientCodecs implements ClientCodecFactory {
  readonly #options = new WeakMap<UpstreamHttpConfig, H1ClientOptions>();

  create(sink: ByteSink, handler: ClientCodecHandler, http: UpstreamHttpConfig): ClientCodec {
    let options = this.#options.get(http);
    if (options === undefined) {
      options = clientOptions(http);
      this.#options.set(http, options);
    }
    return new H1ClientCodec(options, sink, handler);
  }
}

function clientOptions(http: UpstreamHttpConfig): H1ClientOptions {
  const { enableTrailers, allowChunkedLength, headerKeyFormat } = http.http1;
  const { maxResponseHeaderBytes: maxHeadBytes, maxHeadersCount } = http;
  return { maxHeadBytes, maxHeadersCount, enableTrailers, allowChunkedLength, headerKeyFormat };
}
