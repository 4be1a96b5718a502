// Extensions of Envoy that are refused for a reason worth saying, by the type of their
// configuration. Types that are neither here nor in a support table get a general text.

/** Why each is refused, and what to use instead: no capital at the start, no period at the end. */
export const REFUSED_TYPES: Readonly<Record<string, string>> = {
  'envoy.extensions.formatter.cel.v3.Cel':
    'CEL expressions are not evaluated; print the parts by their own operators, such as REQ and RESP',
  'envoy.extensions.filters.http.grpc_http1_bridge.v3.Config':
    'gRPC answers are not rewritten for HTTP/1.1 clients; let browsers and other HTTP/1.1 clients speak gRPC-Web and use envoy.filters.http.grpc_web',
  'envoy.extensions.filters.http.grpc_http1_reverse_bridge.v3.FilterConfig':
    'gRPC requests are not rewritten for upstreams without HTTP/2; give the cluster explicit_http_config with http2_protocol_options and an upstream that speaks gRPC',
  'envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder':
    'JSON is not translated to gRPC; put a gateway that does before the service, or let clients speak gRPC or gRPC-Web',
  'envoy.extensions.filters.http.on_demand.v3.OnDemand':
    'there are no discovery services to ask; write all virtual hosts and clusters into the configuration',
  'envoy.extensions.filters.http.on_demand.v3.PerRouteConfig':
    'there are no discovery services to ask; write all virtual hosts and clusters into the configuration',
  'envoy.extensions.filters.http.json_to_metadata.v3.JsonToMetadata':
    'content is not parsed as JSON; let clients send what routes need in a field and use envoy.filters.http.header_to_metadata',
  'envoy.extensions.filters.http.cache.v3.CacheConfig':
    'nothing is cached; put a cache in front of the service',
  'envoy.extensions.filters.http.file_system_buffer.v3.FileSystemBufferFilterConfig':
    'nothing is buffered on disk; use envoy.filters.http.buffer',
};

/** Why a type is refused; null when it has no reason of its own. */
export function refusedTypeReason(typeName: string): string | null {
  return Object.hasOwn(REFUSED_TYPES, typeName) ? (REFUSED_TYPES[typeName] ?? null) : null;
}
