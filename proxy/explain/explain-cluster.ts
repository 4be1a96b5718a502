// A cluster with its hosts as a request meets it: policy, limits, and what share of the requests each
// host gets by the data path's own arithmetic of priorities.
import type { ClusterConfig } from '../model/cluster.ts';
import type { Host } from '../upstream/host.ts';
import { type HostHealth, healthOf } from '../upstream/host-health.ts';
import type { HostSet } from '../upstream/host-set.ts';
import { priorityLoad } from '../upstream/lb/priority-load.ts';
import type { WorkerCluster } from '../upstream/worker-cluster.ts';
import type { Explained, ExplainedConfiguration, Origin, ResourceOrigin } from './configuration.ts';
import { valueAt } from './configuration.ts';
import { durationText } from './duration-text.ts';
import type { ExplainedCluster, ExplainedHost, Setting } from './explanation.ts';
import { fieldOf, flowText, isList, type Json, membersText } from './flow-text.ts';
import { upstreamTransportText } from './transport-text.ts';

/** What is known of a host now, beyond the configuration. */
export interface LiveHost {
  readonly address: string;
  /** Reasons of HEALTH_FLAG. */
  readonly healthFlags: number;
}

/** Live hosts of a cluster; null: nobody knows more than the configuration says. */
export type LiveHosts = (cluster: string) => readonly LiveHost[] | null;

/** What there is to know of clusters. */
export interface ClusterFacts {
  readonly configuration: ExplainedConfiguration;
  readonly live: LiveHosts;
  /** Where its endpoints came from; null: they stand in its configuration. */
  readonly endpointsFrom: ResourceOrigin | null;
}

/** Fields of config.cluster.v3.Cluster that are shown as their author wrote them. */
const SHOWN_FIELDS = [
  'outlier_detection',
  'health_checks',
  'common_lb_config',
  'lb_subset_config',
  'ring_hash_lb_config',
  'maglev_lb_config',
  'least_request_lb_config',
  'round_robin_lb_config',
  'load_balancing_policy',
  'upstream_bind_config',
  'cleanup_interval',
];
/** Win over the routes'. */
const POLICIES = ['retry_policy', 'hash_policy', 'request_mirror_policies'];
const DISCOVERY: Readonly<Record<ClusterConfig['discovery'], string>> = {
  static: 'STATIC',
  'strict-dns': 'STRICT_DNS',
  'logical-dns': 'LOGICAL_DNS',
  'original-dst': 'ORIGINAL_DST',
  aggregate: 'AGGREGATE',
  'forward-proxy': 'DYNAMIC_FORWARD_PROXY',
  eds: 'EDS',
};
/** Policies that give each host its weight's share. */
const FAIR_POLICIES: ReadonlySet<string> = new Set(['round-robin', 'random', 'least-request']);

/** `cluster` is the data path's, with its hosts. */
export function explainCluster(
  explained: Explained<ClusterConfig>,
  cluster: WorkerCluster,
  facts: ClusterFacts,
): ExplainedCluster {
  const { configuration } = facts;
  return {
    name: explained.config.name,
    origin: configuration.origin(explained.path),
    settings: clusterSettings(explained, configuration),
    hosts: explainHosts(explained, cluster.hostSet, facts),
  };
}

function clusterSettings(
  { config, path, json }: Explained<ClusterConfig>,
  configuration: ExplainedConfiguration,
): readonly Setting[] {
  const written = json();
  const origin = (field: string): Origin | null =>
    valueAt(written, field) === undefined ? null : configuration.origin(`${path}.${field}`);
  const { maxConnections, maxPendingRequests, maxRequests } = config.limits;
  const limits = `${maxConnections} connections, ${maxPendingRequests} pending, ${maxRequests} requests`;
  const policy = config.loadBalancer.kind.replaceAll('-', '_').toUpperCase();
  const own = (name: string, value: string, from: Origin | null): Setting => ({
    ...{ name, value, config: null, origin: from },
  });
  return [
    own('discovery', DISCOVERY[config.discovery], origin('type')),
    own('load balancing', policy, origin('lb_policy')),
    own('protocol', protocolText(config), protocolOrigin(origin)),
    own('connect timeout', durationText(config.connectTimeoutMs), origin('connect_timeout')),
    own('circuit breakers', limits, origin('circuit_breakers')),
    ...transportSettings(config, origin),
    ...SHOWN_FIELDS.flatMap((name) => {
      const value = fieldOf(written, name);
      const at = origin(name);
      if (value === undefined || at === null) return [];
      return [{ name, value: membersText(value), config: value, origin: at }];
    }),
    ...policySettings(written, origin),
  ];
}

/** Told in words only: as they are written they may hold keys. */
function transportSettings(
  { transport, transportMatches }: ClusterConfig,
  origin: (field: string) => Origin | null,
): readonly Setting[] {
  const matches = transportMatches.map(({ name, match, transport: carried }, index) => ({
    name: `transport ${name}`,
    value: `for endpoints with ${membersText(match as Json) || 'anything'}: ${upstreamTransportText(carried)}`,
    config: null,
    origin: origin(`transport_socket_matches[${index}]`),
  }));
  if (transport.kind === 'raw' && matches.length === 0) return [];
  const value = upstreamTransportText(transport);
  const own = { name: 'transport', value, config: null, origin: origin('transport_socket') };
  return [...matches, own];
}

