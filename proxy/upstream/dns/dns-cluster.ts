// The hosts of one STRICT_DNS or LOGICAL_DNS cluster: the answers for all its endpoints, put
// together in the order of the configuration.
import { ipVersion } from '../../base/ip-address.ts';
import type { ClusterConfig, EndpointConfig } from '../../model/cluster.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import type { ResolvedEndpoint } from '../resolved-endpoint.ts';
import type { DnsServices } from './dns-services.ts';
import { DnsStats } from './dns-stats.ts';
import { DnsTarget, type DnsTargetOwner } from './dns-target.ts';

/** Hears what a cluster found. */
export interface DnsClusterOwner {
  /** After the first resolution, whatever its outcome, and whenever the hosts changed. */
  onHosts(cluster: DnsCluster): void;
}

/** What a cluster is made with. */
export interface DnsClusterOptions {
  readonly config: ClusterConfig;
  readonly services: DnsServices;
  /** `cluster.<name>.` */
  readonly scope: StatsScope;
  readonly owner: DnsClusterOwner;
}

/** See the file's head. */
export class DnsCluster implements DnsTargetOwner {
  readonly config: ClusterConfig;
  readonly #scope: StatsScope;
  readonly #owner: DnsClusterOwner;
  /** By index of the endpoint; null where the address is no name. */
  readonly #targets: readonly (DnsTarget | null)[];
  #isResolved = false;

  constructor(options: DnsClusterOptions) {
    const { config, services } = options;
    this.config = config;
    this.#scope = options.scope;
    this.#owner = options.owner;
    const stats = new DnsStats(options.scope);
    this.#targets = config.endpoints.map((endpoint) => {
      if (!isName(endpoint)) return null;
      return new DnsTarget({
        cluster: config,
        name: endpoint.address,
        services,
        stats,
        owner: this,
      });
    });
  }

  /** True once a first answer (or failure) came. */
  get isResolved(): boolean {
    return this.#isResolved;
  }

  /** Hosts as known now. */
  endpoints(): readonly ResolvedEndpoint[] {
    return this.config.endpoints.flatMap((endpoint, endpointIndex) => {
      const ips = this.#targets[endpointIndex]?.ips ?? [endpoint.address];
      const [ip, ...moreIps] = ips;
      // As Envoy: one host, whose connections go to whichever address answers first.
      if (this.config.discovery === 'logical-dns' && ip !== undefined) {
        return [{ ip, port: endpoint.port, endpointIndex, moreIps }];
      }
      return ips.map((ip) => ({ ip, port: endpoint.port, endpointIndex }));
    });
  }

  /** Begins to resolve. */
  start(): void {
    const targets = this.#targets.filter((target) => target !== null);
    // Nothing to ask for, or addresses that need no answer: they are known at once.
    if (targets.length < this.#targets.length || targets.length === 0) this.onTargetResolved(false);
    for (const target of targets) target.start();
  }

  /** Ends it; nothing is told any more. */
  stop(): void {
    for (const target of this.#targets) target?.stop();
    this.#scope.release();
  }

  /** As Envoy: the first of several names is enough to begin with. */
  onTargetResolved(isChanged: boolean): void {
    if (this.#isResolved && !isChanged) return;
    this.#isResolved = true;
    this.#owner.onHosts(this);
  }
}

function isName(endpoint: EndpointConfig): boolean {
  return endpoint.port >= 0 && ipVersion(endpoint.address) === 0;
}
