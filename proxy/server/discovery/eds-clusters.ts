// EDS: the endpoints of clusters as servers and files tell them. Each cluster has a subscription of
// its own, so that a change of one costs nothing for the others.
import type { ClusterConfig, EdsConfig, EndpointPolicy } from '../../model/cluster.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import { RareCounters, rareShape } from '../../stats/rare-counters.ts';
import type { ResolvedEndpoint } from '../../upstream/resolved-endpoint.ts';
import type {
  DiscoveryFailure,
  DiscoverySink,
  DiscoverySource,
  DiscoverySubscription,
  DiscoveryUpdate,
} from '../../xds/discovery.ts';
import { TYPE_URLS } from '../../xds/resource-types.ts';
import type { ClusterDiscovery, EndpointsSink } from '../cluster-discovery.ts';
import {
  type Assignment,
  hasSameEndpoints,
  isSameAssignment,
  readAssignment,
} from './read-assignment.ts';

/** What EDS clusters are given by the primary. */
export interface EdsClustersParts {
  readonly sourceOf: (config: EdsConfig['source']) => DiscoverySource;
  /** The root scope. */
  readonly stats: StatsScope;
  readonly sink: EndpointsSink;
  /** Comes before the endpoints that it is about. */
  readonly onPolicy: (cluster: string, policy: EndpointPolicy) => void;
  readonly wallMs: () => number;
}

/** An assignment in use, for `/config_dump`. */
export interface EndpointsInUse {
  readonly cluster: string;
  readonly assignment: Assignment;
  readonly acceptedMs: number;
}

/** See the file's head. */
export class EdsClusters implements ClusterDiscovery {
  readonly #parts: EdsClustersParts;
  /** `cluster.`, which all of them count below. */
  readonly #scope: StatsScope;
  readonly #clusters = new Map<string, EdsCluster>();
  readonly #unresolved = new Set<string>();
  #whenSettled: (() => void)[] = [];

  constructor(parts: EdsClustersParts) {
    this.#parts = parts;
    this.#scope = parts.stats.scope('cluster');
  }

  endpoints(): ReadonlyMap<string, readonly ResolvedEndpoint[]> {
    const found = new Map<string, readonly ResolvedEndpoint[]>();
    for (const [name, cluster] of this.#clusters) {
      if (cluster.isResolved) found.set(name, cluster.endpoints());
    }
    return found;
  }

  /** What is said about endpoints as a whole, by cluster. */
  policies(): ReadonlyMap<string, EndpointPolicy> {
    const found = new Map<string, EndpointPolicy>();
    for (const [name, { assignment }] of this.#clusters) {
      if (assignment !== null) found.set(name, assignment.config.policy);
    }
    return found;
  }

  /** Every assignment in use. */
  inUse(): readonly EndpointsInUse[] {
    return [...this.#clusters].flatMap(([cluster, { assignment, acceptedMs }]) =>
      assignment === null ? [] : [{ cluster, assignment, acceptedMs }],
    );
  }

  unresolved(): readonly string[] {
    return [...this.#unresolved];
  }

  follow(config: ClusterConfig): void {
    const { name, eds } = config;
    const known = this.#clusters.get(name);
    if (eds === undefined) {
      this.forget(name);
      return;
    }
    if (known !== undefined && isSameService(known.eds, eds)) {
      // Its replacement waits for endpoints, which are known.
      if (known.config !== config) known.adopt(config);
      return;
    }
    const scope = this.#scope.scope(config.observabilityName);
    this.#unresolved.add(name);
    const shared = this.#parts;
    this.#clusters.set(name, new EdsCluster(config, eds, { shared, scope, owner: this }));
    // Behind it: what both count goes on.
    known?.close();
    this.#tellIfSettled();
  }

  forget(name: string): void {
    const cluster = this.#clusters.get(name);
    if (cluster === undefined) return;
    this.#clusters.delete(name);
    this.#unresolved.delete(name);
    cluster.close();
    this.#tellIfSettled();
  }

  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenSettled.push(resolve);
      this.#tellIfSettled();
    });
  }

  stop(): void {
    for (const cluster of this.#clusters.values()) cluster.close();
    this.#clusters.clear();
    this.#unresolved.clear();
    this.#tellIfSettled();
  }

  /** A cluster's first answer came, or will not. */
  onResolved(name: string): void {
    this.#unresolved.delete(name);
    this.#tellIfSettled();
  }

  #tellIfSettled(): void {
    if (this.#whenSettled.length === 0 || this.#unresolved.size > 0) return;
    const told = this.#whenSettled;
    this.#whenSettled = [];
    for (const tell of told) tell();
  }
}

