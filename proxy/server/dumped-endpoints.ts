// What `/config_dump?include_eds` shows of clusters' hosts: as Envoy, not what was told of them but
// what is in use, in the form of an assignment for each cluster that serves.
import { create, fromJson, type JsonValue } from '@bufbuild/protobuf';
import { addressJson } from '../admin/address-json.ts';
import type { DumpedResource } from '../admin/backend.ts';
import type { ClusterStatus, HostStatus } from '../admin/status.ts';
import type { Cluster } from '../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { type Address, AddressSchema } from '../api/gen/envoy/config/core/v3/address_pb.js';
import { LocalitySchema, MetadataSchema } from '../api/gen/envoy/config/core/v3/base_pb.js';
import { HealthStatus } from '../api/gen/envoy/config/core/v3/health_check_pb.js';
import {
  type Endpoint,
  Endpoint_AdditionalAddressSchema,
  type Endpoint_HealthCheckConfig,
  Endpoint_HealthCheckConfigSchema,
  EndpointSchema,
  type LbEndpoint,
  LbEndpointSchema,
  type LocalityLbEndpoints,
  LocalityLbEndpointsSchema,
} from '../api/gen/envoy/config/endpoint/v3/endpoint_components_pb.js';
import {
  type ClusterLoadAssignment,
  ClusterLoadAssignment_Policy_DropOverloadSchema,
  ClusterLoadAssignment_PolicySchema,
  ClusterLoadAssignmentSchema,
} from '../api/gen/envoy/config/endpoint/v3/endpoint_pb.js';
import {
  FractionalPercent_DenominatorType,
  FractionalPercentSchema,
} from '../api/gen/envoy/type/v3/percent_pb.js';
import { socketAddress } from '../base/address.ts';
import { compileLocalityName } from '../config/compile/endpoints.ts';
import type { ClusterConfig, DropOverloadConfig, LocalityConfig } from '../model/cluster.ts';
import { type HostHealth, healthOf } from '../upstream/host-health.ts';
import { endpointAddress } from '../upstream/host-update.ts';
import type { ResolvedEndpoint } from '../upstream/resolved-endpoint.ts';
import { type Assignment, assignmentMessage } from './discovery/read-assignment.ts';
import type { Primary } from './primary.ts';

/** As `policy.drop_overloads` is printed. */
const MILLION = 1_000_000;
const STATUS: Readonly<Record<HostHealth, HealthStatus>> = {
  healthy: HealthStatus.HEALTHY,
  degraded: HealthStatus.DEGRADED,
  unhealthy: HealthStatus.UNHEALTHY,
};

/** An assignment for each of the clusters that workers have. */
export function dumpedEndpoints(
  primary: Primary,
  clusters: readonly ClusterStatus[],
): readonly DumpedResource[] {
  const { configuration, discovery } = primary;
  const resolved = discovery.endpoints();
  const told = new Map(discovery.eds.inUse().map((each) => [each.cluster, each]));
  const nearby = compileLocalityName(discovery.servers.node().locality);
  return clusters.flatMap((status): readonly DumpedResource[] => {
    const { name } = status;
    const config = configuration.cluster(name);
    const stored = configuration.store.get('cluster', name);
    if (config === null || stored === null) return [];
    const { acceptedMs = null, assignment = null } = told.get(name) ?? {};
    const message = new HostsInUse({
      ...{ config, assignment, nearby, cluster: stored.resource.message as Cluster },
      found: resolved.get(name) ?? [],
    }).message(status.hosts);
    return [
      {
        ...{ name: message.clusterName, message, error: null },
        ...{ state: status.addedViaApi ? 'active' : 'static', version: assignment?.version ?? '' },
        lastUpdatedMs: acceptedMs,
      },
    ];
  });
}

/** What is known of a cluster beside the state of its hosts. */
interface ClusterFacts {
  readonly config: ClusterConfig;
  readonly cluster: Cluster;
  /** null: it is no EDS cluster, or was told nothing. */
  readonly assignment: Assignment | null;
  /** By DNS or EDS. */
  readonly found: readonly ResolvedEndpoint[];
  /** Where this proxy is. */
  readonly nearby: LocalityConfig;
}

/** An endpoint as its author wrote it, and what its address is now. */
interface WrittenEndpoint {
  readonly message: LbEndpoint;
  readonly moreAddresses: readonly string[];
}

/** Joins what was written of hosts with what is true of them. */
class HostsInUse {
  readonly #facts: ClusterFacts;
  /** By priority and address, which a static cluster may have several times. */
  readonly #written = new Map<string, WrittenEndpoint[]>();
  /** By priority and locality. */
  readonly #weights = new Map<string, number>();

  constructor(facts: ClusterFacts) {
    this.#facts = facts;
    const { assignment, cluster } = facts;
    const message = assignment === null ? cluster.loadAssignment : assignmentMessage(assignment);
    const { endpoints = [] } = (message ?? {}) as Partial<ClusterLoadAssignment>;
    for (const group of endpoints) {
      // As Envoy: the weight of a locality without a name counts for nothing.
      if (group.locality === undefined) continue;
      const key = `${group.priority} ${localityKey(compileLocalityName(group.locality))}`;
      this.#weights.set(key, group.loadBalancingWeight ?? 0);
    }
    this.#place(endpoints);
  }

