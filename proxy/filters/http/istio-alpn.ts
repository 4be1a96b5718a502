// Tells the other end's sidecar, by ALPN, that it is a sidecar that speaks HTTP: on connections with
// TLS, the filter's list for the protocol of the connection takes the place of the cluster's.
import type { DescMessage } from '@bufbuild/protobuf';
import { FilterConfigSchema as EnvoyConfigSchema } from '../../api/gen/envoy/extensions/filters/http/alpn/v3/alpn_pb.js';
import {
  type FilterConfig,
  FilterConfigSchema,
  FilterConfig_Protocol as Protocol,
} from '../../api/gen/istio/alpn_pb.js';
import type { Protocol as HttpProtocol, RequestHead } from '../../http/message.ts';
import type { ClusterConfig } from '../../model/cluster.ts';
import { poolProtocol } from '../../upstream/pool/pool-setup.ts';
import {
  ALPN_STATE,
  ApplicationProtocols,
} from '../../upstream/transport/application-protocols.ts';
import {
  CONTINUE,
  type FilterStatus,
  type HttpFilter,
  type HttpFilterCallbacks,
  type HttpFilterDefinition,
} from '../http-filter.ts';
import { clusterOfRoute } from './route-cluster.ts';

/** The list for each protocol of upstreams; null: the cluster's own stays. */
interface AlpnConfig {
  readonly http1: ApplicationProtocols | null;
  readonly http2: ApplicationProtocols | null;
}

/** istio.alpn */
export const istioAlpnDefinition = definitionFor('istio.alpn', FilterConfigSchema);
/** The same filter in Envoy's own repository. */
export const alpnDefinition = definitionFor('envoy.filters.http.alpn', EnvoyConfigSchema);

function definitionFor(
  name: string,
  schema: DescMessage,
): HttpFilterDefinition<FilterConfig, AlpnConfig> {
  return {
    ...{ name, schema, isTerminal: false },
    support: {
      [schema.typeName]: { alpn_override: 'honoured' },
      [`${schema.typeName}.AlpnOverride`]: {
        upstream_protocol: { partly: 'HTTP10 is never used: no upstream is spoken to in HTTP/1.0' },
        alpn_override: 'honoured',
      },
    },
    compile: (message) =>
      Object.freeze({
        http1: listFor(message, Protocol.HTTP11),
        http2: listFor(message, Protocol.HTTP2),
      }),
    factory: (config) =>
      config.http1 === null && config.http2 === null
        ? null
        : { create: (callbacks) => new IstioAlpnFilter(config, callbacks) },
  };
}

/** As a map, the last entry of a protocol counts. */
function listFor({ alpnOverride }: FilterConfig, wanted: Protocol): ApplicationProtocols | null {
  const entry = alpnOverride.findLast(({ upstreamProtocol }) => upstreamProtocol === wanted);
  const list = entry?.alpnOverride ?? [];
  return list.length === 0 ? null : new ApplicationProtocols([...list]);
}

/** One per stream. */
class IstioAlpnFilter implements HttpFilter {
  readonly #config: AlpnConfig;
  readonly #callbacks: HttpFilterCallbacks;

  constructor(config: AlpnConfig, callbacks: HttpFilterCallbacks) {
    this.#config = config;
    this.#callbacks = callbacks;
  }

  onRequestHead(head: RequestHead): FilterStatus {
    const cluster = clusterOfRoute(this.#callbacks, head);
    if (cluster === null || keepsOwn(cluster.config)) return CONTINUE;
    const { info } = this.#callbacks;
    const list = this.#listFor(cluster.config, head.protocol);
    if (list === null) return CONTINUE;
    info.filterState ??= new Map();
    info.filterState.set(ALPN_STATE, list);
    return CONTINUE;
  }

  #listFor({ http }: ClusterConfig, downstream: HttpProtocol): ApplicationProtocols | null {
    // Where ALPN itself chooses the protocol, HTTP/2 is the first that is offered.
    return poolProtocol(http.protocol, downstream) === 'http1'
      ? this.#config.http1
      : this.#config.http2;
  }
}

/** What TLS to the cluster offers was chosen with care (DestinationRule tls of SIMPLE or MUTUAL). */
function keepsOwn({ metadata }: ClusterConfig): boolean {
  const { istio } = metadata;
  return typeof istio === 'object' && istio !== null && istio.alpn_override === 'false';
}