const PROTOCOL_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** What the cluster says in the place of routes. */
function policySettings(
  written: Json | undefined,
  origin: (field: string) => Origin | null,
): readonly Setting[] {
  const key = `typed_extension_protocol_options["${PROTOCOL_OPTIONS}"]`;
  const options = fieldOf(fieldOf(written, 'typed_extension_protocol_options'), PROTOCOL_OPTIONS);
  return POLICIES.flatMap((name) => {
    const value = fieldOf(options, name);
    if (value === undefined) return [];
    return [{ name, value: flowText(value), config: value, origin: origin(`${key}.${name}`) }];
  });
}

function protocolOrigin(origin: (field: string) => Origin | null): Origin | null {
  return (
    origin(`typed_extension_protocol_options["${PROTOCOL_OPTIONS}"]`) ??
    origin('http2_protocol_options')
  );
}

function protocolText({ http }: ClusterConfig): string {
  if (http.protocol === 'downstream') return "the client's";
  if (http.protocol === 'auto') return 'by ALPN: HTTP/2 or HTTP/1.1';
  return http.protocol === 'http2' ? 'HTTP/2' : 'HTTP/1.1';
}

function explainHosts(
  explained: Explained<ClusterConfig>,
  hostSet: HostSet,
  { configuration, live, endpointsFrom }: ClusterFacts,
): readonly ExplainedHost[] {
  const assigned =
    endpointsFrom === null
      ? null
      : { path: '', resource: endpointsFrom, file: null, line: 0, column: 0 };
  const shares = hostShares(explained.config, hostSet);
  const paths = endpointPaths(explained.json());
  const known = live(explained.config.name);
  const healthNow = (host: Host): HostHealth =>
    healthOf(
      known?.find(({ address }) => address === host.address.text)?.healthFlags ?? host.healthFlags,
    );
  // Shares are those of the health that the configuration tells.
  const isAsConfigured = hostSet.hosts.every(
    (host) => healthNow(host) === healthOf(host.healthFlags),
  );
  return hostSet.hosts.map((host) => {
    const { endpoint } = host;
    const path = paths[indexOf(explained.config, host)];
    return {
      address: host.address.text,
      hostname: host.hostname === endpoint.address ? '' : host.hostname,
      priority: endpoint.priority,
      weight: endpoint.weight,
      health: healthNow(host),
      locality: Object.values(endpoint.locality)
        .filter((part) => part !== '')
        .join('/'),
      share: isAsConfigured ? (shares?.get(host) ?? null) : null,
      origin:
        path === undefined
          ? assigned
          : configuration.origin(`${explained.path}.load_assignment.${path}`),
    };
  });
}

/** Of hosts that were found by a name, the name's endpoint. */
function indexOf({ endpoints }: ClusterConfig, { endpoint }: Host): number {
  const own = endpoints.indexOf(endpoint);
  if (own >= 0) return own;
  return endpoints.findIndex(
    ({ address, port, priority }) =>
      address === endpoint.address && port === endpoint.port && priority === endpoint.priority,
  );
}

/** Paths below load_assignment, in the order of ClusterConfig.endpoints. */
export function endpointPaths(json: Json): readonly string[] {
  const localities = listAt(json, 'load_assignment.endpoints');
  return localities.flatMap((locality, index) =>
    listAt(locality, 'lb_endpoints').map((_, at) => `endpoints[${index}].lb_endpoints[${at}]`),
  );
}

function listAt(json: Json, path: string): readonly Json[] {
  const list = valueAt(json, path);
  return list !== undefined && list !== null && typeof list === 'object' && isList(list)
    ? list
    : [];
}

/** Percent by host; null: the policy looks at the request. */
function hostShares(config: ClusterConfig, hostSet: HostSet): ReadonlyMap<Host, number> | null {
  if (!FAIR_POLICIES.has(config.loadBalancer.kind) || config.originalDst !== null) return null;
  const { priorities } = hostSet;
  const load = priorityLoad(
    priorities.map(({ all, healthy, degraded }) => ({
      ...{ total: all.length, healthy: healthy.length, degraded: degraded.length },
    })),
    config.priorities,
  );
  const shares = new Map<Host, number>(hostSet.hosts.map((host) => [host, 0]));
  for (const [index, priority] of priorities.entries()) {
    for (const kind of ['healthy', 'degraded'] as const) {
      const hosts = load.panics[index] === true ? priority.all : priority[kind];
      const weights = hosts.reduce((sum, { endpoint }) => sum + endpoint.weight, 0);
      for (const host of hosts) {
        const share = ((load[kind][index] ?? 0) * host.endpoint.weight) / weights;
        shares.set(host, (shares.get(host) ?? 0) + share);
      }
    }
  }
  return shares;
}