  message(hosts: readonly HostStatus[]): ClusterLoadAssignment {
    const { assignment, config } = this.#facts;
    const { dropOverload, overprovisioningPercent } = assignment?.config.policy ?? {
      dropOverload: config.dropOverload ?? null,
      overprovisioningPercent: config.priorities.overprovisioningPercent,
    };
    return create(ClusterLoadAssignmentSchema, {
      clusterName: config.eds?.serviceName ?? config.name,
      endpoints: [...this.#groups(hosts)],
      policy: create(ClusterLoadAssignment_PolicySchema, {
        dropOverloads: dropOverload === null ? [] : [dropped(dropOverload)],
        overprovisioningFactor: overprovisioningPercent,
      }),
    });
  }

  /** Under the addresses that hosts have: compiled endpoints stand in the order of the messages. */
  #place(groups: readonly LocalityLbEndpoints[]): void {
    const { assignment, config, found } = this.#facts;
    const flat = groups.flatMap(({ lbEndpoints }) => lbEndpoints);
    const compiled = assignment?.config.endpoints ?? config.endpoints;
    const isLooked = config.discovery !== 'static';
    const places: readonly ResolvedEndpoint[] = isLooked
      ? found
      : compiled.map(({ address: ip, port }, endpointIndex) => ({ ip, port, endpointIndex }));
    for (const place of places) {
      const message = flat[place.endpointIndex];
      const endpoint = compiled[place.endpointIndex];
      if (message === undefined || endpoint === undefined) continue;
      const key = `${endpoint.priority} ${endpointAddress(place, endpoint).text}`;
      const moreAddresses =
        place.moreIps?.map((ip) => socketAddress(ip, place.port).text) ??
        endpoint.moreAddresses.map(({ text }) => text);
      const twins = this.#written.get(key);
      if (twins === undefined) this.#written.set(key, [{ message, moreAddresses }]);
      else twins.push({ message, moreAddresses });
    }
  }

  #groups(hosts: readonly HostStatus[]): readonly LocalityLbEndpoints[] {
    const groups = new Map<string, HostStatus[]>();
    for (const host of hosts) {
      // Hosts without a place of their own stand alone.
      const place = this.#hasPlaces() ? localityKey(host.locality) : host.address;
      const key = `${host.priority} ${place}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [host]);
      else group.push(host);
    }
    return [...groups.values()]
      .flatMap((group) => this.#group(group))
      .sort((left, right) => this.#compare(left, right));
  }

  #hasPlaces(): boolean {
    return this.#facts.config.discovery !== 'original-dst';
  }

  #group(hosts: readonly HostStatus[]): readonly LocalityLbEndpoints[] {
    const [first] = hosts;
    if (first === undefined) return [];
    const { priority, locality } = first;
    const key = `${priority} ${localityKey(locality)}`;
    return [
      create(LocalityLbEndpointsSchema, {
        ...{ priority, locality: create(LocalitySchema, locality) },
        ...(this.#hasPlaces() ? { loadBalancingWeight: this.#weights.get(key) ?? 0 } : {}),
        lbEndpoints: hosts.map((host) => this.#endpoint(host)),
      }),
    ];
  }

  /** By priority; the own locality first, the others in the order of their names. */
  #compare(left: LocalityLbEndpoints, right: LocalityLbEndpoints): number {
    if (left.priority !== right.priority) return left.priority - right.priority;
    const [own, first, second] = [
      localityKey(this.#facts.nearby),
      localityKey(compileLocalityName(left.locality)),
      localityKey(compileLocalityName(right.locality)),
    ];
    if (first === second) return 0;
    if (first === own || second === own) return first === own ? -1 : 1;
    return first < second ? -1 : 1;
  }

  #endpoint(host: HostStatus): LbEndpoint {
    const written = this.#written.get(`${host.priority} ${host.address}`)?.shift();
    const endpoint =
      written?.message.hostIdentifier.case === 'endpoint'
        ? written.message.hostIdentifier.value
        : undefined;
    const metadata = written?.message.metadata ?? this.#emptyMetadata();
    const value = create(EndpointSchema, {
      ...{ hostname: host.hostname, address: addressMessage(host.address) },
      healthCheckConfig: checkOf(endpoint),
      additionalAddresses: (written?.moreAddresses ?? []).map((text) =>
        create(Endpoint_AdditionalAddressSchema, { address: addressMessage(text) }),
      ),
    });
    return create(LbEndpointSchema, {
      hostIdentifier: { case: 'endpoint', value },
      healthStatus: STATUS[healthOf(host.healthFlags)],
      loadBalancingWeight: host.weight,
      ...(metadata === undefined ? {} : { metadata }),
    });
  }

  /** Envoy's hosts of a name have one, be it empty. */
  #emptyMetadata() {
    const { discovery } = this.#facts.config;
    const isName = discovery === 'strict-dns' || discovery === 'logical-dns';
    return isName ? create(MetadataSchema) : undefined;
  }
}

/** Where health checks go; of an address of its own only the port is told. */
function checkOf(endpoint: Endpoint | undefined): Endpoint_HealthCheckConfig {
  const { address, hostname = '', portValue = 0 } = endpoint?.healthCheckConfig ?? {};
  const own = address?.address.case === 'socketAddress' ? address.address.value : null;
  const ownPort = own?.portSpecifier.case === 'portValue' ? own.portSpecifier.value : null;
  return create(Endpoint_HealthCheckConfigSchema, { hostname, portValue: ownPort ?? portValue });
}

function dropped({ category, numerator, denominator }: DropOverloadConfig) {
  return create(ClusterLoadAssignment_Policy_DropOverloadSchema, {
    category,
    dropPercentage: create(FractionalPercentSchema, {
      numerator: Math.round((numerator / denominator) * MILLION),
      denominator: FractionalPercent_DenominatorType.MILLION,
    }),
  });
}

function addressMessage(text: string): Address {
  return fromJson(AddressSchema, addressJson(text) as unknown as JsonValue);
}

/** Sorts like its parts: no name holds U+0000. */
function localityKey({ region, zone, subZone }: LocalityConfig): string {
  return `${region}\u0000${zone}\u0000${subZone}`;
}
