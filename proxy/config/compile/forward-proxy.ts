// envoy.clusters.dynamic_forward_proxy: a cluster whose hosts are what its requests name.
import type { Cluster } from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import type { ClusterConfig as Message } from '../../api/gen/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster_pb.js';
import type { ClusterConfig, UpstreamHttpConfig } from '../../model/cluster.ts';
import type { ForwardProxyConfig } from '../../model/dns-cache.ts';
import type { CompileContext } from '../../model/extension.ts';
import { compileDnsCache } from './dns-cache.ts';
import { isClusterProvided } from './load-balancer.ts';

const HTTP_PORT = 80;
const HTTPS_PORT = 443;
const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** What the rest of the cluster became. */
interface ForwardFacts {
  /** undefined: it is of another type. */
  readonly forward: Message | undefined;
  readonly http: UpstreamHttpConfig;
  readonly transport: ClusterConfig['transport'];
}

/** Nothing for clusters of another type; what is refused goes to `context`. */
export function compileForwardProxy(
  message: Cluster,
  { forward, http, transport }: ForwardFacts,
  context: CompileContext,
): { readonly forwardProxy?: ForwardProxyConfig } {
  if (forward === undefined) return {};
  if (!isClusterProvided(message)) {
    const rule = `cluster provided LB not specified but cluster '${message.name}' provided one`;
    context.reject('lb_policy', `cluster manager: ${rule}: set CLUSTER_PROVIDED`);
  }
  const names = http.requestNames;
  const isSafe = names?.setsServerName === true && names.verifiesName;
  if (!isSafe && !forward.allowInsecureClusterOptions) {
    const rule = 'dynamic_forward_proxy cluster must have auto_sni and auto_san_validation true';
    context.reject(
      optionsPath(message),
      `${rule} unless allow_insecure_cluster_options is set: set both in upstream_http_protocol_options`,
    );
  }
  const at = context.at('cluster_type.typed_config');
  const choice = forward.clusterImplementationSpecifier;
  if (choice.case !== 'dnsCacheConfig') {
    at.reject('dns_cache_config', 'is required: name the DNS cache that the filter has');
    return {};
  }
  const cache = compileDnsCache(choice.value, at.at('dns_cache_config'));
  const isSecure = transport.kind === 'tls';
  return { forwardProxy: { cache, defaultPort: isSecure ? HTTPS_PORT : HTTP_PORT } };
}

/** As Envoy: without options of their own, connections are for the name that a request gives. */
export function withForwardNames(
  message: Cluster,
  forward: Message | undefined,
  http: UpstreamHttpConfig,
): UpstreamHttpConfig {
  const isOwn = message.upstreamHttpProtocolOptions !== undefined || hasTypedOptions(message);
  if (forward === undefined || isOwn) return http;
  return { ...http, requestNames: { setsServerName: true, verifiesName: true, header: '' } };
}

function hasTypedOptions(message: Cluster): boolean {
  return message.typedExtensionProtocolOptions[HTTP_OPTIONS] !== undefined;
}

function optionsPath(message: Cluster): string {
  if (!hasTypedOptions(message)) return 'upstream_http_protocol_options';
  return `typed_extension_protocol_options["${HTTP_OPTIONS}"].upstream_http_protocol_options`;
}
