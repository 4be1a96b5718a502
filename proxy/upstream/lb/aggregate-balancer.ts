// The balancer of an aggregate cluster (envoy.clusters.aggregate): the priorities of its members make
// one line, in the order of the members; it chooses among them by health, and the member's own
// balancer picks a host of that priority.
import { randomBelow } from '../../base/random.ts';
import type { Hash64 } from '../../base/xx-hash.ts';
import type { RequestHead } from '../../http/message.ts';
import type { StreamInfo } from '../../http/stream-info.ts';
import type { PriorityRulesConfig } from '../../model/cluster.ts';
import type { ChosenPriority, LoadBalancerContext } from '../cluster-manager.ts';
import type { Host } from '../host.ts';
import type { HostSet } from '../host-set.ts';
import type { LoadBalancer, PickerServices } from './load-balancer.ts';
import { type PriorityCounts, priorityCounts } from './priority-load.ts';
import { type PriorityShare, PriorityShares, shareAt } from './priority-shares.ts';

/** A cluster that others are made of. */
export interface MemberCluster {
  readonly config: { readonly name: string; readonly priorities: PriorityRulesConfig };
  readonly hostSet: HostSet;
  /** Its balancer's choice; null: there is none. */
  pickMember(context: LoadBalancerContext): Host | null;
}

/** What an aggregate is made with. */
export interface AggregateParts<Member extends MemberCluster> {
  /** Names in order of preference. */
  readonly names: readonly string[];
  /** The cluster of that name in use now; null: there is none. */
  readonly find: (name: string) => Member | null;
  readonly priorities: PriorityRulesConfig;
  readonly random: PickerServices['random'];
}

/** A priority of a member in the line. */
interface LinearPriority<Member> {
  readonly member: Member;
  readonly priority: number;
}

/** See the file's head. Members may come, change and go at any time. */
export class AggregateBalancer<Member extends MemberCluster> implements LoadBalancer {
  readonly #parts: AggregateParts<Member>;
  /** The members and their hosts that the line was made of. */
  readonly #members: (Member | null)[];
  readonly #hostSets: (HostSet | null)[];
  #line: readonly LinearPriority<Member>[] = [];
  /** null: no member has hosts. */
  #shares: PriorityShares | null = null;
  readonly #context = new MemberContext();
  /** What was picked last: who picks asks for its member at once. */
  #picked: { readonly host: Host; readonly member: Member } | null = null;

  constructor(parts: AggregateParts<Member>) {
    this.#parts = parts;
    this.#members = parts.names.map(() => null);
    this.#hostSets = parts.names.map(() => null);
  }

  pick(context: LoadBalancerContext): Host | null {
    this.#follow();
    if (this.#shares === null) return null;
    const share = this.#choose(this.#shares, context);
    const { member, priority } = this.#line[share.priority] as LinearPriority<Member>;
    const inner = this.#context;
    inner.enter(context, { priority, kind: share.kind });
    const host = member.pickMember(inner);
    inner.leave();
    this.#picked = host === null ? null : { host, member };
    return host;
  }

  /** The member that a host of ours belongs to; null: it is gone. */
  memberOf(host: Host): Member | null {
    if (this.#picked?.host === host) return this.#picked.member;
    return this.#parts.find(host.clusterName);
  }

  #choose(shares: PriorityShares, context: LoadBalancerContext): PriorityShare {
    const tried = context.triedHosts ?? null;
    const among =
      tried === null ? shares.all() : shares.without(this.#prioritiesOf(tried), context);
    return shareAt(among, randomBelow(this.#parts.random, 100) + 1);
  }

  #prioritiesOf(hosts: readonly Host[]): readonly number[] {
    return hosts.map((host) =>
      this.#line.findIndex(
        ({ member, priority }) =>
          priority === host.endpoint.priority && member.config.name === host.clusterName,
      ),
    );
  }

  /** Makes the line anew when a member or its hosts changed. */
  #follow(): void {
    let isChanged = false;
    this.#parts.names.forEach((name, index) => {
      const member = this.#parts.find(name);
      const hostSet = member === null ? null : member.hostSet;
      if (member === this.#members[index] && hostSet === this.#hostSets[index]) return;
      this.#members[index] = member;
      this.#hostSets[index] = hostSet;
      isChanged = true;
    });
    if (isChanged) this.#align();
  }

  /** Priorities without hosts are left out. */
  #align(): void {
    const line: LinearPriority<Member>[] = [];
    const counts: PriorityCounts[] = [];
    this.#members.forEach((member, index) => {
      const hostSet = this.#hostSets[index] ?? null;
      if (member === null || hostSet === null) return;
      const rules = member.config.priorities;
      hostSet.priorities.forEach((hosts, priority) => {
        if (hosts.all.length === 0) return;
        const { overprovisioningPercent } = rules;
        line.push({ member, priority });
        counts.push({ ...priorityCounts(hosts, rules), overprovisioningPercent });
      });
    });
    this.#line = line;
    this.#shares = line.length === 0 ? null : new PriorityShares(counts, this.#parts.priorities);
  }
}

const NOWHERE: ChosenPriority = Object.freeze({ priority: 0, kind: 'healthy' });

/** The request for a member's balancer: as it is, but for the priority. One for all picks. */
class MemberContext implements LoadBalancerContext {
  #outer: LoadBalancerContext | null = null;
  chosenPriority: ChosenPriority = NOWHERE;

  enter(outer: LoadBalancerContext, chosen: ChosenPriority): void {
    this.#outer = outer;
    this.chosenPriority = chosen;
  }

  leave(): void {
    this.#outer = null;
  }

  get request(): RequestHead | null {
    return this.#of().request;
  }

  get info(): StreamInfo {
    return this.#of().info;
  }

  get metadataMatch(): Readonly<Record<string, unknown>> | null {
    return this.#of().metadataMatch ?? null;
  }

  get hostSelectionAttempts(): number {
    return this.#of().hostSelectionAttempts ?? 0;
  }

  hash(): Hash64 | null {
    return this.#of().hash?.() ?? null;
  }

  rejectsHost(host: Host): boolean {
    return this.#of().rejectsHost?.(host) === true;
  }

  #of(): LoadBalancerContext {
    return this.#outer as LoadBalancerContext;
  }
}
