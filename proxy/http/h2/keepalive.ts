// PINGs that tell a dead peer from a silent one (Envoy: Http2ProtocolOptions.connection_keepalive).
import { Timer, type TimerTarget } from '../../base/timer-wheel.ts';
import type { CodecServices } from '../codec.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { H2KeepaliveOptions } from './options.ts';

/** Told when no answer came. */
export interface KeepaliveOwner {
  onKeepaliveTimeout(): void;
}

/** What a keepalive works with. */
export interface KeepaliveParts {
  readonly services: CodecServices;
  readonly writer: FrameWriter;
  readonly owner: KeepaliveOwner;
}

/** One connection's PINGs. */
export class Keepalive implements TimerTarget {
  readonly #options: H2KeepaliveOptions;
  readonly #parts: KeepaliveParts;
  readonly #intervalTimer = new Timer(this);
  readonly #timeoutTimer = new Timer(this);
  readonly #payload = Buffer.alloc(8);
  #count = 0;
  #lastReceivedMs: number;
  /** Octets came while a PING waited: the peer lives, its answer may stand behind them. */
  #isAlive = false;

  constructor(options: H2KeepaliveOptions, parts: KeepaliveParts) {
    this.#options = options;
    this.#parts = parts;
    this.#lastReceivedMs = parts.services.nowMs();
    this.#armInterval();
  }

  /** Octets arrived. */
  onReceived(): void {
    this.#lastReceivedMs = this.#parts.services.nowMs();
    this.#isAlive = this.#timeoutTimer.armed;
  }

  /** A stream begins: behind a long silence its connection is tried first. */
  onStream(): void {
    const { connectionIdleIntervalMs } = this.#options;
    if (connectionIdleIntervalMs === 0 || this.#timeoutTimer.armed) return;
    const silentMs = this.#parts.services.nowMs() - this.#lastReceivedMs;
    if (silentMs >= connectionIdleIntervalMs) this.#ping();
  }

  /** PING with ACK arrived with the octets at `buffer[at]`. */
  onAnswer(buffer: Buffer, at: number): void {
    const { timers } = this.#parts.services;
    const isOurs = buffer.compare(this.#payload, 0, 8, at, at + 8) === 0;
    if (!isOurs || !this.#timeoutTimer.armed) return;
    timers.cancel(this.#timeoutTimer);
    this.#armInterval();
  }

  /** Frees the timers. */
  close(): void {
    const { timers } = this.#parts.services;
    timers.cancel(this.#intervalTimer);
    timers.cancel(this.#timeoutTimer);
  }

  onTimer(timer: Timer): void {
    if (timer === this.#intervalTimer) {
      this.#ping();
    } else if (this.#isAlive) {
      this.#isAlive = false;
      this.#armTimeout();
    } else {
      this.#parts.owner.onKeepaliveTimeout();
    }
  }

  #ping(): void {
    this.#parts.services.timers.cancel(this.#intervalTimer);
    this.#count += 1;
    this.#payload.writeUInt32BE(this.#count >>> 0, 4);
    this.#parts.writer.ping(this.#payload, 0, false);
    this.#isAlive = false;
    this.#armTimeout();
  }

  #armInterval(): void {
    const { intervalMs, intervalJitterPercent } = this.#options;
    if (intervalMs === 0) return;
    const { timers, random } = this.#parts.services;
    const jitterMs = (intervalMs * intervalJitterPercent * random.next()) / 100;
    timers.arm(this.#intervalTimer, this.#parts.services.nowMs(), intervalMs + jitterMs);
  }

  #armTimeout(): void {
    const { timers } = this.#parts.services;
    timers.arm(this.#timeoutTimer, this.#parts.services.nowMs(), this.#options.timeoutMs);
  }
}
