// Tells clients that cancel what they ask for from clients that flood: a stream costs them one small
// frame, and us an upstream request (CVE-2023-44487).
import type { StreamInfo } from '../../../http/stream-info.ts';

/** Envoy: overload.premature_reset_total_stream_count. */
const MIN_STREAMS = 500;
/** Envoy: whole seconds above overload.premature_reset_min_stream_lifetime_seconds (1). */
const MATURE_MS = 2000;

/** One connection's count. */
export class PrematureResets {
  #closed = 0;
  #premature = 0;

  /** Counts a stream that is over. True: half of them, and of at least 500, were given up young. */
  isTooMany(info: StreamInfo): boolean {
    this.#closed += 1;
    if (info.responseCode !== 0 || info.endMs - info.startMs >= MATURE_MS) return false;
    this.#premature += 1;
    return this.#premature * 2 >= Math.max(MIN_STREAMS, this.#closed);
  }
}
