// What the connections of a pool speak, from the cluster's options and the client's protocol.
import type { Protocol } from '../../http/message.ts';
import type { TlsInfo } from '../../http/tls-info.ts';
import type { UpstreamHttpConfig } from '../../model/cluster.ts';
import type { ClientCodecSetup, ClusterResources, PoolSetup } from '../upstream-context.ts';

/** A protocol of pools for HTTP; `auto`: ALPN chooses on each connection. */
export type HttpPoolProtocol = 'http1' | 'http2' | 'auto';

/** Which pool serves a request that came with `downstream`. */
export function poolProtocol(
  chosen: UpstreamHttpConfig['protocol'],
  downstream: Protocol,
): HttpPoolProtocol {
  if (chosen !== 'downstream') return chosen;
  return downstream === 'HTTP/2' ? 'http2' : 'http1';
}

/** What the codecs of a new pool are made of; declares the statistics that they count in. */
export function poolSetup(protocol: PoolSetup['protocol'], resources: ClusterResources): PoolSetup {
  if (protocol !== 'auto') return codecSetup(protocol, resources);
  const [http1, http2] = [codecSetup('http1', resources), codecSetup('http2', resources)];
  return { protocol, http: resources.config.http, http1, http2 };
}

function codecSetup(
  protocol: ClientCodecSetup['protocol'],
  { config, context, stats }: ClusterResources,
): ClientCodecSetup {
  const { http } = config;
  switch (protocol) {
    case 'tunnel':
      return { protocol, http };
    case 'http1':
      stats.declareHttp1();
      return { protocol, http, random: context.random };
    case 'http2':
      return { protocol, http, services: context.codecServices, counters: stats.declareHttp2() };
  }
}

/** As Envoy: a server that chose nothing by ALPN is old, and is taken for one of HTTP/1.1. */
export function setupByAlpn(
  setup: Extract<PoolSetup, { readonly protocol: 'auto' }>,
  tls: TlsInfo | null,
): ClientCodecSetup {
  return tls?.applicationProtocol === 'h2' ? setup.http2 : setup.http1;
}

/**
 * Streams that a connection takes at most, whatever its peer says; as Envoy 1 as long as nobody
 * knows what it will speak.
 */
export function mostStreams({ protocol, http }: PoolSetup): number {
  const atOnce = protocol === 'http2' ? http.http2.maxConcurrentStreams : 1;
  const inAll = http.maxRequestsPerConnection;
  return inAll > 0 ? Math.min(atOnce, inAll) : atOnce;
}
