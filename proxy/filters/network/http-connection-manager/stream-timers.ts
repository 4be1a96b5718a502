// The time limits of one stream that are off by default; made only when one of them is configured.
import { Timer, type TimerTarget } from '../../../base/timer-wheel.ts';
import { GRPC_STATUS } from '../../../http/grpc.ts';
import type { RequestHead } from '../../../http/message.ts';
import type { ResponseFlag } from '../../../http/response-flags.ts';
import type { StreamInfo } from '../../../http/stream-info.ts';
import type { Counter } from '../../../stats/metrics.ts';
import type { HttpFilterServices, LocalReply } from '../../http-filter.ts';
import type { HcmRuntime } from './hcm-runtime.ts';
import type { HcmStats } from './hcm-stats.ts';

/** The limits, by what they bound. */
export type StreamTimeout = 'headers' | 'request' | 'duration' | 'idle';

/** What the client gets and what is counted. */
const TIMEOUTS: Readonly<
  Record<
    StreamTimeout,
    {
      readonly body: string;
      readonly details: string;
      readonly flag: ResponseFlag | null;
      readonly grpcStatus?: number;
      readonly counter: (stats: HcmStats) => Counter;
    }
  >
> = {
  headers: {
    body: 'request header timeout',
    details: 'request_header_timeout',
    flag: null,
    counter: (stats) => stats.rqHeaderTimeout,
  },
  request: {
    body: 'request timeout',
    details: 'request_overall_timeout',
    flag: null,
    counter: (stats) => stats.rqTimeout,
  },
  duration: {
    body: 'downstream duration timeout',
    details: 'max_duration_timeout',
    flag: null,
    grpcStatus: GRPC_STATUS.deadlineExceeded,
    counter: (stats) => stats.rqMaxDurationReached,
  },
  idle: {
    body: 'stream timeout',
    details: 'stream_idle_timeout',
    flag: 'SI',
    counter: (stats) => stats.rqIdleTimeout,
  },
};

/** Counts the timeout; 504 if the request was complete, else 408. */
export function timeoutReply(
  which: StreamTimeout,
  stats: HcmStats,
  isRequestComplete: boolean,
): LocalReply {
  const { body, details, flag, grpcStatus, counter } = TIMEOUTS[which];
  counter(stats).inc();
  const status = isRequestComplete && which !== 'headers' ? 504 : 408;
  const reply = { status, body, details, flag, headers: null };
  return grpcStatus === undefined ? reply : { ...reply, grpcStatus };
}

/** A stream as whoever looks for quiet ones sees it. */
export interface QuietStream {
  readonly runtime: HcmRuntime;
  readonly request: RequestHead | null;
  readonly info: StreamInfo;
  readonly isAnswered: boolean;
  readonly lastActiveMs: number;
  /** 0: off. */
  readonly idleTimeoutMs: number;
}

/** When the first limit is over that a quiet stream keeps to; Infinity: never. */
export function quietDueMs(stream: QuietStream): number {
  return Math.min(idleDueMs(stream), headDueMs(stream));
}

/** Which one of them is over. */
export function quietTimeout(stream: QuietStream, nowMs: number): StreamTimeout {
  return headDueMs(stream) <= nowMs ? 'headers' : 'idle';
}

/** When request_headers_timeout is over; Infinity: it is off, or the head is there. */
function headDueMs(stream: QuietStream): number {
  const limitMs = stream.runtime.config.requestHeadersTimeoutMs;
  const isAwaited = limitMs > 0 && stream.request === null && !stream.isAnswered;
  return isAwaited ? stream.info.startMs + limitMs : Number.POSITIVE_INFINITY;
}

/** When stream_idle_timeout is over if nothing moves; Infinity: it is off, or all is sent. */
function idleDueMs(stream: QuietStream): number {
  const { info, runtime } = stream;
  // A complete response is the codec's: it has a time limit of its own for a client that stalls.
  const idleMs = runtime.listener.overload.timeouts.scaled('stream-idle', stream.idleTimeoutMs);
  if (idleMs === 0 || info.lastResponseByteMs >= 0) return Number.POSITIVE_INFINITY;
  return stream.lastActiveMs + idleMs;
}

/** A stream as its timers see it. */
export interface TimedStream {
  readonly info: StreamInfo;
  readonly runtime: HcmRuntime;
  readonly services: HttpFilterServices;
  onTimeout(which: StreamTimeout): void;
}

/** request_timeout and max_stream_duration of one stream; its connection watches the others. */
export class StreamTimers implements TimerTarget {
  readonly #stream: TimedStream;
  readonly #request: Timer | null;
  #duration: Timer | null;

  /** Starts every configured limit at the request's first byte. */
  constructor(stream: TimedStream, nowMs: number) {
    this.#stream = stream;
    const config = stream.runtime.config;
    this.#request = this.#start(nowMs, config.requestTimeoutMs);
    this.#duration = this.#start(nowMs, config.maxStreamDurationMs);
  }

  /** The whole request is there, or what still comes is a tunnel's. */
  endRequestTimeout(): void {
    this.#cancel(this.#request);
  }

  /** The whole stream may take `limitMs` from its start; null: it is not bounded any more. */
  setDuration(limitMs: number | null, nowMs: number): void {
    this.#cancel(this.#duration);
    if (limitMs === null) return;
    this.#duration ??= new Timer(this);
    const leftMs = Math.max(this.#stream.info.startMs + limitMs - nowMs, 0);
    this.#stream.services.timers.arm(this.#duration, nowMs, leftMs);
  }

  cancelAll(): void {
    this.#cancel(this.#request);
    this.#cancel(this.#duration);
  }

  /** Some limit may still run out. */
  get isArmed(): boolean {
    return this.#request?.armed === true || this.#duration?.armed === true;
  }

  onTimer(timer: Timer): void {
    if (timer === this.#request) this.#stream.onTimeout('request');
    else this.#stream.onTimeout('duration');
  }

  #start(nowMs: number, delayMs: number): Timer | null {
    if (delayMs === 0) return null;
    const timer = new Timer(this);
    this.#stream.services.timers.arm(timer, nowMs, delayMs);
    return timer;
  }

  #cancel(timer: Timer | null): void {
    if (timer !== null) this.#stream.services.timers.cancel(timer);
  }
}
