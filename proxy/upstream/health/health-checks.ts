// Active health checks of all clusters. Lives in the primary: each host is asked once for all
// workers, and what is found goes into the book of hosts' flags.
import { isDeepStrictEqual } from 'node:util';
import type { ClusterConfig } from '../../model/cluster.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import type { HostFlags } from '../host-flags.ts';
import { staticEndpoints } from '../host-update.ts';
import type { ResolvedEndpoint } from '../resolved-endpoint.ts';
import { checkEventText } from './check-event-text.ts';
import { CheckGroup, type CheckGroupOwner } from './check-group.ts';
import type { CheckEvent, CheckedHost } from './checked-host.ts';
import type { CheckServices } from './checker.ts';
import type { ClusterChecks } from './cluster-checks.ts';

/** What the checks of a process are given by the primary. */
export interface HealthChecksParts {
  readonly services: CheckServices;
  /** The root scope. */
  readonly stats: StatsScope;
  readonly flags: HostFlags;
  /** Tells workers the endpoints of a cluster whose names are resolved. */
  readonly sendEndpoints: (cluster: string, endpoints: readonly ResolvedEndpoint[]) => void;
  /** Runs a task behind what the book of flags has to tell. */
  readonly later: (task: () => void) => void;
  /** Tells workers that they may use a cluster. */
  readonly sendWarm: (cluster: string) => void;
  /** Appends a line to an event log. */
  readonly writeEvent: (path: string, line: string) => void;
}

/** See the file's head. */
export class HealthChecks implements CheckGroupOwner {
  /** Told when a host passed a check and is not failed: outlier detection may let it back in. */
  whenHealthy: ((cluster: string, address: string) => void) | null = null;
  readonly #parts: HealthChecksParts;
  readonly #clusters = new Map<string, CheckGroup>();
  #whenSettled: (() => void)[] = [];

  constructor(parts: HealthChecksParts) {
    this.#parts = parts;
  }

  /**
   * Follows a cluster, or its new configuration: what is known of its hosts is kept. Tell the
   * workers first, and this before whoever resolves names.
   */
  follow(config: ClusterConfig): void {
    const { name } = config;
    const before = this.#clusters.get(name) ?? null;
    if (before !== null && isDeepStrictEqual(before.cluster, config)) return;
    this.#clusters.delete(name);
    if (config.healthCheck !== null) this.#begin(config, before);
    else if (before !== null) this.#forgetFlags(before);
    // Only now: what both count in goes on.
    before?.stop();
    this.#tellIfSettled();
  }

  /** Ends a cluster; harmless for names it does not know. */
  forget(name: string): void {
    const cluster = this.#clusters.get(name);
    if (cluster === undefined) return;
    this.#clusters.delete(name);
    this.#forgetFlags(cluster);
    cluster.stop();
    this.#tellIfSettled();
  }

  /** Hosts of a cluster were found; workers are told of them and of those that are kept. */
  setEndpoints(name: string, endpoints: readonly ResolvedEndpoint[]): void {
    const cluster = this.#clusters.get(name);
    if (cluster === undefined) {
      this.#parts.sendEndpoints(name, endpoints);
      return;
    }
    cluster.setEndpoints(endpoints);
  }

  /** `found` with the hosts that are kept. */
  withKept(
    found: ReadonlyMap<string, readonly ResolvedEndpoint[]>,
  ): ReadonlyMap<string, readonly ResolvedEndpoint[]> {
    const all = [...found].map(([name, endpoints]) => {
      return [name, this.#clusters.get(name)?.endpoints ?? endpoints] as const;
    });
    return new Map(all);
  }

  /** A worker connected to a host of the cluster: from now on it has traffic. */
  onTraffic(name: string): void {
    this.#clusters.get(name)?.noteTraffic();
  }

  /** A host told a worker that it fails its checks. */
  onImmediateFailure(name: string, address: string): void {
    this.#clusters.get(name)?.failNow(address);
  }

  /** Clusters whose first hosts are not all checked, for `/init_dump`. */
  waiting(): readonly string[] {
    return [...this.#clusters.values()]
      .filter(({ isWarm }) => !isWarm)
      .map(({ cluster }) => cluster.name);
  }

  /** Clusters with checks that workers may use. */
  warm(): readonly string[] {
    return [...this.#clusters.values()]
      .filter(({ isWarm }) => isWarm)
      .map(({ cluster }) => cluster.name);
  }

  /** Resolves when each host that was known by then had a result. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenSettled.push(resolve);
      this.#tellIfSettled();
    });
  }

  /** Ends all checks. */
  stop(): void {
    for (const cluster of this.#clusters.values()) cluster.stop();
    this.#clusters.clear();
    this.#tellIfSettled();
  }

  onFlags({ cluster }: CheckGroup, address: string, flags: number | null): void {
    const host = { cluster: cluster.name, address };
    if (flags === null) this.#parts.flags.forget('active-checks', host);
    else this.#parts.flags.set('active-checks', host, flags);
  }

  onHealthy({ cluster }: CheckGroup, address: string): void {
    this.whenHealthy?.(cluster.name, address);
  }

  onEvent({ cluster, config }: ClusterChecks, host: CheckedHost, event: CheckEvent): void {
    const { services, writeEvent } = this.#parts;
    const { eventLogPaths, checker } = config;
    if (eventLogPaths.length === 0) return;
    const wallMs = services.clock.wallMs();
    const { address, endpoint } = host;
    const of = { checker: checker.kind, cluster: cluster.name, address, endpoint };
    const line = checkEventText({ ...of, event, wallMs });
    for (const path of eventLogPaths) writeEvent(path, line);
  }

  onWarm({ cluster }: CheckGroup): void {
    const { later, sendWarm } = this.#parts;
    later(() => {
      // Another configuration may have come meanwhile.
      if (this.#clusters.get(cluster.name)?.isWarm === true) sendWarm(cluster.name);
    });
    this.#tellIfSettled();
  }

  onEndpoints({ cluster, endpoints }: CheckGroup): void {
    if (cluster.discovery === 'static') return;
    this.#parts.sendEndpoints(cluster.name, endpoints ?? []);
  }

  #begin(config: ClusterConfig, before: CheckGroup | null): void {
    const { services, stats, flags } = this.#parts;
    const scope = () => stats.scope('cluster').scope(config.observabilityName);
    const cluster = new CheckGroup({ config, services, scope, owner: this, before });
    this.#clusters.set(config.name, cluster);
    if (config.discovery === 'static') cluster.setEndpoints(staticEndpoints(config));
    // Workers made new hosts, which know nothing of what was found before.
    flags.repeat(config.name);
  }

  #forgetFlags(cluster: CheckGroup): void {
    for (const address of cluster.addresses()) this.onFlags(cluster, address, null);
  }

  #tellIfSettled(): void {
    if (this.#whenSettled.length === 0) return;
    for (const { isWarm } of this.#clusters.values()) if (!isWarm) return;
    const told = this.#whenSettled;
    this.#whenSettled = [];
    for (const tell of told) tell();
  }
}
