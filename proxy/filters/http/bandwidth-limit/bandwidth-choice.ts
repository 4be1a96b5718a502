// Limits how many octets a second flow through a filter's streams, to upstreams and to clients.
import { HeaderList } from '../../../http/header-list.ts';
import type { HttpFilter, HttpFilterCallbacks, HttpFilterServices } from '../../http-filter.ts';
import type { BodyChoice } from '../coding/body-filter.ts';
import { REQUEST_SIDE, RESPONSE_SIDE } from '../coding/message-side.ts';
import { type BandwidthConfig, BandwidthStats } from './bandwidth-config.ts';
import { LimitedBody, type LimitedBodyOwner, type LimitPlan } from './limited-body.ts';
import { TokenBucket } from './token-bucket.ts';

/** What the filters of all streams with one configuration share. */
export class BandwidthRuntime {
  readonly config: BandwidthConfig;
  readonly request: LimitPlan;
  readonly response: LimitPlan;

  constructor(config: BandwidthConfig, services: HttpFilterServices) {
    const { statPrefix, fillIntervalMs, bytesPerSecond } = config;
    // Both directions draw on the same tokens, as in Envoy.
    const bucket = new TokenBucket(bytesPerSecond, services.clock.nowMs());
    const { root } = services;
    this.config = config;
    this.request = {
      ...{ side: REQUEST_SIDE, bucket, fillIntervalMs },
      stats: new BandwidthStats(root, statPrefix, 'request'),
    };
    this.response = {
      ...{ side: RESPONSE_SIDE, bucket, fillIntervalMs },
      stats: new BandwidthStats(root, statPrefix, 'response'),
    };
  }
}

/** One per stream. */
export class BandwidthChoice implements BodyChoice, LimitedBodyOwner {
  readonly #runtime: BandwidthRuntime;
  readonly #callbacks: HttpFilterCallbacks;
  #request: LimitedBody | null = null;
  #response: LimitedBody | null = null;

  constructor(runtime: BandwidthRuntime, callbacks: HttpFilterCallbacks) {
    this.#runtime = runtime;
    this.#callbacks = callbacks;
  }

  ofRequest(filter: HttpFilter): LimitedBody | null {
    const { config, request } = this.#runtime;
    const isLimited = config.limitsRequests && config.enabled.value;
    this.#request = isLimited ? this.#limit(filter, request) : null;
    return this.#request;
  }

  ofResponse(filter: HttpFilter): LimitedBody | null {
    const { config, response } = this.#runtime;
    const isLimited = config.limitsResponses && config.enabled.value;
    this.#response = isLimited ? this.#limit(filter, response) : null;
    return this.#response;
  }

  /** Trailers of the response tell how long both directions took. */
  onLimitedEnd(body: LimitedBody, own: HeaderList | null): HeaderList | null {
    if (body !== this.#response || !this.#runtime.config.addsTrailers) return null;
    const trailers = own ?? HeaderList.empty();
    this.#report(trailers, 'request', this.#request);
    this.#report(trailers, 'response', this.#response);
    return trailers;
  }

  #limit(filter: HttpFilter, plan: LimitPlan): LimitedBody {
    return new LimitedBody({ filter, callbacks: this.#callbacks }, plan, this);
  }

  #report(trailers: HeaderList, direction: string, body: LimitedBody | null): void {
    if (body === null) return;
    const name = `${this.#runtime.config.trailerPrefix}bandwidth-${direction}`;
    if (body.durationMs > 0) {
      trailers.set(`${name}-delay-ms`, String(Math.round(body.durationMs)));
    }
    if (body.delayMs > 0) trailers.set(`${name}-filter-delay-ms`, String(body.delayMs));
  }
}
