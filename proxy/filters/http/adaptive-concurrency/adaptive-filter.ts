// Lets a request through if there is a place for it, and measures how long it takes.
import type { HeaderList } from '../../../http/header-list.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import {
  CONTINUE,
  type FilterStatus,
  type HttpFilter,
  type HttpFilterCallbacks,
  STOP_ALL,
} from '../../http-filter.ts';
import type { AdaptiveConfig } from './adaptive-config.ts';
import type { GradientController } from './gradient-controller.ts';

/** What the filters of one configuration share. */
export interface AdaptivePlan {
  readonly config: AdaptiveConfig;
  readonly controller: GradientController;
}

/** One per stream. */
export class AdaptiveFilter implements HttpFilter {
  readonly #plan: AdaptivePlan;
  readonly #callbacks: HttpFilterCallbacks;
  #startMs = 0;
  #epoch = 0;
  /** It holds one of the places. */
  #isHolding = false;

  constructor(plan: AdaptivePlan, callbacks: HttpFilterCallbacks) {
    this.#plan = plan;
    this.#callbacks = callbacks;
  }

  onRequestHead(_head: RequestHead): FilterStatus {
    const { config, controller } = this.#plan;
    const callbacks = this.#callbacks;
    if (!config.enabled.value || callbacks.info.isHealthCheck) return CONTINUE;
    const nowMs = controller.nowMs();
    if (controller.tryBegin(nowMs)) {
      this.#isHolding = true;
      this.#startMs = nowMs;
      this.#epoch = controller.epoch;
      return CONTINUE;
    }
    callbacks.sendLocalReply({
      status: config.status,
      body: 'reached concurrency limit',
      details: 'reached_concurrency_limit',
      flag: null,
      headers: null,
    });
    return STOP_ALL;
  }

  onResponseHead(_head: ResponseHead, endStream: boolean): FilterStatus {
    if (endStream) this.#finish();
    return CONTINUE;
  }

  onResponseData(_data: Buffer, endStream: boolean): FilterStatus {
    if (endStream) this.#finish();
    return CONTINUE;
  }

  onResponseTrailers(_trailers: HeaderList): FilterStatus {
    this.#finish();
    return CONTINUE;
  }

  onStreamEnd(): void {
    if (!this.#isHolding) return;
    this.#isHolding = false;
    this.#plan.controller.cancel();
  }

  #finish(): void {
    if (!this.#isHolding) return;
    this.#isHolding = false;
    this.#plan.controller.finish(this.#startMs, this.#epoch);
  }
}
