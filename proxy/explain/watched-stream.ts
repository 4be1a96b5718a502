// One exchange of the data path under observation: what its head looked like at each station, and
// what each look-up of its route found.
import type { HttpFilter, HttpFilterFactory } from '../filters/http-filter.ts';
import type { HttpFilterPlan } from '../filters/http-filter-plan.ts';
import type { HcmRuntime } from '../filters/network/http-connection-manager/hcm-runtime.ts';
import { upgradeChainOf } from '../filters/network/http-connection-manager/upgrade-admission.ts';
import type { RequestHead, ResponseHead } from '../http/message.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { weightedIndex } from '../routing/choose-cluster.ts';
import type { Route, RouteMatchInput, RouteTable, RouteTrace } from '../routing/route-table.ts';
import {
  type FieldChange,
  type FieldLine,
  fieldChanges,
  requestSnapshot,
  responseSnapshot,
} from './head-snapshot.ts';

/** One look-up; a filter may ask for another. */
export interface SeenLookup {
  /** The head that was matched. */
  readonly fields: readonly FieldLine[];
  readonly trace: RouteTrace;
  /** null: none was found. */
  readonly route: Route | null;
  /** Which of weighted_clusters was drawn; -1: there are none. */
  readonly weightedIndex: number;
  /** The upgrade whose own filters it passes; '' : it passes http_filters. */
  readonly upgrade: string;
}

/** What a filter did to the heads. */
export interface SeenFilter {
  /** The request's head came to it. */
  wasAsked: boolean;
  request: readonly FieldChange[];
  response: readonly FieldChange[];
}

/** An exchange that ended with a redirect which was followed. */
export interface SeenHop {
  readonly exchange: StreamInfo;
  readonly cluster: string;
}

/** What was seen of one exchange; null and empty: it did not come that far. */
export class Observation {
  /** As the codec gave it to the connection manager. */
  received: readonly FieldLine[] | null = null;
  readonly lookups: SeenLookup[] = [];
  /** The filters that run, in order, without the terminal one. */
  filters: readonly SeenFilter[] = [];
  /** As the terminal filter got it. */
  routed: readonly FieldLine[] | null = null;
  /** The response as the router, or whoever answered, made it. */
  answered: readonly FieldLine[] | null = null;
  /** As the last filter left it. */
  filtered: readonly FieldLine[] | null = null;
  /** As the client gets it. */
  response: readonly FieldLine[] | null = null;
  body = '';
  isComplete = false;
  /** Exchanges whose redirect was followed, in order. */
  readonly hops: SeenHop[] = [];
  /** Index of this exchange's first look-up. */
  firstLookup = 0;

  /** An upstream's redirect is followed: another exchange takes this one's place. */
  restart(exchange: StreamInfo): void {
    this.hops.push({ exchange, cluster: exchange.clusterName });
    this.firstLookup = this.lookups.length;
    this.filters = [];
    this.received = null;
    this.routed = null;
    this.answered = null;
    this.filtered = null;
    this.response = null;
    this.isComplete = false;
  }
}

/** The route table of a connection manager with an observer in front. */
export class WatchedRoutes implements RouteTable {
  /** Of the present exchange. */
  observation = new Observation();
  readonly #table: RouteTable;
  readonly #runtime: HcmRuntime;

  /** `runtime`: whose table it is. */
  constructor(table: RouteTable, runtime: HcmRuntime) {
    this.#table = table;
    this.#runtime = runtime;
  }

  get name(): string {
    return this.#table.name;
  }

