// `dns.cares.*`: questions to DNS servers, counted as Envoy's resolver asks them: one for each family
// of addresses that is looked for in turn.
import { ipVersion } from '../../base/ip-address.ts';
import type { Counter, Gauge, StatsScope } from '../../stats/metrics.ts';
import type { DnsAnswer, DnsQuestion, DnsResolver } from './dns-resolver.ts';

/** How often Node's resolver asks where nobody says how often. */
const DEFAULT_TRIES = 4;
/** c-ares's word for servers that do not answer in time. */
const TIMED_OUT = 'ETIMEOUT';

/** A resolver whose questions are counted. */
export class CountedResolver implements DnsResolver {
  readonly #resolver: DnsResolver;
  readonly #stats: CaresStats;

  /** `scope` is the root. */
  constructor(resolver: DnsResolver, scope: StatsScope) {
    this.#resolver = resolver;
    this.#stats = new CaresStats(scope.scope('dns').scope('cares'));
  }

  resolve(question: DnsQuestion, done: (answer: DnsAnswer) => void): void {
    if (question.resolver.kind === 'getaddrinfo') {
      this.#resolver.resolve(question, done);
      return;
    }
    const stats = this.#stats;
    stats.pending.inc();
    this.#resolver.resolve(question, (answer) => {
      stats.pending.dec();
      stats.count(question, answer);
      done(answer);
    });
  }
}

class CaresStats {
  readonly pending: Gauge;
  readonly #total: Counter;
  readonly #notFound: Counter;
  readonly #timeouts: Counter;
  readonly #failure: Counter;
  readonly #reinits: Counter;

  constructor(scope: StatsScope) {
    this.pending = scope.gauge('pending_resolutions');
    this.#total = scope.counter('resolve_total');
    this.#notFound = scope.counter('not_found');
    this.#timeouts = scope.counter('timeouts');
    this.#failure = scope.counter('get_addr_failure');
    this.#reinits = scope.counter('reinits');
  }

  count(question: DnsQuestion, answer: DnsAnswer): void {
    const asked = questionsFor(question, answer);
    this.#total.add(asked);
    if (answer.status === 'completed') {
      this.#notFound.add(answer.ips.length === 0 ? asked : asked - 1);
      return;
    }
    const { resolver } = question;
    if (answer.reason === TIMED_OUT) {
      this.#timeouts.add(asked * (resolver.kind === 'servers' ? resolver.tries : DEFAULT_TRIES));
      return;
    }
    this.#failure.add(asked);
    // Envoy makes its channel anew behind such an answer; here none outlives its question.
    this.#reinits.add(asked);
  }
}

/** 2 where one family has no address and the other is asked for as well. */
function questionsFor({ family }: DnsQuestion, answer: DnsAnswer): 1 | 2 {
  if (family !== 'auto' && family !== 'v4-preferred') return 1;
  const first = answer.status === 'completed' ? answer.ips[0] : undefined;
  const preferred = family === 'auto' ? 6 : 4;
  return first !== undefined && ipVersion(first) === preferred ? 1 : 2;
}
