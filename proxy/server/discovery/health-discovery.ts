// The stream of HDS: says what can be checked, is told what to check, and tells at the server's
// interval how it all is.
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { Node } from '../../api/gen/envoy/config/core/v3/base_pb.js';
import {
  Capability_Protocol,
  HealthCheckRequestOrEndpointHealthResponseSchema,
  HealthCheckRequestSchema,
  type HealthCheckSpecifier,
  HealthCheckSpecifierSchema,
} from '../../api/gen/envoy/service/health/v3/hds_pb.js';
import type { Logger } from '../../base/log.ts';
import type { Counter, StatsScope } from '../../stats/metrics.ts';
import type { ReconnectBackOff } from '../../xds/reconnect-back-off.ts';
import type { XdsServer } from '../../xds/xds-server.ts';
import type { PrimaryService } from '../primary-services.ts';
import type { HdsClusters } from './hds-clusters.ts';
import { ServiceStream, type ServiceStreamUser } from './service-stream.ts';

const METHOD = '/envoy.service.health.v3.HealthDiscoveryService/StreamHealthCheck';
/** Envoy HealthCheckSpecifier.interval */
const DEFAULT_INTERVAL_MS = 1000;
/** A server that asks for more is not told more often. */
const MIN_INTERVAL_MS = 10;

/** What it works with. */
export interface HealthDiscoveryParts {
  /** Closed with it. */
  readonly server: XdsServer;
  readonly node: () => Node;
  readonly backOff: ReconnectBackOff;
  /** The root scope: `hds_delegate.*`. */
  readonly stats: StatsScope;
  readonly log: Logger;
  /** Stopped with it. */
  readonly clusters: HdsClusters;
}

/** One per process. */
export class HealthDiscovery implements PrimaryService, ServiceStreamUser {
  readonly #parts: HealthDiscoveryParts;
  readonly #stream: ServiceStream;
  readonly #requests: Counter;
  readonly #responses: Counter;
  readonly #errors: Counter;
  readonly #updates: Counter;
  /** The specifier in use; the same again changes nothing. */
  #lastOctets: Buffer | null = null;
  #intervalMs = 0;

  constructor(parts: HealthDiscoveryParts) {
    this.#parts = parts;
    this.#stream = new ServiceStream({ ...parts, method: METHOD, title: 'HDS' }, this);
    const scope = parts.stats.scope('hds_delegate');
    this.#requests = scope.counter('requests');
    this.#responses = scope.counter('responses');
    this.#errors = scope.counter('errors');
    this.#updates = scope.counter('updates');
  }

  async behindPrimaryClusters(): Promise<void> {
    this.#stream.start();
  }

  stop(): void {
    this.#stream.stop();
    this.#parts.clusters.stop();
  }

  onOpen(): void {
    const request = create(HealthCheckRequestSchema, {
      node: this.#parts.node(),
      capability: { healthCheckProtocols: [Capability_Protocol.HTTP, Capability_Protocol.TCP] },
    });
    this.#send({ requestType: { case: 'healthCheckRequest', value: request } });
  }

  onMessage(octets: Uint8Array): void {
    this.#requests.inc();
    if (this.#lastOctets?.equals(octets) === true) return;
    const refusal = this.#apply(octets);
    if (refusal === '') {
      this.#lastOctets = Buffer.from(octets);
      this.#updates.inc();
      return;
    }
    this.#errors.inc();
    const { log } = this.#parts;
    log.log('warning', `Unable to validate health check specifier: ${refusal}`);
  }

  onEnd(): void {
    this.#errors.inc();
    this.#intervalMs = 0;
    // What is checked is checked on: the server will ask for the same again.
    this.#lastOctets = null;
  }

  onRetry(): void {}

  #apply(octets: Uint8Array): string {
    let specifier: HealthCheckSpecifier;
    try {
      specifier = fromBinary(HealthCheckSpecifierSchema, octets);
    } catch (error) {
      return (error as Error).message;
    }
    const refusal = this.#parts.clusters.apply(specifier);
    if (refusal !== '') return refusal;
    const { interval } = specifier;
    const askedMs =
      interval === undefined
        ? DEFAULT_INTERVAL_MS
        : Number(interval.seconds) * 1000 + interval.nanos / 1e6;
    const intervalMs = Math.max(MIN_INTERVAL_MS, askedMs);
    if (intervalMs !== this.#intervalMs) {
      this.#intervalMs = intervalMs;
      this.#stream.plan(intervalMs, this.#tell);
    }
    return '';
  }

  readonly #tell = (): void => {
    const clusterEndpointsHealth = [...this.#parts.clusters.health()];
    // As Envoy: the list that came before clusters and localities did, too.
    const endpointsHealth = clusterEndpointsHealth.flatMap(({ localityEndpointsHealth }) =>
      localityEndpointsHealth.flatMap((locality) => locality.endpointsHealth),
    );
    const value = { clusterEndpointsHealth, endpointsHealth };
    this.#send({ requestType: { case: 'endpointHealthResponse', value } });
    this.#stream.plan(this.#intervalMs, this.#tell);
  };

  #send(fields: MessageInitShape<typeof HealthCheckRequestOrEndpointHealthResponseSchema>): void {
    const message = create(HealthCheckRequestOrEndpointHealthResponseSchema, fields);
    this.#stream.send(toBinary(HealthCheckRequestOrEndpointHealthResponseSchema, message));
    this.#responses.inc();
  }
}
