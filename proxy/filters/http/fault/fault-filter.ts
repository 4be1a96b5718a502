// Injects faults into one exchange: a slow response, then a delay, then an abort.
import { Timer, type TimerTarget } from '../../../base/timer-wheel.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import type { RequestHead } from '../../../http/message.ts';
import { matchesHeader } from '../../../model/match-value.ts';
import { chooseCluster } from '../../../routing/choose-cluster.ts';
import {
  CONTINUE,
  type FilterStatus,
  type HttpFilter,
  type HttpFilterCallbacks,
  STOP_ALL,
  WAIT,
} from '../../http-filter.ts';
import { LimitedBody, type LimitedBodyOwner } from '../bandwidth-limit/limited-body.ts';
import { TokenBucket } from '../bandwidth-limit/token-bucket.ts';
import { RESPONSE_SIDE } from '../coding/message-side.ts';
import type { FaultConfig } from './fault-config.ts';
import {
  type AbortStatus,
  drawAbort,
  drawDelayMs,
  drawRateLimit,
  type FaultCase,
} from './fault-decision.ts';
import type { FaultRuntime } from './fault-runtime.ts';

const DOWNSTREAM_NODE = 'x-envoy-downstream-service-node';
const DOWNSTREAM_CLUSTER = 'x-envoy-downstream-service-cluster';
/** Envoy's StreamRateLimiter: how often tokens come, and what there is of them at first. */
const FILL_INTERVAL_MS = 50;
const MS_PER_SECOND = 1000;
const BYTES_PER_KB = 1024;

/** What the filters of a route share. */
export interface FaultPlan {
  readonly config: FaultConfig;
  readonly runtime: FaultRuntime;
  /** What the chain calls the filter: its namespace in dynamic metadata. */
  readonly name: string;
}

/** One per stream. */
export class FaultFilter implements HttpFilter, TimerTarget, LimitedBodyOwner {
  readonly #plan: FaultPlan;
  readonly #callbacks: HttpFilterCallbacks;
  readonly #timer = new Timer(this);
  /** null: nothing may be injected. */
  #case: FaultCase | null = null;
  /** '': the request did not say, or it is not counted. */
  #downstreamCluster = '';
  #isActive = false;
  #isWaiting = false;
  /** The client is asked to wait with its content. */
  #isHolding = false;
  #response: LimitedBody | null = null;

  constructor(plan: FaultPlan, callbacks: HttpFilterCallbacks) {
    this.#plan = plan;
    this.#callbacks = callbacks;
  }

  onRequestHead(head: RequestHead, endStream: boolean): FilterStatus {
    if (!this.#isMeant(head)) return CONTINUE;
    const injection = this.#open(head);
    this.#case = injection;
    this.#limitResponse(injection);
    if (this.#delay(injection)) {
      this.#isHolding = !endStream;
      if (this.#isHolding) this.#callbacks.flow.holdRequest(this);
      return WAIT;
    }
    return this.#abort(injection) ? STOP_ALL : CONTINUE;
  }

  /** The delay is over. */
  onTimer(): void {
    const injection = this.#case;
    this.#isWaiting = false;
    if (injection === null || this.#abort(injection)) return;
    this.#callbacks.continueRequest(this);
    if (this.#isHolding) this.#callbacks.flow.takeRequest(this);
  }

  onResponseData(data: Buffer, endStream: boolean): FilterStatus {
    return this.#response === null ? CONTINUE : this.#response.onData(data, endStream);
  }

  onResponseTrailers(trailers: HeaderList): FilterStatus {
    return this.#response === null ? CONTINUE : this.#response.onTrailers(trailers);
  }

  onResponseWritable(): void {
    this.#response?.onWritable();
  }

  onStreamEnd(): void {
    this.#case = null;
    if (this.#isWaiting) this.#callbacks.services.timers.cancel(this.#timer);
    this.#isWaiting = false;
    this.#response?.close();
    if (!this.#isActive) return;
    this.#isActive = false;
    this.#plan.runtime.end();
  }

  onLimitedEnd(): null {
    return null;
  }

  /** Where it goes to, who sends it and what it says. */
  #isMeant(head: RequestHead): boolean {
    const { upstreamCluster, downstreamNodes, headers } = this.#plan.config;
    if (upstreamCluster !== '' && this.#routedCluster(head) !== upstreamCluster) return false;
    if (downstreamNodes !== null) {
      const node = head.headers.getByName(DOWNSTREAM_NODE);
      if (node === null || !downstreamNodes.has(node)) return false;
    }
    return headers.every((match) => matchesHeader(match, head));
  }

  #routedCluster(head: RequestHead): string | null {
    const { route, streamRandom } = this.#callbacks;
    const action = route?.config.action;
    return action?.kind === 'forward' ? chooseCluster(action.cluster, head, streamRandom) : null;
  }

  #open({ headers }: RequestHead): FaultCase {
    const { config } = this.#plan;
    const { random } = this.#callbacks.services;
    const name = headers.getByName(DOWNSTREAM_CLUSTER);
    if (name === null) return { config, headers, cluster: undefined, random };
    if (config.countsDownstreamClusters) this.#downstreamCluster = name;
    const cluster = config.byDownstreamCluster.get(name) ?? null;
    return { config, headers, cluster, random };
  }

  #limitResponse(injection: FaultCase): void {
    const kbps = drawRateLimit(injection);
    if (kbps === null || !this.#begin()) return;
    this.#plan.runtime.responseRlInjected.inc();
    const bytesPerSecond = kbps * BYTES_PER_KB;
    const initial = (bytesPerSecond * FILL_INTERVAL_MS) / MS_PER_SECOND;
    const bucket = new TokenBucket(bytesPerSecond, this.#callbacks.nowMs(), initial);
    const plan = { side: RESPONSE_SIDE, bucket, stats: null, fillIntervalMs: FILL_INTERVAL_MS };
    this.#response = new LimitedBody({ filter: this, callbacks: this.#callbacks }, plan, this);
  }

  /** True: the request waits. */
  #delay(injection: FaultCase): boolean {
    const delayMs = drawDelayMs(injection);
    if (delayMs === null || !this.#begin()) return false;
    const { services, info } = this.#callbacks;
    services.timers.arm(this.#timer, this.#callbacks.nowMs(), delayMs);
    this.#isWaiting = true;
    this.#plan.runtime.countDelay(this.#downstreamCluster);
    info.addFlag('DI');
    this.#leaveMetadata();
    return true;
  }

  /** True: the request was answered. */
  #abort(injection: FaultCase): boolean {
    const status = drawAbort(injection);
    if (status === null || !this.#begin()) return false;
    this.#plan.runtime.countAbort(this.#downstreamCluster);
    this.#leaveMetadata();
    this.#answer(status);
    return true;
  }

  #answer({ httpStatus, grpcStatus }: AbortStatus): void {
    this.#callbacks.sendLocalReply({
      status: httpStatus,
      body: 'fault filter abort',
      details: 'fault_filter_abort',
      flag: 'FI',
      headers: null,
      ...(grpcStatus !== null && { grpcStatus }),
    });
  }

  /** Several faults of one exchange count once. */
  #begin(): boolean {
    this.#isActive ||= this.#plan.runtime.tryBegin(this.#plan.config.maxActiveFaults);
    return this.#isActive;
  }

  #leaveMetadata(): void {
    const { info } = this.#callbacks;
    const { config, name } = this.#plan;
    info.dynamicMetadata ??= new Map();
    info.dynamicMetadata.set(name, { ...info.dynamicMetadata.get(name), ...config.metadata });
  }
}
