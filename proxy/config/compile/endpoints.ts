// config.endpoint.v3.ClusterLoadAssignment: the hosts of a cluster as the author wrote them.
import type { Address } from '../../api/gen/envoy/config/core/v3/address_pb.js';
import type { Locality } from '../../api/gen/envoy/config/core/v3/base_pb.js';
import { HealthStatus } from '../../api/gen/envoy/config/core/v3/health_check_pb.js';
import type {
  Endpoint,
  LbEndpoint,
  LocalityLbEndpoints,
} from '../../api/gen/envoy/config/endpoint/v3/endpoint_components_pb.js';
import type { ClusterLoadAssignment } from '../../api/gen/envoy/config/endpoint/v3/endpoint_pb.js';
import { isInternalAddress, type SocketAddress } from '../../base/address.ts';
import { ipVersion } from '../../base/ip-address.ts';
import type { ClusterConfig, EndpointConfig, LocalityConfig } from '../../model/cluster.ts';
import type { CompileContext } from '../../model/extension.ts';
import { compileEndpointCheck } from './endpoint-check.ts';
import { compileMetadata } from './metadata.ts';
import { compileAddress, compileTarget } from './socket-address.ts';

/** Envoy endpoint.v3.LbEndpoint.load_balancing_weight. */
export const DEFAULT_ENDPOINT_WEIGHT = 1;

const HEALTH: Readonly<Record<HealthStatus, EndpointConfig['healthStatus']>> = {
  [HealthStatus.UNKNOWN]: 'healthy',
  [HealthStatus.HEALTHY]: 'healthy',
  [HealthStatus.UNHEALTHY]: 'unhealthy',
  [HealthStatus.DRAINING]: 'draining',
  [HealthStatus.TIMEOUT]: 'unhealthy',
  [HealthStatus.DEGRADED]: 'degraded',
};
const DNS_ADVICE =
  "Consider setting resolver_name or setting cluster type to 'STRICT_DNS' or 'LOGICAL_DNS'";

const NO_ADDRESSES: readonly SocketAddress[] = Object.freeze([]);

/** Compiles a load assignment's endpoints; refused ones are left out. */
export function compileEndpoints(
  assignment: ClusterLoadAssignment | undefined,
  discovery: ClusterConfig['discovery'],
  context: CompileContext,
): readonly EndpointConfig[] {
  if (discovery === 'logical-dns') checkSingle(assignment, context);
  if (assignment === undefined) return [];
  return assignment.endpoints.flatMap((group, index) =>
    compileLocality(group, discovery, context.at(`endpoints[${index}]`)),
  );
}

function checkSingle(assignment: ClusterLoadAssignment | undefined, context: CompileContext): void {
  if (assignment === undefined) {
    context.reject('', 'LOGICAL_DNS clusters must have a single host: add a load_assignment');
    return;
  }
  const [group, ...others] = assignment.endpoints;
  if (others.length === 0 && group?.lbEndpoints.length === 1) return;
  const rule =
    'LOGICAL_DNS clusters must have a single locality_lb_endpoint and a single lb_endpoint';
  context.reject('endpoints', `${rule}: use STRICT_DNS for several names`);
}

function compileLocality(
  group: LocalityLbEndpoints,
  discovery: ClusterConfig['discovery'],
  context: CompileContext,
): readonly EndpointConfig[] {
  const place: LocalityPlace = {
    locality: compileLocalityName(group.locality),
    localityWeight: group.loadBalancingWeight ?? 0,
    priority: group.priority,
    discovery,
  };
  const endpoints: EndpointConfig[] = [];
  for (const [index, message] of group.lbEndpoints.entries()) {
    const endpoint = compileEndpoint(message, place, context.at(`lb_endpoints[${index}]`));
    if (endpoint !== null) endpoints.push(endpoint);
  }
  return endpoints;
}

/** What the endpoints of a locality have in common. */
interface LocalityPlace extends Pick<EndpointConfig, 'locality' | 'localityWeight' | 'priority'> {
  readonly discovery: ClusterConfig['discovery'];
}

/** A Locality with '' for what is unset. */
export function compileLocalityName(locality: Locality | undefined): LocalityConfig {
  return {
    region: locality?.region ?? '',
    zone: locality?.zone ?? '',
    subZone: locality?.subZone ?? '',
  };
}

function compileEndpoint(
  message: LbEndpoint,
  { discovery, locality, localityWeight, priority }: LocalityPlace,
  context: CompileContext,
): EndpointConfig | null {
  const identifier = message.hostIdentifier;
  const endpoint = identifier.case === 'endpoint' ? identifier.value : undefined;
  const target = compileHostAddress(endpoint?.address, discovery, context.at('endpoint.address'));
  if (target === null) return null;
  const { address, port, endpointId } = placeOf(target);
  // Of a hundred thousand: no member is copied, and what is alike is one object.
  return {
    address,
    port,
    endpointId,
    moreAddresses: compileMore(endpoint, context.at('endpoint')),
    hostname: endpoint?.hostname ?? '',
    weight: message.loadBalancingWeight ?? DEFAULT_ENDPOINT_WEIGHT,
    healthStatus: HEALTH[message.healthStatus],
    isCanary: message.metadata?.filterMetadata['envoy.lb']?.['canary'] === true,
    metadata: compileMetadata(message.metadata),
    check: compileEndpointCheck(
      endpoint?.healthCheckConfig,
      target.port,
      context.at('endpoint.health_check_config'),
    ),
    priority,
    locality,
    localityWeight,
  };
}

function compileMore(
  endpoint: Endpoint | undefined,
  context: CompileContext,
): readonly SocketAddress[] {
  const more = endpoint?.additionalAddresses ?? [];
  if (more.length === 0) return NO_ADDRESSES;
  return more.flatMap(({ address }, index) => {
    const at = context.at(`additional_addresses[${index}].address`);
    const compiled = compileAddress(address, at);
    if (compiled === null) return [];
    if (compiled.port >= 0) return [compiled];
    at.reject('', 'additional_addresses must be IP addresses.');
    return [];
  });
}

function compileHostAddress(
  address: Address | undefined,
  discovery: ClusterConfig['discovery'],
  context: CompileContext,
): SocketAddress | null {
  const target = compileTarget(address, context);
  if (target === null || target.port < 0 || discovery !== 'static') return target;
  if (ipVersion(target.ip) !== 0) return target;
  const reason = `malformed IP address: ${target.ip}. ${DNS_ADVICE}`;
  context.reject('socket_address.address', reason);
  return null;
}

function placeOf(target: SocketAddress): Pick<EndpointConfig, 'address' | 'port' | 'endpointId'> {
  const { ip, port } = target;
  if (!isInternalAddress(target)) return { address: ip, port, endpointId: '' };
  return { address: target.listenerName, port, endpointId: target.endpointId };
}
