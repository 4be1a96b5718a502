// Rapid reset (CVE-2023-44487): streams that a client opens and cancels before they are answered
// cost it nothing and the upstreams everything. Two measures: Envoy's share of premature resets
// among all streams, and a bucket for resets of any kind that no answer preceded.
import type { H2ProtocolOptions } from './options.ts';

/**
 * A reset of a stream younger than this is premature: Envoy's are those of which no more whole
 * seconds than overload.premature_reset_min_stream_lifetime_seconds (1) have passed.
 */
export const PREMATURE_RESET_MS = 2000;
/** Streams below which half of this number, not of theirs, is the limit (…total_stream_count). */
export const PREMATURE_RESET_STREAMS = 500;
/** One server connection's resets. */
export class ResetGuard {
  #closed = 0;
  #premature = 0;
  readonly #burst: number;
  readonly #perSecond: number;
  #tokens: number;
  #refilledMs: number;

  constructor(options: H2ProtocolOptions, nowMs: number) {
    this.#burst = options.streamResetBurst;
    this.#perSecond = options.streamResetRate;
    this.#tokens = options.streamResetBurst;
    this.#refilledMs = nowMs;
  }

  /** A stream is over, however it ended. */
  onStreamClosed(): void {
    this.#closed += 1;
  }

  /** The client reset a stream that was not answered yet. False: too many, end the connection. */
  onUnansweredReset(ageMs: number, nowMs: number): boolean {
    if (ageMs < PREMATURE_RESET_MS) this.#premature += 1;
    const isWithinShare = this.#premature * 2 < Math.max(PREMATURE_RESET_STREAMS, this.#closed);
    return this.takeToken(nowMs) && isWithinShare;
  }

  /** We reset a stream because of what the client did. False: too many, end the connection. */
  takeToken(nowMs: number): boolean {
    const earned = ((nowMs - this.#refilledMs) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#burst, this.#tokens + earned);
    this.#refilledMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
