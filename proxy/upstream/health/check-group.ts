// All checks of one cluster: most have one kind, some several with names, each with thresholds and
// statistics of its own. A host is as well as the worst of them finds it.
import type { ClusterConfig } from '../../model/cluster.ts';
import type { HealthCheckConfig } from '../../model/health-check.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import { HEALTH_FLAG } from '../host-health.ts';
import type { ResolvedEndpoint } from '../resolved-endpoint.ts';
import type { CheckEvent, CheckedHost } from './checked-host.ts';
import type { CheckServices } from './checker.ts';
import { ClusterChecks, type ClusterChecksOwner } from './cluster-checks.ts';
import { GroupGauges } from './group-gauges.ts';

/** Who acts on what checks find. */
export interface CheckGroupOwner {
  /** Flags of a host (`ip:port`); null: it is not checked any more. */
  onFlags(group: CheckGroup, address: string, flags: number | null): void;
  /** By the checks that found it. */
  onEvent(checks: ClusterChecks, host: CheckedHost, event: CheckEvent): void;
  /** A check of a host passed, and no check finds it failed. */
  onHealthy(group: CheckGroup, address: string): void;
  /** Once: each of the first hosts had a result of each check. */
  onWarm(group: CheckGroup): void;
  /** Its endpoints changed: they were set, or a host that was kept has failed. */
  onEndpoints(group: CheckGroup): void;
}

/** What it is made with. */
export interface CheckGroupParts {
  readonly config: ClusterConfig;
  readonly services: CheckServices;
  /** `cluster.<name>.`, one for each kind of check. */
  readonly scope: () => StatsScope;
  readonly owner: CheckGroupOwner;
  /** What was there before the configuration changed; null: nothing. */
  readonly before: CheckGroup | null;
}

/** See the file's head. */
export class CheckGroup implements ClusterChecksOwner {
  readonly cluster: ClusterConfig;
  readonly #owner: CheckGroupOwner;
  readonly #members: readonly ClusterChecks[];
  /** null: the only kind of check counts for itself. */
  readonly #gauges: GroupGauges | null;
  /** Members are told of endpoints one after the other: nothing is said in between. */
  #isSetting = false;
  #isWarm = false;

  constructor({ config, services, scope, owner, before }: CheckGroupParts) {
    this.cluster = config;
    this.#owner = owner;
    this.#gauges = config.moreHealthChecks === undefined ? null : new GroupGauges(scope());
    this.#members = checksOf(config).map((healthCheck) => {
      const known = before?.memberOf(healthCheck.name) ?? null;
      const own = { ...config, healthCheck };
      return new ClusterChecks({
        ...{ config: own, services, scope: scope(), owner: this, before: known },
      });
    });
  }

  /** Each of the first hosts had its results. */
  get isWarm(): boolean {
    return this.#isWarm;
  }

  /** All hosts now, those that are kept included; null: they were not found yet. */
  get endpoints(): readonly ResolvedEndpoint[] | null {
    return this.#members[0]?.endpoints ?? null;
  }

  /** A worker connected to a host: from now on the cluster has traffic. */
  noteTraffic(): void {
    for (const member of this.#members) member.hadTraffic = true;
  }

  /** Where what is known of hosts comes from: the check of that name, or any. */
  memberOf(name: string): ClusterChecks | null {
    return this.#members.find(({ config }) => config.name === name) ?? this.#members[0] ?? null;
  }

  /** Hosts that are checked. */
  addresses(): ReadonlySet<string> {
    return new Set(this.#members.flatMap((member) => [...member.hosts().keys()]));
  }

  /** The cluster's hosts are these. */
  setEndpoints(endpoints: readonly ResolvedEndpoint[]): void {
    this.#isSetting = true;
    for (const member of this.#members) member.setEndpoints(endpoints);
    for (const address of this.addresses()) {
      if (!this.#members.every((member) => member.hosts().has(address))) this.#letGo(address);
    }
    this.#isSetting = false;
    this.#owner.onEndpoints(this);
    this.#tellIfWarm();
  }

  /** A host said in a response that it fails its checks. */
  failNow(address: string): void {
    for (const member of this.#members) member.failNow(address);
  }

  /** Ends all checks; flags stay as they are. */
  stop(): void {
    for (const member of this.#members) member.stop();
    this.#gauges?.stop();
  }

  onFlags(member: ClusterChecks, address: string, flags: number | null): void {
    // A host that one of them has given up is no host.
    if (flags === null && !this.#isSetting) this.#letGo(address, member);
    const all = this.#gauges === null ? flags : this.#flags(address);
    this.#gauges?.set(address, all);
    this.#owner.onFlags(this, address, all);
  }

  onEvent(member: ClusterChecks, host: CheckedHost, event: CheckEvent): void {
    this.#owner.onEvent(member, host, event);
  }

  onHealthy(_member: ClusterChecks, address: string): void {
    const flags = this.#flags(address) ?? 0;
    if ((flags & HEALTH_FLAG.failedActiveCheck) === 0) this.#owner.onHealthy(this, address);
  }

  onWarm(): void {
    this.#tellIfWarm();
  }

  onEndpoints(): void {
    if (!this.#isSetting) this.#owner.onEndpoints(this);
  }

  /** What any of them finds; null: none of them checks the host. */
  #flags(address: string): number | null {
    let all: number | null = null;
    for (const member of this.#members) {
      const flags = member.flagsOf(address);
      if (flags !== null) all = (all ?? 0) | flags;
    }
    return all;
  }

  #letGo(address: string, except: ClusterChecks | null = null): void {
    for (const member of this.#members) if (member !== except) member.letGo(address);
  }

  #tellIfWarm(): void {
    if (this.#isWarm || this.#isSetting) return;
    if (!this.#members.every(({ isWarm }) => isWarm)) return;
    this.#isWarm = true;
    this.#owner.onWarm(this);
  }
}

function checksOf({ healthCheck, moreHealthChecks = [] }: ClusterConfig): HealthCheckConfig[] {
  return healthCheck === null ? [] : [healthCheck, ...moreHealthChecks];
}
