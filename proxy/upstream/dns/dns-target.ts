// One named endpoint of a DNS cluster: asks for its name again and again, and keeps what it found
// while nobody answers.
import { Timer, type TimerTarget } from '../../base/timer-wheel.ts';
import type { ClusterConfig } from '../../model/cluster.ts';
import type { DnsAnswer, DnsQuestion } from './dns-resolver.ts';
import type { DnsServices } from './dns-services.ts';
import type { DnsStats } from './dns-stats.ts';
import { queryIntervalFloorMs, RefreshSchedule } from './refresh-schedule.ts';

/** The cluster of a target. */
export interface DnsTargetOwner {
  /** The target was resolved, well or not. `isChanged`: it has other addresses than before. */
  onTargetResolved(isChanged: boolean): void;
}

/** What a target is made with. */
export interface DnsTargetOptions {
  readonly cluster: ClusterConfig;
  readonly name: string;
  readonly services: DnsServices;
  readonly stats: DnsStats;
  readonly owner: DnsTargetOwner;
}

/** See the file's head. */
export class DnsTarget implements TimerTarget {
  readonly #options: DnsTargetOptions;
  readonly #question: DnsQuestion;
  readonly #schedule: RefreshSchedule;
  readonly #timer = new Timer(this);
  /** Addresses to use now. */
  #ips: readonly string[] = [];
  #isStopped = false;

  constructor(options: DnsTargetOptions) {
    this.#options = options;
    const { dns } = options.cluster;
    const { family, respectTtl: wantsTtl, resolver } = dns;
    this.#question = { name: options.name, family, wantsTtl, resolver };
    this.#schedule = new RefreshSchedule(dns, options.services.random);
  }

  get ips(): readonly string[] {
    return this.#ips;
  }

  /** Asks for the name, now and from now on. */
  start(): void {
    const { services, stats, cluster } = this.#options;
    stats.attempt.inc();
    services.lookups.ask(this.#question, queryIntervalFloorMs(cluster.dns), (answer) =>
      this.#onAnswer(answer),
    );
  }

  stop(): void {
    this.#isStopped = true;
    this.#options.services.timers.cancel(this.#timer);
  }

  onTimer(): void {
    this.start();
  }

  #onAnswer(answer: DnsAnswer): void {
    if (this.#isStopped) return;
    const { services, owner } = this.#options;
    const ips = this.#usable(answer);
    const delayMs = this.#schedule.nextDelayMs(answer, ips !== null);
    services.timers.arm(this.#timer, services.clock.nowMs(), delayMs);
    const isChanged = ips !== null && this.#differs(ips);
    if (isChanged) this.#ips = ips;
    this.#count(ips !== null, isChanged);
    this.#log(answer, isChanged);
    owner.onTargetResolved(isChanged);
  }

  /** The addresses that an answer gives; null when the ones before stay. */
  #usable(answer: DnsAnswer): readonly string[] | null {
    if (answer.status === 'failed') return null;
    const ips = [...new Set(answer.ips)];
    if (this.#options.cluster.discovery === 'strict-dns') return ips;
    // A LOGICAL_DNS cluster takes «none» for a failure.
    return ips.length === 0 ? null : ips;
  }

  /** Servers rotate their answers: only where one address goes first the order says something. */
  #differs(ips: readonly string[]): boolean {
    const isLogical = this.#options.cluster.discovery === 'logical-dns';
    return (isLogical && ips[0] !== this.#ips[0]) || !hasSameMembers(ips, this.#ips);
  }

  #count(isUsable: boolean, isChanged: boolean): void {
    const { stats } = this.#options;
    if (!isUsable) stats.failure.inc();
    else {
      stats.success.inc();
      if (!isChanged) stats.noRebuild.inc();
    }
  }

  #log(answer: DnsAnswer, isChanged: boolean): void {
    const { services, cluster, name } = this.#options;
    const fields = { cluster: cluster.name, name };
    if (answer.status === 'failed') {
      services.log.log('debug', 'DNS resolution failed, the last addresses stay', {
        ...fields,
        reason: answer.reason,
      });
    } else if (isChanged) {
      services.log.log('debug', 'DNS addresses changed', {
        ...fields,
        addresses: this.#ips.join(' '),
      });
    }
  }
}

/** In whatever order. */
function hasSameMembers(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((ip) => right.includes(ip));
}
