// The content of one message on its way through a bandwidth limit: what there are tokens for goes
// on, the rest waits for the next fill. Whoever sends is held back while much waits.
import { Timer, type TimerTarget } from '../../../base/timer-wheel.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import { CONTINUE, DROP, type FilterStatus, STOP } from '../../http-filter.ts';
import type { FilterSite, MessageSide } from '../coding/message-side.ts';
import type { BandwidthStats } from './bandwidth-config.ts';
import type { TokenBucket } from './token-bucket.ts';

const MAX_WAITING_BYTES = 64 * 1024;
const NOTHING = Buffer.alloc(0);

/** What a limit is to a body. */
export interface LimitPlan {
  readonly side: MessageSide;
  readonly bucket: TokenBucket;
  /** null: nobody counts. */
  readonly stats: BandwidthStats | null;
  readonly fillIntervalMs: number;
}

/** Hears of a body's end. */
export interface LimitedBodyOwner {
  /** All content went on. Trailers that the message should get now; null: none. */
  onLimitedEnd(body: LimitedBody, own: HeaderList | null): HeaderList | null;
}

/** One message. */
export class LimitedBody implements TimerTarget {
  readonly #site: FilterSite;
  readonly #plan: LimitPlan;
  readonly #owner: LimitedBodyOwner;
  readonly #timer = new Timer(this);
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** When the first content came; -1: none yet, or it is over. */
  #startMs = -1;
  #hasEnded = false;
  #trailers: HeaderList | null = null;
  #isHeld = false;
  /** Whoever gets it is slow. */
  #isBlocked = false;
  /** From the first content to the last, in ms. */
  durationMs = 0;
  /** Of it, how long it waited for tokens, in whole fill intervals. */
  delayMs = 0;

  constructor(site: FilterSite, plan: LimitPlan, owner: LimitedBodyOwner) {
    this.#site = site;
    this.#plan = plan;
    this.#owner = owner;
    plan.stats?.enabled.inc();
  }

  onData(data: Buffer, endStream: boolean): FilterStatus {
    const { stats, side } = this.#plan;
    if (this.#startMs < 0) {
      this.#startMs = this.#nowMs();
      stats?.pending.inc();
    }
    stats?.incomingSize.set(data.length);
    stats?.incomingTotalSize.add(data.length);
    if (data.length > 0) this.#waiting.push(Buffer.from(data));
    this.#waitingBytes += data.length;
    this.#hasEnded = endStream;
    if (!this.#timer.armed && !this.#isBlocked) this.#send();
    if (!endStream && !this.#isHeld && this.#waitingBytes >= MAX_WAITING_BYTES) {
      this.#isHeld = true;
      side.hold(this.#site);
    }
    return DROP;
  }

  onTrailers(trailers: HeaderList): FilterStatus {
    this.#trailers = trailers;
    if (this.#waitingBytes > 0) return STOP;
    this.#complete();
    return CONTINUE;
  }

  onWritable(): void {
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    if (this.#waitingBytes > 0) this.#send();
  }

  /** A fill interval is over. */
  onTimer(): void {
    if (!this.#isBlocked) this.#send();
  }

  /** The stream is over. */
  close(): void {
    this.#site.callbacks.services.timers.cancel(this.#timer);
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#settle();
  }

  #send(): void {
    const { bucket, stats, side, fillIntervalMs } = this.#plan;
    const nowMs = this.#nowMs();
    const allowed = bucket.take(this.#waitingBytes, nowMs);
    stats?.allowedSize.set(allowed);
    stats?.allowedTotalSize.add(allowed);
    const piece = this.#takeWaiting(allowed);
    const isLate = this.#waitingBytes > 0;
    if (isLate) {
      stats?.enforced.inc();
      this.delayMs += fillIntervalMs;
      this.#site.callbacks.services.timers.arm(this.#timer, nowMs, fillIntervalMs);
    }
    if (this.#isHeld && this.#waitingBytes < MAX_WAITING_BYTES / 2) {
      this.#isHeld = false;
      side.take(this.#site);
    }
    if (!isLate && this.#hasEnded) this.#end(piece);
    else if (piece.length > 0) this.#isBlocked = !side.inject(this.#site, piece, false);
    if (this.#waitingBytes === 0 && this.#trailers !== null) this.#release();
  }

  /** The last content, where no trailers were seen behind it. */
  #end(piece: Buffer): void {
    const { side } = this.#plan;
    const trailers = this.#complete();
    if (trailers === null) {
      side.inject(this.#site, piece, true);
      return;
    }
    if (piece.length > 0) side.inject(this.#site, piece, false);
    side.injectTrailers(this.#site, trailers);
  }

  #release(): void {
    this.#complete();
    this.#plan.side.release(this.#site);
  }

  /** Takes the time before anybody is told of the end. */
  #complete(): HeaderList | null {
    if (this.#startMs >= 0) this.durationMs = this.#nowMs() - this.#startMs;
    const trailers = this.#owner.onLimitedEnd(this, this.#trailers);
    if (this.#startMs >= 0) this.#plan.stats?.transferDuration.record(this.durationMs);
    this.#settle();
    return trailers;
  }

  #settle(): void {
    if (this.#startMs < 0) return;
    this.#startMs = -1;
    this.#plan.stats?.pending.dec();
  }

  #takeWaiting(bytes: number): Buffer {
    if (bytes === 0) return NOTHING;
    const pieces: Buffer[] = [];
    let left = bytes;
    while (left > 0) {
      const first = this.#waiting[0] as Buffer;
      if (first.length <= left) this.#waiting.shift();
      else this.#waiting[0] = first.subarray(left);
      pieces.push(first.subarray(0, left));
      left -= Math.min(left, first.length);
    }
    this.#waitingBytes -= bytes;
    return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
  }

  #nowMs(): number {
    return this.#site.callbacks.nowMs();
  }
}
