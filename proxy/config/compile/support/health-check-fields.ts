// Which fields of active health checks are honoured; those not listed are refused by name.
import type { SupportTable } from '../../../model/extension.ts';

/** Support of envoy.config.core.v3.HealthCheck and its parts, by type name. */
export const HEALTH_CHECK_FIELDS: Readonly<Record<string, SupportTable>> = {
  'envoy.config.core.v3.HealthCheck': {
    name: 'honoured',
    timeout: 'honoured',
    interval: 'honoured',
    initial_jitter: 'honoured',
    interval_jitter: 'honoured',
    interval_jitter_percent: 'honoured',
    unhealthy_threshold: 'honoured',
    healthy_threshold: 'honoured',
    alt_port: { accepted: 'Envoy does not use it either; set health_check_config.port_value' },
    reuse_connection: 'honoured',
    http_health_check: 'honoured',
    tcp_health_check: 'honoured',
    grpc_health_check: 'honoured',
    custom_health_check: {
      refused:
        'hosts are checked by HTTP, gRPC or plain TCP; use tcp_health_check with send and receive for other protocols',
    },
    no_traffic_interval: 'honoured',
    no_traffic_healthy_interval: 'honoured',
    unhealthy_interval: 'honoured',
    unhealthy_edge_interval: 'honoured',
    healthy_edge_interval: 'honoured',
    event_log_path: 'honoured',
    event_logger: { partly: 'envoy.health_check.event_sinks.file' },
    event_service: { accepted: 'Envoy does not send events either; use event_logger' },
    always_log_health_check_failures: 'honoured',
    always_log_health_check_success: 'honoured',
    tls_options: 'honoured',
    transport_socket_match_criteria: 'honoured',
  },
  'envoy.config.core.v3.HealthCheck.TlsOptions': { alpn_protocols: 'honoured' },
  'envoy.config.core.v3.HealthCheck.Payload': { text: 'honoured', binary: 'honoured' },
  'envoy.config.core.v3.HealthCheck.HttpHealthCheck': {
    host: 'honoured',
    path: 'honoured',
    send: 'honoured',
    receive: 'honoured',
    response_buffer_size: 'honoured',
    request_headers_to_add: 'honoured',
    request_headers_to_remove: 'honoured',
    expected_statuses: 'honoured',
    retriable_statuses: 'honoured',
    codec_client_type: { partly: 'HTTP1 and HTTP2' },
    use_alpn_protocol: {
      refused:
        'checks speak the protocol they are configured with; set codec_client_type and tls_options.alpn_protocols',
    },
    service_name_matcher: 'honoured',
    method: 'honoured',
  },
  'envoy.config.core.v3.HealthCheck.TcpHealthCheck': {
    send: 'honoured',
    receive: 'honoured',
    proxy_protocol_config: {
      refused: 'no PROXY header is sent upstream; let checks go to a port that expects none',
    },
  },
  'envoy.config.core.v3.HealthCheck.GrpcHealthCheck': {
    service_name: 'honoured',
    authority: 'honoured',
    initial_metadata: 'honoured',
  },
  'envoy.config.endpoint.v3.Endpoint.HealthCheckConfig': {
    port_value: 'honoured',
    hostname: 'honoured',
    address: 'honoured',
    disable_active_health_check: 'honoured',
  },
  'envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink': {
    event_log_path: 'honoured',
  },
};
