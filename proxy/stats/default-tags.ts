// Envoy's default tags: which part of a dotted name becomes a label. The order of the table is the
// order of the labels, as seen in Envoy's Prometheus output.

/** How a default tag is found. */
export type DefaultTag =
  | {
      readonly name: string;
      /** Dotted tokens: `$` the value, `*` any one token, `**` one or more at the end. */
      readonly tokens: string;
    }
  | {
      readonly name: string;
      /** First token of the names it applies to; null: all, and its label comes first. */
      readonly firstToken: string | null;
      /** Group 1 is cut from the name, group 2 is the value. */
      readonly regex: RegExp;
    };

const LISTENER_ADDRESS = '(?:[_.\\d]+|\\[[_\\dA-Fa-f]+\\]_\\d+|[^.]+)';

/** Of `<owner>.<name, with dots or not>.ssl.<group>.<value>`. */
function ofTls(owner: 'listener' | 'cluster', name: string, group: string): DefaultTag {
  // Versions are the only values with a dot in them.
  const value = group === 'versions' ? 'TLSv1\\.\\d' : '[^.]+';
  const regex = new RegExp(`^${owner}\\..+?\\.ssl\\.${group}(\\.(${value}))$`);
  return { name, firstToken: owner, regex };
}

/** Of `<owner>.<name>.ssl.certificate.<value>.<metric>`; cut at the first dot of the value. */
function ofCertificate(owner: 'listener' | 'cluster'): DefaultTag {
  const regex = new RegExp(`^${owner}\\..+?\\.ssl\\.certificate\\.(([^.]+)\\.)`);
  return { name: 'envoy.tls_certificate', firstToken: owner, regex };
}

/** config.metrics.v3.StatsConfig.use_all_default_tags */
export const DEFAULT_TAGS: readonly DefaultTag[] = [
  { name: 'envoy.response_code', firstToken: null, regex: /_rq(_(\d{3}))$/ },
  { name: 'envoy.response_code_class', firstToken: null, regex: /_rq_((\d))xx$/ },
  {
    name: 'envoy.worker_id',
    firstToken: null,
    regex: new RegExp(
      `^(?:listener\\.${LISTENER_ADDRESS}|server|listener_manager|thread_local_cluster_manager)\\.worker(_(\\d+))\\.`,
    ),
  },
  // Of every prefix that a network filter may have, one that is the name of something else as well.
  { name: 'envoy.rbac_prefix', firstToken: null, regex: /^(([^.]+)\.)rbac\./ },
  // As in Envoy: a service with dots in its name is cut at the first one.
  { name: 'envoy.grpc_bridge_method', tokens: 'cluster.*.grpc.*.$.**' },
  { name: 'envoy.http_user_agent', tokens: 'http.*.user_agent.$.**' },
  { name: 'envoy.virtual_cluster', tokens: 'vhost.*.vcluster.$.**' },
  { name: 'envoy.fault_downstream_cluster', tokens: 'http.*.fault.$.**' },
  ofTls('listener', 'envoy.ssl_cipher', 'ciphers'),
  ofTls('listener', 'envoy.ssl_curve', 'curves'),
  ofTls('cluster', 'envoy.ssl_curve', 'curves'),
  ofTls('listener', 'envoy.ssl_sigalg', 'sigalgs'),
  ofTls('cluster', 'envoy.ssl_sigalg', 'sigalgs'),
  ofTls('listener', 'envoy.ssl_version', 'versions'),
  ofTls('cluster', 'envoy.ssl_version', 'versions'),
  ofCertificate('listener'),
  ofCertificate('cluster'),
  // As in Envoy, without `envoy.`
  { name: 'cipher_suite', tokens: 'cluster.*.ssl.ciphers.$' },
  { name: 'envoy.grpc_bridge_service', tokens: 'cluster.*.grpc.$.**' },
  {
    name: 'envoy.rbac_policy_name',
    firstToken: 'http',
    regex: /^http\.[^.]+\.rbac\.(?:[^.]+\.)?policy\.(([^.]+)\.)[^.]+$/,
  },
  {
    name: 'envoy.rbac_http_prefix',
    firstToken: 'http',
    regex: /^http\.[^.]+\.rbac\.(?!policy\.)(([^.]+)\.)/,
  },
  {
    name: 'envoy.rds_route_config',
    firstToken: 'http',
    regex: /^http\.[^.]+\.rds\.((.+?)\.)\w+$/,
  },
  {
    name: 'envoy.scoped_rds_config',
    firstToken: 'http',
    regex: /^http\.[^.]+\.scoped_rds\.((.+?)\.)\w+$/,
  },
  { name: 'envoy.tcp_prefix', tokens: 'tcp.$.**' },
  { name: 'envoy.udp_prefix', tokens: 'udp.$.**' },
  { name: 'envoy.clientssl_prefix', tokens: 'auth.clientssl.$.**' },
  { name: 'envoy.ratelimit_prefix', tokens: 'ratelimit.$.**' },
  { name: 'envoy.cluster_name', tokens: 'cluster.$.**' },
  {
    name: 'envoy.http_conn_manager_prefix',
    firstToken: 'listener',
    regex: /^listener\..+?\.http\.(([^.]+)\.)/,
  },
  { name: 'envoy.http_conn_manager_prefix', tokens: 'http.$.**' },
  {
    name: 'envoy.listener_address',
    firstToken: 'listener',
    // The admin listener's statistics keep its name.
    regex: new RegExp(`^listener\\.(?!admin\\.)((${LISTENER_ADDRESS})\\.)`),
  },
  { name: 'envoy.virtual_host', tokens: 'vhost.$.**' },
  { name: 'envoy.mongo_prefix', tokens: 'mongo.$.**' },
  { name: 'envoy.route', tokens: 'vhost.*.route.$.**' },
  { name: 'envoy.thrift_prefix', tokens: 'thrift.$.**' },
  { name: 'envoy.redis_prefix', tokens: 'redis.$.**' },
  { name: 'envoy.ext_authz_prefix', tokens: 'cluster.*.ext_authz.$.**' },
  { name: 'envoy.local_network_ratelimit_prefix', tokens: 'local_rate_limit.$.**' },
  { name: 'envoy.local_listener_ratelimit_prefix', tokens: 'listener_local_ratelimit.$.**' },
  { name: 'envoy.dns_filter_prefix', tokens: 'dns_filter.$.**' },
  { name: 'envoy.connection_limit_prefix', tokens: 'connection_limit.$.**' },
];
