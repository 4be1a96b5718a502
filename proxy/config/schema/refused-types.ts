// Extensions of Envoy that are refused for a reason worth saying, by the type of their
// configuration. Types that are neither here nor in a support table get a general text.

/** Why each is refused, and what to use instead: no capital at the start, no period at the end. */
export const REFUSED_TYPES: Readonly<Record<string, string>> = {
  'envoy.extensions.formatter.cel.v3.Cel':
    'CEL expressions are not evaluated; print the parts by their own operators, such as REQ and RESP',
  'envoy.extensions.load_balancing_policies.pick_first.v3.PickFirst':
    'as in Envoy, where it is part of the mobile build only; use round_robin',
  'envoy.extensions.filters.http.grpc_http1_bridge.v3.Config':
    'gRPC answers are not rewritten for HTTP/1.1 clients; let browsers and other HTTP/1.1 clients speak gRPC-Web and use envoy.filters.http.grpc_web',
  'envoy.extensions.filters.http.grpc_http1_reverse_bridge.v3.FilterConfig':
    'gRPC requests are not rewritten for upstreams without HTTP/2; give the cluster explicit_http_config with http2_protocol_options and an upstream that speaks gRPC',
  'envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder':
    'JSON is not translated to gRPC; put a gateway that does before the service, or let clients speak gRPC or gRPC-Web',
  'envoy.extensions.filters.http.on_demand.v3.OnDemand':
    'nothing is asked for by a request; let vhds and cds tell all virtual hosts and clusters ahead',
  'envoy.extensions.filters.http.on_demand.v3.PerRouteConfig':
    'nothing is asked for by a request; let vhds and cds tell all virtual hosts and clusters ahead',
  'envoy.extensions.filters.http.json_to_metadata.v3.JsonToMetadata':
    'content is not parsed as JSON; let clients send what routes need in a field and use envoy.filters.http.header_to_metadata',
  'envoy.extensions.filters.http.cache.v3.CacheConfig':
    'nothing is cached; put a cache in front of the service',
  // UNSERVED_TRANSPORT_SOCKETS: whoever serves one takes its line away.
  'envoy.extensions.transport_sockets.starttls.v3.StartTlsConfig':
    'connections do not change to TLS midway yet; use envoy.transport_sockets.tls',
  'envoy.extensions.transport_sockets.starttls.v3.UpstreamStartTlsConfig':
    'connections do not change to TLS midway yet; use envoy.transport_sockets.tls',
  'envoy.extensions.transport_sockets.http_11_proxy.v3.Http11ProxyUpstreamTransport':
    'upstreams are not reached through a CONNECT proxy yet; use tunneling_config of envoy.filters.network.tcp_proxy',
  'envoy.extensions.transport_sockets.alts.v3.Alts':
    'ALTS is spoken inside of Google only; use envoy.transport_sockets.tls',
  'envoy.extensions.transport_sockets.quic.v3.QuicDownstreamTransport':
    'HTTP/3 is not supported; use envoy.transport_sockets.tls with HTTP/2',
  'envoy.extensions.transport_sockets.quic.v3.QuicUpstreamTransport':
    'HTTP/3 is not supported; use envoy.transport_sockets.tls with HTTP/2',
  'envoy.extensions.transport_sockets.s2a.v3.S2AConfiguration':
    'handshakes are not handed to another process; use envoy.transport_sockets.tls',
  'envoy.extensions.transport_sockets.tap.v3.Tap':
    'what connections carry is not recorded; use access logs, or a key_log with tcpdump',
  'envoy.extensions.transport_sockets.tcp_stats.v3.Config':
    'Node does not tell statistics of TCP; use ss or the exporter of the system, and the transport that it holds here',
  'envoy.extensions.filters.http.file_system_buffer.v3.FileSystemBufferFilterConfig':
    'nothing is buffered on disk; use envoy.filters.http.buffer',
};

/** Why a type is refused; null when it has no reason of its own. */
export function refusedTypeReason(typeName: string): string | null {
  return Object.hasOwn(REFUSED_TYPES, typeName) ? (REFUSED_TYPES[typeName] ?? null) : null;
}
