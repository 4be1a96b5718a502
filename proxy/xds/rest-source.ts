// Resources by polling a server (api_type REST): each type is asked for again and again, in the
// state of the world.
import type { Node } from '../api/gen/envoy/config/core/v3/base_pb.js';
import type { DiscoveryResponse } from '../api/gen/envoy/service/discovery/v3/discovery_pb.js';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { atOnce, takeAllSteps } from '../base/steps.ts';
import { Timer, type TimerTarget, type TimerWheel } from '../base/timer-wheel.ts';
import type {
  DiscoveryRequest,
  DiscoverySink,
  DiscoverySubscription,
  OpenSource,
} from './discovery.ts';
import { type ResourceType, resourceType } from './resource-types.ts';
import type { PollResult, RestClient } from './rest-client.ts';
import { StateOfWorld } from './state-of-world.ts';
import type { StreamReport, TypeReport } from './stream-report.ts';
import type { Pacing } from './watch-services.ts';
import { type InterestSink, WatchSet } from './watch-set.ts';

/** What polls work with. */
export interface RestSourceParts {
  /** Closed with the source. */
  readonly client: RestClient;
  readonly node: Node;
  /** ApiConfigSource.refresh_delay: a poll follows the last one after it and up to as much again. */
  readonly refreshDelayMs: number;
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly random: Random;
  readonly log: Logger;
  readonly pacing?: Pacing;
}

/** See the file's head. */
export class RestSource implements OpenSource {
  readonly #parts: RestSourceParts;
  readonly #polls = new Map<string, TypePoll>();

  constructor(parts: RestSourceParts) {
    this.#parts = parts;
  }

  get isConnected(): boolean {
    for (const poll of this.#polls.values()) if (poll.hasAnswer) return true;
    return false;
  }

  subscribe(request: DiscoveryRequest, sink: DiscoverySink): DiscoverySubscription {
    return this.#poll(request.typeUrl).watches.add(request, sink);
  }

  pause(typeUrl: string): () => void {
    return this.#poll(typeUrl).pause();
  }

  reports(): readonly StreamReport[] {
    return [
      {
        ...{ server: this.#parts.client.name, variant: 'rest', isAggregated: false },
        ...{ isConnected: this.isConnected, controlPlane: '' },
        types: [...this.#polls.values()].map((poll) => poll.report()),
      },
    ];
  }

  close(): void {
    for (const poll of this.#polls.values()) poll.close();
    this.#parts.client.close();
  }

  #poll(typeUrl: string): TypePoll {
    let poll = this.#polls.get(typeUrl);
    if (poll === undefined) {
      poll = new TypePoll(resourceType(typeUrl), this.#parts);
      this.#polls.set(typeUrl, poll);
    }
    return poll;
  }
}

/** The polls of one type, one at a time. */
class TypePoll implements InterestSink, TimerTarget {
  readonly watches: WatchSet;
  hasAnswer = false;
  readonly #parts: RestSourceParts;
  readonly #type: ResourceType;
  readonly #machine: StateOfWorld;
  readonly #timer = new Timer(this);
  readonly #planned = () => this.#settle();
  #isPlanned = false;
  #isPolling = false;
  /** Names that no poll asked for yet. */
  #hasNews = false;
  #pauses = 0;
  #isClosed = false;

  constructor(type: ResourceType, parts: RestSourceParts) {
    this.#parts = parts;
    this.#type = type;
    this.#machine = new StateOfWorld(type);
    const { clock, log, timers } = parts;
    this.watches = new WatchSet(type, this, {
      ...{ clock, log, timers, label: 'REST config' },
      ...(parts.pacing !== undefined && { pacing: parts.pacing }),
    });
  }

  pause(): () => void {
    this.#pauses += 1;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#pauses -= 1;
      this.onChange();
    };
  }

  close(): void {
    this.#isClosed = true;
    this.#parts.timers.cancel(this.#timer);
    this.watches.close();
  }

  report(): TypeReport {
    return this.#machine.report();
  }

  want(name: string): void {
    this.#hasNews = true;
    this.#machine.want(name);
  }

  unwant(name: string): void {
    this.#machine.unwant(name);
  }

  forget(): void {}

  /** The next poll says it. */
  retract(names: readonly string[], reason: string): void {
    this.#machine.retract(names, reason);
  }

  /** At the end of the turn: whatever changes until then is one poll. */
  onChange(): void {
    if (this.#isPlanned || this.#isClosed) return;
    this.#isPlanned = true;
    queueMicrotask(this.#planned);
  }

  /** The delay is over. */
  onTimer(): void {
    if (this.#pauses === 0 && !this.watches.isEmpty) void this.#poll();
  }

  #settle(): void {
    this.#isPlanned = false;
    if (this.#isClosed) return;
    this.watches.settle();
    // New names do not wait for the next poll; acknowledgements go with it.
    if (this.#hasNews || !this.#timer.armed) this.onTimer();
  }

  async #poll(): Promise<void> {
    if (this.#isPolling) return;
    this.#isPolling = true;
    this.#hasNews = false;
    const { client, clock, node, random, refreshDelayMs, timers } = this.#parts;
    timers.cancel(this.#timer);
    const request = this.#machine.takeRequest();
    request.node = node;
    const result = await client.poll(this.#type.restPath, request);
    if (this.#isClosed) return;
    const delayMs = refreshDelayMs * (1 + random.next());
    timers.arm(this.#timer, clock.nowMs(), delayMs);
    await this.#take(result);
    this.#isPolling = false;
    if (this.#isClosed) return;
    // The delay may have ended while much was told.
    if (this.#hasNews || !this.#timer.armed) this.onChange();
  }

  async #take(result: PollResult): Promise<void> {
    this.hasAnswer = result.kind !== 'failed';
    switch (result.kind) {
      case 'response':
        await this.#process(result.response);
        break;
      case 'unchanged':
        break;
      case 'unreadable':
        this.watches.refuse(result.reason);
        break;
      case 'failed':
        this.#fail(result.reason);
        break;
    }
  }

  async #process(response: DiscoveryResponse): Promise<void> {
    const pause = this.#parts.pacing?.() ?? atOnce;
    const reading = await takeAllSteps(this.#machine.read(response), pause);
    this.#machine.conclude(response, await this.watches.take(reading));
  }

  #fail(reason: string): void {
    const { client, log } = this.#parts;
    log.log(
      'warning',
      `REST update for ${this.#type.restPath} by ${client.name} failed: ${reason}`,
    );
    this.watches.fail();
  }
}
