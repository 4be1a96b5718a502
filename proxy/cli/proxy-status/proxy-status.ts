// What `proxy-status` knows of a proxy: of a running one by its own account, of a saved dump as far as
// versions and refusals tell.
import { type Dump, type Result, readDump } from '../proxy-config/dump.ts';
import {
  isRecord,
  type JsonRecord,
  member,
  record,
  records,
  text,
  texts,
} from '../proxy-config/json-fields.ts';

/** One type of one source. */
export interface TypeStatus {
  /** CDS, LDS … */
  readonly type: string;
  /** ACKED, NACKED, REQUESTED (nothing came yet), RECEIVED (it warms); '' : a dump does not say. */
  readonly state: string;
  /** Accepted last. */
  readonly version: string;
  readonly nonce: string;
  /** Names that are asked for, or resources in a dump; `all` for everything. */
  readonly resources: string;
  /** The server, `(ADS delta)` and the like behind it. */
  readonly source: string;
  readonly error: string;
}

/** A proxy. */
export interface ProxyStatus {
  readonly name: string;
  readonly cluster: string;
  /** What the servers say they are. */
  readonly controlPlanes: readonly string[];
  readonly version: string;
  readonly types: readonly TypeStatus[];
}

/** The columns of istioctl, in its order. */
export const SYNC_COLUMNS = ['CDS', 'LDS', 'EDS', 'RDS', 'ECDS'] as const;

const SHORT_NAMES: ReadonlyMap<string, string> = new Map([
  ['Cluster', 'CDS'],
  ['Listener', 'LDS'],
  ['ClusterLoadAssignment', 'EDS'],
  ['RouteConfiguration', 'RDS'],
  ['TypedExtensionConfig', 'ECDS'],
  ['Secret', 'SDS'],
  ['Runtime', 'RTDS'],
  ['ScopedRouteConfiguration', 'SRDS'],
  ['VirtualHost', 'VHDS'],
]);

/** Dynamic parts of a dump: section, list, and the type that they are of. */
const DUMPED: readonly (readonly [section: string, list: string, type: string])[] = [
  ['ClustersConfigDump', 'dynamic_active_clusters', 'CDS'],
  ['ClustersConfigDump', 'dynamic_warming_clusters', 'CDS'],
  ['ListenersConfigDump', 'dynamic_listeners', 'LDS'],
  ['EndpointsConfigDump', 'dynamic_endpoint_configs', 'EDS'],
  ['RoutesConfigDump', 'dynamic_route_configs', 'RDS'],
  ['EcdsConfigDump', 'ecds_filters', 'ECDS'],
  ['SecretsConfigDump', 'dynamic_active_secrets', 'SDS'],
  ['SecretsConfigDump', 'dynamic_warming_secrets', 'SDS'],
];

/** An answer of /discovery_status, or a dump. */
export function readStatus(json: unknown): Result<ProxyStatus> {
  if (isRecord(json) && Array.isArray(json['sources'])) return { ok: true, value: ofProxy(json) };
  const dump = readDump(json);
  if (!dump.ok) return dump;
  if (dump.value.clusterStatuses !== null) {
    return { ok: false, error: 'it is an answer of /clusters, which says nothing of servers' };
  }
  return { ok: true, value: ofDump(dump.value) };
}

/** As istioctl calls it: of all sources of a type, the worst. */
export function syncText({ types }: ProxyStatus, column: string): string {
  const states = types.filter(({ type }) => type === column).map(({ state }) => state);
  if (states.length === 0) return 'IGNORED';
  if (states.includes('NACKED')) return 'ERROR';
  if (states.includes('RECEIVED')) return 'STALE';
  return states.includes('REQUESTED') ? 'NOT SENT' : 'SYNCED';
}

function ofProxy(json: JsonRecord): ProxyStatus {
  const sources = records(json, 'sources');
  const controlPlanes = sources.map((source) => text(source, 'control_plane'));
  return {
    ...identity(record(json, 'node')),
    version: istioVersion(record(json, 'node')) || plainVersion(text(json, 'version')),
    controlPlanes: [...new Set(controlPlanes.filter((name) => name !== ''))],
    types: sources.flatMap((source) => records(source, 'types').map((one) => ofType(source, one))),
  };
}

function ofType(source: JsonRecord, one: JsonRecord): TypeStatus {
  const names = texts(one, 'resource_names').length;
  const variant = text(source, 'variant');
  const how = member(source, 'aggregated') === true ? `ADS ${variant}` : variant;
  const isUp = member(source, 'connected') === true;
  return {
    type: shortName(text(one, 'type_url')),
    state: text(one, 'state'),
    version: text(one, 'version'),
    nonce: text(one, 'nonce'),
    resources: member(one, 'wildcard') === true ? 'all' : String(names),
    source: `${text(source, 'server')} (${how}${isUp ? '' : ', not connected'})`,
    error: text(one, 'error'),
  };
}

function ofDump(dump: Dump): ProxyStatus {
  const bootstrap = record(dump.sections.get('BootstrapConfigDump') ?? {}, 'bootstrap');
  const node = record(bootstrap, 'node');
  return {
    ...identity(node),
    version: istioVersion(node) || userAgent(node),
    controlPlanes: [],
    types: [...new Set(DUMPED.map(([, , type]) => type))].flatMap((type) => dumpedType(dump, type)),
  };
}

/** Nothing where the dump has nothing of it. */
function dumpedType(dump: Dump, type: string): readonly TypeStatus[] {
  const elements = DUMPED.filter((row) => row[2] === type).flatMap(([section, list]) =>
    records(dump.sections.get(section) ?? {}, list),
  );
  const section = DUMPED.find((row) => row[2] === type)?.[0] ?? '';
  const whole = text(dump.sections.get(section) ?? {}, 'version_info');
  if (elements.length === 0 && whole === '') return [];
  const errors = elements.map((element) => text(record(element, 'error_state'), 'details'));
  const error = errors.find((details) => details !== '') ?? '';
  const versions = new Set(elements.map(versionOf).filter((version) => version !== ''));
  const [only = ''] = versions.size === 1 ? versions : [];
  return [
    {
      ...{ type, state: error === '' ? 'ACKED' : 'NACKED', version: whole || only },
      ...{ nonce: '', resources: String(elements.length), source: '', error },
    },
  ];
}

/** A listener's stands in its state. */
function versionOf(element: JsonRecord): string {
  return text(element, 'version_info') || text(record(element, 'active_state'), 'version_info');
}

function identity(node: JsonRecord): Pick<ProxyStatus, 'name' | 'cluster'> {
  const cluster = text(record(node, 'metadata'), 'CLUSTER_ID') || text(node, 'cluster');
  return { name: text(node, 'id'), cluster };
}

function istioVersion(node: JsonRecord): string {
  return text(record(node, 'metadata'), 'ISTIO_VERSION');
}

/** `commit/version/…`, as /server_info has it. */
function plainVersion(version: string): string {
  return version.split('/')[1] ?? version;
}

function userAgent(node: JsonRecord): string {
  const version = record(node, 'user_agent_build_version', 'version');
  const parts = ['major_number', 'minor_number', 'patch'].map((name) => text(version, name) || '0');
  return Object.keys(version).length === 0 ? '' : parts.join('.');
}

function shortName(typeUrl: string): string {
  const name = typeUrl.slice(typeUrl.lastIndexOf('.') + 1);
  return SHORT_NAMES.get(name) ?? name;
}