  match(head: RequestHead, input: RouteMatchInput): ReturnType<RouteTable['match']> {
    const fields = requestSnapshot(head);
    const trace = this.#table.trace(head, input);
    const lookup = this.#table.match(head, input);
    const route = lookup.kind === 'route' ? lookup.route : null;
    const weightedIndex = drawnIndex(trace, head, input);
    const { config, routes } = this.#runtime;
    const upgrade = upgradeChainOf(config.upgrades, route?.config ?? null, head);
    this.observation.lookups.push({ fields, trace, route, weightedIndex, upgrade });
    if (route === null) return lookup;
    const plan = routes.planFor(route.filterPlan as HttpFilterPlan | null);
    return { kind: 'route', route: { ...route, filterPlan: this.#watchChain(plan, upgrade) } };
  }

  /** Of the chain that the request passes. */
  #watchChain(plan: HttpFilterPlan, upgrade: string): HttpFilterPlan {
    const own = plan.upgrades?.get(upgrade);
    if (own === undefined) return this.#watch(plan);
    return { ...plan, upgrades: new Map([[upgrade, this.#watch(own)]]) };
  }

  trace(head: RequestHead, input: RouteMatchInput): RouteTrace {
    return this.#table.trace(head, input);
  }

  #watch(plan: HttpFilterPlan): HttpFilterPlan {
    const { observation } = this;
    const seen = plan.factories.map(() => ({ wasAsked: false, request: [], response: [] }));
    observation.filters = seen;
    return {
      ...plan,
      factories: plan.factories.map((factory, index) =>
        watchedFactory(factory, (filter) =>
          watchFilter(filter, seen[index] as SeenFilter, observation),
        ),
      ),
      terminal: watchedFactory(plan.terminal, (filter) => watchTerminal(filter, observation)),
    };
  }
}

function drawnIndex(trace: RouteTrace, head: RequestHead, input: RouteMatchInput): number {
  const last = trace.tried.at(-1);
  const action = last?.mismatch === null ? last.route.action : null;
  if (action?.kind !== 'forward' || action.cluster.kind !== 'weighted') return -1;
  return weightedIndex(action.cluster, head, input.streamRandom);
}

function watchedFactory(
  factory: HttpFilterFactory,
  watch: (filter: HttpFilter) => void,
): HttpFilterFactory {
  return {
    create: (callbacks) => {
      const filter = factory.create(callbacks);
      watch(filter);
      return filter;
    },
  };
}

/** The filter keeps its identity, by which it is known to its stream: only its hooks are replaced. */
function watchFilter(filter: HttpFilter, seen: SeenFilter, observation: Observation): void {
  const onRequest = filter.onRequestHead?.bind(filter);
  if (onRequest !== undefined) {
    filter.onRequestHead = (head, endStream) => {
      const before = requestSnapshot(head);
      seen.wasAsked = true;
      const status = onRequest(head, endStream);
      seen.request = fieldChanges(before, requestSnapshot(head));
      return status;
    };
  }
  const onResponse = filter.onResponseHead?.bind(filter);
  if (onResponse === undefined) return;
  filter.onResponseHead = (head, endStream) => {
    const before = responseSnapshot(head);
    const status = onResponse(head, endStream);
    observation.filtered = responseSnapshot(head);
    seen.response = fieldChanges(before, observation.filtered);
    return status;
  };
}

function watchTerminal(filter: HttpFilter, observation: Observation): void {
  const onRequest = filter.onRequestHead?.bind(filter);
  if (onRequest === undefined) return;
  filter.onRequestHead = (head, endStream) => {
    observation.routed ??= requestSnapshot(head);
    return onRequest(head, endStream);
  };
}

/** A stream as far as it is observed. */
export interface ObservedStream {
  onRequestHead(head: RequestHead, endStream: boolean): void;
  sendResponseHead(head: ResponseHead, endStream: boolean): void;
}

/** Writes down what comes in, and what the terminal filter or a local reply sends back. */
export function watchStream(stream: ObservedStream, observation: Observation): void {
  const onRequestHead = stream.onRequestHead.bind(stream);
  stream.onRequestHead = (head, endStream) => {
    observation.received = requestSnapshot(head);
    onRequestHead(head, endStream);
  };
  const sendResponseHead = stream.sendResponseHead.bind(stream);
  stream.sendResponseHead = (head, endStream) => {
    observation.answered = responseSnapshot(head);
    observation.filtered = observation.answered;
    sendResponseHead(head, endStream);
  };
}