interface EdsClusterPlace {
  readonly shared: EdsClustersParts;
  readonly scope: StatsScope;
  readonly owner: EdsClusters;
}

const RARE = rareShape(
  'update_empty',
  'update_no_rebuild',
  'assignment_stale',
  'assignment_timeout_received',
);

class EdsCluster implements DiscoverySink {
  config: ClusterConfig;
  readonly eds: EdsConfig;
  /** null: none came yet, or it became stale. */
  assignment: Assignment | null = null;
  /** Wall-clock ms at which it came. */
  acceptedMs = 0;
  isResolved = false;
  readonly #place: EdsClusterPlace;
  readonly #subscription: DiscoverySubscription;
  readonly #counters: RareCounters<(typeof RARE.counters)[number]>;
  #staleTimer: NodeJS.Timeout | null = null;

  constructor(config: ClusterConfig, eds: EdsConfig, place: EdsClusterPlace) {
    const { scope, shared } = place;
    this.#place = place;
    this.config = config;
    this.eds = eds;
    this.#counters = new RareCounters(scope, RARE);
    const request = {
      typeUrl: TYPE_URLS.endpoint,
      names: new Set([eds.serviceName]),
      fetchTimeoutMs: eds.source.fetchTimeoutMs,
      stats: scope,
    };
    this.#subscription = shared.sourceOf(eds.source).subscribe(request, this);
  }

  endpoints(): readonly ResolvedEndpoint[] {
    return this.assignment?.endpoints ?? [];
  }

  /** Another configuration with the same service: what is known goes to it. */
  adopt(config: ClusterConfig): void {
    this.config = config;
    if (this.isResolved) this.#deliver();
  }

  close(): void {
    this.#subscription.close();
    this.#stopTimer();
    this.#place.scope.release();
  }

  /** A server that cannot be reached is waited for until the time is over. */
  onFailure(failure: DiscoveryFailure): void {
    if (failure !== 'connection') this.#settle();
  }

  onUpdate({ resources, removed, isWhole }: DiscoveryUpdate): string {
    const { serviceName } = this.eds;
    const foreign = resources.find(({ name }) => name !== serviceName);
    if (foreign !== undefined) {
      return `Unexpected EDS cluster (expecting ${serviceName}): ${foreign.name}`;
    }
    const [resource] = resources;
    if (resource === undefined) {
      if (removed.length > 0 || isWhole) this.#counters.inc('update_empty');
      this.#settle();
      return '';
    }
    const before = this.assignment;
    if (this.isResolved && before !== null && isSameAssignment(resource, before)) {
      this.#counters.inc('update_no_rebuild');
      this.assignment = { ...before, version: resource.version };
      this.#watchAge(before.config.staleAfterMs);
      return '';
    }
    const read = readAssignment(resource, serviceName, before);
    if (typeof read === 'string') return read;
    if (before !== null && hasSameEndpoints(before, read)) this.#counters.inc('update_no_rebuild');
    this.assignment = read;
    this.#watchAge(read.config.staleAfterMs);
    this.acceptedMs = this.#place.shared.wallMs();
    this.isResolved = true;
    this.#deliver();
    this.#place.owner.onResolved(this.config.name);
    return '';
  }

  #deliver(): void {
    const { name } = this.config;
    if (this.assignment !== null) this.#place.shared.onPolicy(name, this.assignment.config.policy);
    this.#place.shared.sink(name, this.endpoints());
  }

  /** Nobody waits any longer: without endpoints the cluster answers 503. */
  #settle(): void {
    if (this.isResolved) return;
    this.isResolved = true;
    this.#deliver();
    this.#place.owner.onResolved(this.config.name);
  }

  #watchAge(staleAfterMs: number): void {
    this.#stopTimer();
    if (staleAfterMs === 0) return;
    this.#counters.inc('assignment_timeout_received');
    this.#staleTimer = setTimeout(() => {
      this.#counters.inc('assignment_stale');
      this.assignment = null;
      this.#deliver();
    }, staleAfterMs).unref();
  }

  #stopTimer(): void {
    if (this.#staleTimer !== null) clearTimeout(this.#staleTimer);
    this.#staleTimer = null;
  }
}

function isSameService(left: EdsConfig, right: EdsConfig): boolean {
  return (
    left === right ||
    (left.serviceName === right.serviceName && left.source.key === right.source.key)
  );
}
