// Clusters that a server has checked (HDS): made of what it says, checked like any other cluster's,
// but for its eyes only: nobody is routed to them.
import { create } from '@bufbuild/protobuf';
import {
  type Cluster,
  Cluster_DiscoveryType,
  ClusterSchema,
} from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import type { Locality } from '../../api/gen/envoy/config/core/v3/base_pb.js';
import { HealthStatus } from '../../api/gen/envoy/config/core/v3/health_check_pb.js';
import {
  type Endpoint,
  LbEndpointSchema,
  LocalityLbEndpointsSchema,
} from '../../api/gen/envoy/config/endpoint/v3/endpoint_components_pb.js';
import { ClusterLoadAssignmentSchema } from '../../api/gen/envoy/config/endpoint/v3/endpoint_pb.js';
import {
  type ClusterEndpointsHealth,
  ClusterEndpointsHealthSchema,
  type ClusterHealthCheck,
  EndpointHealthSchema,
  type HealthCheckSpecifier,
  LocalityEndpointsHealthSchema,
} from '../../api/gen/envoy/service/health/v3/hds_pb.js';
import { socketAddress } from '../../base/address.ts';
import type { ClusterConfig } from '../../model/cluster.ts';
import type { HealthChecks } from '../../upstream/health/health-checks.ts';
import { HEALTH_FLAG, healthOf } from '../../upstream/host-health.ts';
import { checkMessage } from '../check-message.ts';
import type { Compiler } from '../compiler.ts';
import { needsOfCluster } from '../needs-of.ts';

/** Envoy's for such clusters. */
const CONNECT_TIMEOUT_S = 1n;
const BUFFER_LIMIT_BYTES = 32_768;

/** What the clusters work with. */
export interface HdsClustersParts {
  /** Of its own: no other cluster is checked by it. */
  readonly checks: HealthChecks;
  /** Reasons of HEALTH_FLAG of a host. */
  readonly flagsOf: (cluster: string, address: string) => number;
  readonly compiler: () => Compiler;
}

/** See the file's head. */
export class HdsClusters {
  readonly #parts: HdsClustersParts;
  #asked: readonly ClusterHealthCheck[] = [];

  constructor(parts: HdsClustersParts) {
    this.#parts = parts;
  }

  /** Checks these and no others; '' or why nothing changes: all of it has to be right. */
  apply({ clusterHealthChecks: asked }: HealthCheckSpecifier): string {
    const made: ClusterConfig[] = [];
    for (const each of asked) {
      const config = this.#compile(each);
      if (typeof config === 'string') return `${each.clusterName}: ${config}`;
      made.push(config);
    }
    const { checks } = this.#parts;
    const names = new Set(made.map(({ name }) => name));
    for (const { clusterName } of this.#asked)
      if (!names.has(clusterName)) checks.forget(clusterName);
    for (const config of made) checks.follow(config);
    this.#asked = asked;
    return '';
  }

  /** How everything is now, in the order in which it was asked for. */
  health(): readonly ClusterEndpointsHealth[] {
    return this.#asked.map(({ clusterName, localityEndpoints }) =>
      create(ClusterEndpointsHealthSchema, {
        clusterName,
        localityEndpointsHealth: localityEndpoints
          .map(({ endpoints, locality }) => ({ locality, checked: endpoints.filter(isChecked) }))
          .filter(({ checked }) => checked.length > 0)
          .map(({ checked, locality }) => this.#localityHealth(clusterName, locality, checked)),
      }),
    );
  }

  stop(): void {
    this.#parts.checks.stop();
  }

  #localityHealth(name: string, locality: Locality | undefined, checked: readonly Endpoint[]) {
    return create(LocalityEndpointsHealthSchema, {
      locality: locality ?? {},
      endpointsHealth: checked.map((endpoint) => {
        const { address } = endpoint;
        return create(EndpointHealthSchema, {
          ...(address === undefined ? {} : { endpoint: { address } }),
          healthStatus: this.#statusOf(name, endpoint),
        });
      }),
    });
  }

  #statusOf(name: string, endpoint: Endpoint): HealthStatus {
    const flags = this.#parts.flagsOf(name, addressOf(endpoint));
    if (healthOf(flags) === 'healthy') return HealthStatus.HEALTHY;
    const hasTimedOut = (flags & HEALTH_FLAG.activeCheckTimeout) !== 0;
    return hasTimedOut ? HealthStatus.TIMEOUT : HealthStatus.UNHEALTHY;
  }

  /** A text: it cannot be checked. */
  #compile(asked: ClusterHealthCheck): ClusterConfig | string {
    const message = clusterOf(asked);
    const refusal = checkMessage(message);
    if (refusal !== '') return refusal;
    const resource = { kind: 'cluster', name: message.name, version: '', message } as const;
    const { config, rejected } = this.#parts.compiler().cluster(resource);
    if (config === null) {
      const problems = rejected?.problems ?? [];
      return problems.map(({ path, reason }) => `${path}: ${reason}`).join('; ');
    }
    if (config.healthCheck === null) return 'health_checks are required';
    const { secrets } = needsOfCluster(config);
    const missing = secrets.find(({ initial }) => initial === null);
    return missing === undefined ? config : `secret ${missing.name} does not stand in it`;
  }
}

function clusterOf(asked: ClusterHealthCheck): Cluster {
  const { clusterName, healthChecks, transportSocketMatches, upstreamBindConfig } = asked;
  const endpoints = asked.localityEndpoints.map(({ endpoints, locality }) =>
    create(LocalityLbEndpointsSchema, {
      ...(locality === undefined ? {} : { locality }),
      lbEndpoints: endpoints
        .filter(isChecked)
        .map((endpoint) =>
          create(LbEndpointSchema, { hostIdentifier: { case: 'endpoint', value: endpoint } }),
        ),
    }),
  );
  return create(ClusterSchema, {
    name: clusterName,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC },
    connectTimeout: { seconds: CONNECT_TIMEOUT_S, nanos: 0 },
    perConnectionBufferLimitBytes: BUFFER_LIMIT_BYTES,
    loadAssignment: create(ClusterLoadAssignmentSchema, { clusterName, endpoints }),
    ...{ healthChecks, transportSocketMatches },
    ...(upstreamBindConfig === undefined ? {} : { upstreamBindConfig }),
  });
}

function isChecked({ healthCheckConfig }: Endpoint): boolean {
  return healthCheckConfig?.disableActiveHealthCheck !== true;
}

/** As flags are kept by. */
function addressOf({ address }: Endpoint): string {
  const choice = address?.address;
  if (choice?.case === 'pipe') return choice.value.path;
  if (choice?.case !== 'socketAddress') return '';
  const { address: ip, portSpecifier } = choice.value;
  const port = portSpecifier.case === 'portValue' ? portSpecifier.value : 0;
  return socketAddress(ip, port).text;
}
