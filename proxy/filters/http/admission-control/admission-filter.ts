// Draws for each request whether it is turned away, and counts how the others went. Each worker goes
// by the requests that it saw itself, as each thread of Envoy does.
import { randomBelow } from '../../../base/random.ts';
import { grpcStatusIn, isGrpcResponse } from '../../../http/grpc.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { Counter } from '../../../stats/metrics.ts';
import {
  CONTINUE,
  type FilterStatus,
  type HttpFilter,
  type HttpFilterCallbacks,
  type HttpFilterServices,
  STOP_ALL,
} from '../../http-filter.ts';
import type { AdmissionConfig } from './admission-config.ts';
import { RequestHistory } from './request-history.ts';

/** Envoy's accuracy of a probability. */
const PARTS = 10_000;
const REFUSED_STATUS = 503;

interface AdmissionStats {
  readonly rqRejected: Counter;
  readonly rqSuccess: Counter;
  readonly rqFailure: Counter;
}

/** What the filters of one configuration share. */
export class AdmissionRuntime {
  readonly config: AdmissionConfig;
  readonly #services: HttpFilterServices;
  readonly #history: RequestHistory;
  /** As in Envoy there are none before the first request. */
  #stats: AdmissionStats | null = null;

  constructor(config: AdmissionConfig, services: HttpFilterServices) {
    this.config = config;
    this.#services = services;
    this.#history = new RequestHistory(config.samplingWindowMs);
  }

  get stats(): AdmissionStats {
    this.#stats ??= this.#declare();
    return this.#stats;
  }

  record(isSuccess: boolean, nowMs: number): void {
    const { rqSuccess, rqFailure } = this.stats;
    (isSuccess ? rqSuccess : rqFailure).inc();
    this.#history.record(isSuccess, nowMs);
  }

  /** Drawn anew for each request. */
  isRefused(nowMs: number): boolean {
    const rates = this.config.rates.value;
    const history = this.#history;
    if (history.averageRps(nowMs) < rates.rpsThreshold) return false;
    history.roll(nowMs);
    const excess = history.requests - history.successes / rates.successThreshold;
    if (!(excess > 0)) return false;
    const share = (excess / (history.requests + 1)) ** (1 / rates.aggression);
    const probability = Math.min(share, rates.maxRejectionProbability);
    return PARTS * probability > randomBelow(this.#services.random, PARTS);
  }

  #declare(): AdmissionStats {
    const scope = this.#services.scope.scope('admission_control');
    return {
      rqRejected: scope.counter('rq_rejected'),
      rqSuccess: scope.counter('rq_success'),
      rqFailure: scope.counter('rq_failure'),
    };
  }
}

/** One per stream. */
export class AdmissionFilter implements HttpFilter {
  readonly #runtime: AdmissionRuntime;
  readonly #callbacks: HttpFilterCallbacks;
  #isRecorded = false;
  /** The response is gRPC and says how it went at its end. */
  #isDecidedByTrailers = false;

  constructor(runtime: AdmissionRuntime, callbacks: HttpFilterCallbacks) {
    this.#runtime = runtime;
    this.#callbacks = callbacks;
  }

  onRequestHead(_head: RequestHead): FilterStatus {
    const { config, stats } = this.#runtime;
    const callbacks = this.#callbacks;
    if (!config.enabled.value || callbacks.info.isHealthCheck) return CONTINUE;
    if (!this.#runtime.isRefused(callbacks.nowMs())) {
      this.#isRecorded = true;
      return CONTINUE;
    }
    stats.rqRejected.inc();
    callbacks.sendLocalReply({
      status: REFUSED_STATUS,
      body: '',
      details: 'denied_by_admission_control',
      flag: null,
      headers: null,
    });
    return STOP_ALL;
  }

  onResponseHead(head: ResponseHead, endStream: boolean): FilterStatus {
    if (!this.#isRecorded) return CONTINUE;
    if (!isGrpcResponse(head, endStream)) {
      this.#record(this.#runtime.config.isHttpSuccess(head.status));
      return CONTINUE;
    }
    const status = grpcStatusIn(head.headers);
    this.#isDecidedByTrailers = status === null;
    if (status !== null) this.#record(this.#isGrpcSuccess(status));
    return CONTINUE;
  }

  onResponseTrailers(trailers: HeaderList): FilterStatus {
    if (!this.#isDecidedByTrailers) return CONTINUE;
    const status = grpcStatusIn(trailers);
    this.#record(status !== null && this.#isGrpcSuccess(status));
    return CONTINUE;
  }

  #isGrpcSuccess(status: number): boolean {
    return this.#runtime.config.grpcSuccesses.has(status);
  }

  #record(isSuccess: boolean): void {
    this.#runtime.record(isSuccess, this.#callbacks.nowMs());
  }
}
