// One stream to a management server and everything that is said over it: many types on an
// aggregated stream, one on a stream of its own.
import type { Node } from '../api/gen/envoy/config/core/v3/base_pb.js';
import { atOnce, takeAllSteps } from '../base/steps.ts';
import { Timer, type TimerTarget } from '../base/timer-wheel.ts';
import type { StatsScope } from '../stats/metrics.ts';
import { ControlPlaneStats } from './control-plane-stats.ts';
import type {
  Answer,
  DiscoveryRequest,
  DiscoverySink,
  DiscoverySubscription,
  OpenSource,
} from './discovery.ts';
import {
  type AnyRequest,
  type AnyResponse,
  INCREMENTAL,
  type ProtocolVariant,
  STATE_OF_WORLD,
} from './protocol-variant.ts';
import { RequestRate, type RequestRateConfig } from './request-rate.ts';
import { AGGREGATED_METHODS, type ResourceType, resourceType } from './resource-types.ts';
import { ServerStream, type ServerStreamParts, type ServerStreamSink } from './server-stream.ts';
import type { StreamReport } from './stream-report.ts';
import type { TypeMachine } from './type-machine.ts';
import type { Pacing, WatchServices } from './watch-services.ts';
import { type InterestSink, WatchSet } from './watch-set.ts';

/** What a mux works with. */
export interface MuxParts extends ServerStreamParts {
  /** DELTA_GRPC, AGGREGATED_DELTA_GRPC. */
  readonly isIncremental: boolean;
  readonly node: Node;
  /** ApiConfigSource.set_node_on_first_message_only */
  readonly saysNodeOnce: boolean;
  /** ApiConfigSource.rate_limit_settings; null: no limit. */
  readonly rate: RequestRateConfig | null;
  /** `control_plane.*` comes below it. */
  readonly stats: StatsScope;
  readonly pacing?: Pacing;
}

/** A server that does not wait for answers is not waited for either. */
const MAX_WAITING = 100;

/** Opens nothing until somebody subscribes. */
export function openMux(parts: MuxParts): OpenSource {
  return parts.isIncremental ? new Mux(parts, INCREMENTAL) : new Mux(parts, STATE_OF_WORLD);
}

/** A type, its subscribers and what the server knows of it. */
class TypeOnMux<Request, Response> implements InterestSink {
  readonly machine: TypeMachine<Request, Response>;
  readonly watches: WatchSet;
  readonly onChange: () => void;
  /** Somebody is being told of a response: nothing is asked, and the next ones wait. */
  isBusy = false;
  readonly waiting: Response[] = [];

  constructor(
    type: ResourceType,
    machine: TypeMachine<Request, Response>,
    parts: { readonly services: WatchServices; readonly onChange: () => void },
  ) {
    this.machine = machine;
    this.onChange = parts.onChange;
    this.watches = new WatchSet(type, this, parts.services);
  }

  want(name: string): void {
    this.machine.want(name);
  }

  unwant(name: string): void {
    this.machine.unwant(name);
  }

  forget(names: readonly string[]): void {
    this.machine.forget(names);
  }

  retract(names: readonly string[], reason: string): void {
    this.machine.retract(names, reason);
  }
}

