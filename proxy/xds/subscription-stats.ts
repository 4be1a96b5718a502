// What Envoy counts for each subscription, below the subscriber's own scope:
// `cluster_manager.cds.update_success` and its likes.
import { type Hash64, xxHash64 } from '../base/xx-hash.ts';
import type {
  Counter,
  Gauge,
  Histogram,
  StatsScope,
  TextReadout,
  WideGauge,
} from '../stats/metrics.ts';
import { RareCounters, rareShape } from '../stats/rare-counters.ts';

const hash: Hash64 = { high: 0, low: 0 };
/** Of the last version: thousands of subscriptions have the same one. */
const last: { version: string | null; digits: string } = { version: null, digits: '0' };

/** As Envoy counts versions: their hash, in decimal digits. */
function versionNumber(version: string): string {
  if (version !== last.version) {
    xxHash64(Buffer.from(version).toString('latin1'), hash);
    last.version = version;
    last.digits = String((BigInt(hash.high) << 32n) | BigInt(hash.low));
  }
  return last.digits;
}

const RARE = rareShape('update_failure', 'update_rejected', 'init_fetch_timeout');

/** Made once per subscription; its owner releases the scope. */
export class SubscriptionStats {
  readonly #attempt: Counter;
  readonly #success: Counter;
  readonly #rare: RareCounters<'update_failure' | 'update_rejected' | 'init_fetch_timeout'>;
  readonly #time: Gauge;
  readonly #version: WideGauge;
  readonly #versionText: TextReadout;
  readonly #duration: Histogram;

  constructor(scope: StatsScope) {
    this.#attempt = scope.counter('update_attempt');
    this.#success = scope.counter('update_success');
    this.#rare = new RareCounters(scope, RARE);
    this.#time = scope.gauge('update_time');
    this.#version = scope.wideGauge('version');
    this.#versionText = scope.textReadout('version_text');
    this.#duration = scope.histogram('update_duration', 'ms');
  }

  /** It begins, or asks for other names. */
  countAttempt(): void {
    this.#attempt.inc();
  }

  /** `durationMs` is what its subscriber took. */
  countSuccess(version: string, wallMs: number, durationMs: number): void {
    this.#attempt.inc();
    this.#success.inc();
    this.#time.set(Math.trunc(wallMs));
    this.#versionText.set(version);
    this.#version.set(versionNumber(version));
    this.#duration.record(Math.round(durationMs));
  }

  countRejected(): void {
    this.#attempt.inc();
    this.#rare.inc('update_rejected');
  }

  /** The connection failed, or a poll, or a file cannot be read. */
  countFailure(): void {
    this.#attempt.inc();
    this.#rare.inc('update_failure');
  }

  countFetchTimeout(): void {
    this.#attempt.inc();
    this.#rare.inc('init_fetch_timeout');
  }
}
