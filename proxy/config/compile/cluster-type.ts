// cluster.v3.Cluster.type and cluster_type: how a cluster finds its hosts. As in Envoy an extension is
// found by the type of its configuration, or by its name where it has none.
import {
  type Cluster,
  type Cluster_CustomClusterType as CustomClusterType,
  Cluster_DiscoveryType as DiscoveryType,
} from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import {
  type ClusterConfig as AggregateMessage,
  ClusterConfigSchema as AggregateSchema,
} from '../../api/gen/envoy/extensions/clusters/aggregate/v3/cluster_pb.js';
import {
  type DnsCluster,
  DnsClusterSchema,
} from '../../api/gen/envoy/extensions/clusters/dns/v3/dns_cluster_pb.js';
import {
  type ClusterConfig as ForwardMessage,
  ClusterConfigSchema as ForwardSchema,
} from '../../api/gen/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster_pb.js';
import type { ClusterConfig } from '../../model/cluster.ts';
import type { CompileContext } from '../../model/extension.ts';
import { typeIn } from '../schema/open-any.ts';
import { unpack } from './extension-lookup.ts';
import { enumMember } from './field-values.ts';

/** What kind of cluster it is. */
export interface ClusterTypeConfig {
  /** null: a rejection says what is wrong. */
  readonly discovery: ClusterConfig['discovery'] | null;
  /** envoy.clusters.aggregate; null: the cluster is none. */
  readonly members: AggregateMessage | null;
  /** envoy.clusters.dynamic_forward_proxy; absent: the cluster is none. */
  readonly forward?: ForwardMessage;
  /** How names are resolved; null: the cluster's own fields say it. */
  readonly dns: DnsCluster | null;
}

const DISCOVERY: Readonly<Partial<Record<DiscoveryType, ClusterConfig['discovery']>>> = {
  [DiscoveryType.STATIC]: 'static',
  [DiscoveryType.STRICT_DNS]: 'strict-dns',
  [DiscoveryType.EDS]: 'eds',
  [DiscoveryType.LOGICAL_DNS]: 'logical-dns',
  [DiscoveryType.ORIGINAL_DST]: 'original-dst',
};

/** Types that are extensions as well, by their names. */
const BY_NAME: ReadonlyMap<string, DiscoveryType> = new Map([
  ['envoy.cluster.static', DiscoveryType.STATIC],
  ['envoy.cluster.strict_dns', DiscoveryType.STRICT_DNS],
  ['envoy.cluster.dns', DiscoveryType.STRICT_DNS],
  ['envoy.cluster.logical_dns', DiscoveryType.LOGICAL_DNS],
  ['envoy.cluster.original_dst', DiscoveryType.ORIGINAL_DST],
  ['envoy.cluster.eds', DiscoveryType.EDS],
]);
const NONE: ClusterTypeConfig = { discovery: null, members: null, dns: null };
const ADVICE =
  'use type, or a cluster_type with the typed_config of envoy.clusters.aggregate, envoy.clusters.dns or envoy.clusters.dynamic_forward_proxy';

/** What `type` or `cluster_type` says; what is refused goes to `context`. */
export function compileClusterType(
  { clusterDiscoveryType: choice }: Cluster,
  context: CompileContext,
): ClusterTypeConfig {
  if (choice.case === 'clusterType') return customType(choice.value, context.at('cluster_type'));
  return plainType(choice.value ?? DiscoveryType.STATIC, context, 'type');
}

function plainType(value: DiscoveryType, context: CompileContext, at: string): ClusterTypeConfig {
  const choice = { value, names: DiscoveryType, table: DISCOVERY };
  return { ...NONE, discovery: enumMember(context, at, choice) };
}

function customType(
  { name, typedConfig }: CustomClusterType,
  context: CompileContext,
): ClusterTypeConfig {
  if (typedConfig === undefined) {
    const type = BY_NAME.get(name);
    if (type !== undefined) return plainType(type, context, 'name');
    return refused(`for name: '${name}'`, context);
  }
  const typeName = typeIn(typedConfig);
  if (typeName === AggregateSchema.typeName) {
    const members = unpack(typedConfig, context, 'typed_config') as AggregateMessage | null;
    return members === null ? NONE : { discovery: 'aggregate', members, dns: null };
  }
  if (typeName === ForwardSchema.typeName) {
    const forward = unpack(typedConfig, context, 'typed_config') as ForwardMessage | null;
    return forward === null ? NONE : { ...NONE, discovery: 'forward-proxy', forward };
  }
  if (typeName !== DnsClusterSchema.typeName) return refused(`for type: '${typeName}'`, context);
  const dns = unpack(typedConfig, context, 'typed_config') as DnsCluster | null;
  if (dns === null) return NONE;
  const discovery = dns.allAddressesInSingleEndpoint ? 'logical-dns' : 'strict-dns';
  return { discovery, members: null, dns };
}

function refused(what: string, context: CompileContext): ClusterTypeConfig {
  const rule = `Didn't find a registered cluster factory implementation ${what}`;
  context.reject('', `${rule}: ${ADVICE}`);
  return NONE;
}