/** See the file's head. */
class Mux<Request extends AnyRequest, Response extends AnyResponse>
  implements OpenSource, ServerStreamSink, TimerTarget
{
  readonly #parts: MuxParts;
  readonly #variant: ProtocolVariant<Request, Response>;
  readonly #stream: ServerStream;
  readonly #stats: ControlPlaneStats;
  readonly #rate: RequestRate | null;
  readonly #rateTimer = new Timer(this);
  /** In the order in which they were first subscribed to, in which every stream begins. */
  readonly #types = new Map<string, TypeOnMux<Request, Response>>();
  readonly #pauses = new Map<string, number>();
  readonly #planned = () => this.#flush();
  #isPlanned = false;
  #isConnected = false;
  /** What the server said last that it is. */
  #identifier = '';
  /** No request of this stream was sent yet. */
  #isFirst = true;
  #isClosed = false;
  /** Streams that ended. */
  #streams = 0;

  constructor(parts: MuxParts, variant: ProtocolVariant<Request, Response>) {
    this.#parts = parts;
    this.#variant = variant;
    this.#stream = new ServerStream(parts, this);
    this.#stats = new ControlPlaneStats(parts.stats);
    this.#rate = parts.rate === null ? null : new RequestRate(parts.rate, parts.clock.nowMs());
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  subscribe(request: DiscoveryRequest, sink: DiscoverySink): DiscoverySubscription {
    const subscription = this.#type(request.typeUrl).watches.add(request, sink);
    this.#stream.start();
    return subscription;
  }

  reports(): readonly StreamReport[] {
    const { isIncremental, method } = this.#parts;
    return [
      {
        server: this.#stream.serverName,
        isAggregated: Object.values<string>(AGGREGATED_METHODS).includes(method),
        variant: isIncremental ? 'delta' : 'sotw',
        isConnected: this.#isConnected,
        controlPlane: this.#identifier,
        types: [...this.#types.values()].map(({ machine }) => machine.report()),
      },
    ];
  }

  pause(typeUrl: string): () => void {
    this.#pauses.set(typeUrl, (this.#pauses.get(typeUrl) ?? 0) + 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const left = (this.#pauses.get(typeUrl) ?? 1) - 1;
      if (left > 0) this.#pauses.set(typeUrl, left);
      else this.#pauses.delete(typeUrl);
      this.#plan();
    };
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stream.close();
    this.#parts.timers.cancel(this.#rateTimer);
    for (const { watches } of this.#types.values()) watches.close();
    this.#isConnected = false;
    this.#stats.connectedState.set(0);
    this.#stats.pendingRequests.set(0);
  }

  onUp(isOtherServer: boolean): void {
    this.#isConnected = true;
    this.#isFirst = true;
    this.#stats.connectedState.set(1);
    for (const { machine } of this.#types.values()) machine.begin(isOtherServer);
    this.#flush();
  }

  onMessage(octets: Uint8Array): string {
    let response: Response;
    try {
      response = this.#variant.decode(octets);
    } catch (error) {
      return `a response cannot be decoded: ${error instanceof Error ? error.message : error}`;
    }
    const identifier = response.controlPlane?.identifier ?? '';
    if (identifier !== '') {
      this.#identifier = identifier;
      this.#stats.identifier.set(identifier);
    }
    const type = this.#types.get(response.typeUrl);
    if (type === undefined) this.#ignore(response.typeUrl);
    else type.waiting.push(response);
    if ((type?.waiting.length ?? 0) > MAX_WAITING)
      return 'responses come faster than they are used';
    if (type !== undefined) this.#processNext(type);
    return '';
  }

  onRoom(): void {
    this.#flush();
  }

  onDown(): void {
    this.#isConnected = false;
    this.#stats.connectedState.set(0);
    this.#stats.pendingRequests.set(0);
    this.#parts.timers.cancel(this.#rateTimer);
    this.#streams += 1;
    for (const type of this.#types.values()) {
      type.waiting.length = 0;
      type.watches.fail();
    }
  }

  /** There is a token for a request again. */
  onTimer(): void {
    this.#flush();
  }

  #type(typeUrl: string): TypeOnMux<Request, Response> {
    let type = this.#types.get(typeUrl);
    if (type === undefined) {
      const known = resourceType(typeUrl);
      const { clock, log, timers } = this.#parts;
      const countsRefusalsTwice = this.#parts.isIncremental;
      const services = {
        ...{ clock, log, timers, label: 'gRPC config', countsRefusalsTwice },
        ...(this.#parts.pacing !== undefined && { pacing: this.#parts.pacing }),
      };
      const onChange = () => this.#plan();
      type = new TypeOnMux(known, this.#variant.machine(known), { services, onChange });
      this.#types.set(typeUrl, type);
    }
    return type;
  }

  #processNext(type: TypeOnMux<Request, Response>): void {
    if (type.isBusy || this.#isClosed) return;
    const response = type.waiting.shift();
    if (response === undefined) return;
    const answer = this.#process(type, response);
    if (typeof answer === 'string') {
      this.#conclude(type, response, answer);
      // Behind one that took long there may be several.
      if (type.waiting.length > 0) queueMicrotask(() => this.#processNext(type));
      return;
    }
    const stream = this.#streams;
    type.isBusy = true;
    void answer.then((error) => {
      type.isBusy = false;
      // The next stream knows nothing of it: its server says it again, which costs little.
      if (stream === this.#streams) this.#conclude(type, response, error);
      else this.#plan();
      // Behind the acknowledgement.
      queueMicrotask(() => this.#processNext(type));
    });
  }

  #process({ machine, watches }: TypeOnMux<Request, Response>, response: Response): Answer {
    const pause = this.#parts.pacing?.() ?? atOnce;
    const reading = takeAllSteps(machine.read(response), pause);
    if (!(reading instanceof Promise)) return watches.take(reading);
    return reading.then((read) => (this.#isClosed ? '' : watches.take(read)));
  }

  #conclude({ machine }: TypeOnMux<Request, Response>, response: Response, error: string): void {
    machine.conclude(response, error);
    this.#plan();
  }

  #ignore(typeUrl: string): void {
    const what = `Ignoring the message for type URL ${typeUrl} as it has no current subscribers.`;
    this.#parts.log.log('warning', what);
  }

  /** At the end of the turn: whatever changes until then is one request. */
  #plan(): void {
    if (this.#isPlanned || this.#isClosed) return;
    this.#isPlanned = true;
    queueMicrotask(this.#planned);
  }

  #flush(): void {
    this.#isPlanned = false;
    if (this.#isClosed) return;
    for (const { watches } of this.#types.values()) watches.settle();
    for (const { isBusy, machine } of this.#types.values()) {
      if (isBusy || this.#pauses.has(machine.typeUrl)) continue;
      while (machine.isDue && this.#stream.isReady) {
        if (!this.#takeToken()) return;
        this.#send(machine.takeRequest());
      }
    }
    this.#stats.pendingRequests.set(0);
  }

  /** False: not now, and `#flush` is called again when there is a token. */
  #takeToken(): boolean {
    const { clock, timers } = this.#parts;
    const nowMs = clock.nowMs();
    if (this.#rate === null || this.#rate.take(nowMs)) return true;
    let pending = 0;
    for (const { machine } of this.#types.values()) if (machine.isDue) pending += 1;
    this.#stats.pendingRequests.set(pending);
    if (!this.#rateTimer.armed) {
      this.#stats.rateLimitEnforced.inc();
      timers.arm(this.#rateTimer, nowMs, this.#rate.waitMs(nowMs));
    }
    return false;
  }

  #send(request: Request): void {
    const saysOnce = this.#parts.saysNodeOnce || this.#variant.saysNodeOnce;
    if (this.#isFirst || !saysOnce) request.node = this.#parts.node;
    this.#isFirst = false;
    this.#stream.send(this.#variant.encode(request));
  }
}
