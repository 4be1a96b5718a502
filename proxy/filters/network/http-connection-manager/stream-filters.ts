// The filters of one stream and the two ways through them. Most streams have the terminal filter
// alone: then nothing is made, and events go straight through.
import type { HeaderList } from '../../../http/header-list.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { ResponseSender } from '../../../http/stream.ts';
import type { OverrideHost } from '../../../upstream/cluster-manager.ts';
import type { FilterPath } from '../../filter-path.ts';
import type { FilterFlow, HttpFilter, TerminalFilterCallbacks } from '../../http-filter.ts';
import type { HttpFilterPlan } from '../../http-filter-plan.ts';
import type { RoutesInUse } from './routes-in-use.ts';
import { requestPath, responsePath, type StreamEnds } from './stream-paths.ts';
import { upgradeChainOf } from './upgrade-admission.ts';

const EMPTY_FILTERS: HttpFilter[] = [];

/** The stream that filters are made for. */
export type FilteredStream = StreamEnds & {
  readonly routes: RoutesInUse;
} & TerminalFilterCallbacks & { isGrpc(): boolean; responseTrailers: HeaderList | null };

/** See the file's head. */
export class StreamFilters implements FilterFlow {
  /** null until the filters are made: a stream may be answered before. */
  terminal: HttpFilter | null = null;
  overrideHost: OverrideHost | null = null;
  readonly #stream: FilteredStream;
  readonly #sender: ResponseSender;
  /** What the filters were made of. */
  #plan: HttpFilterPlan | null = null;
  /** The upgrade whose filters they are; '' : all others'. */
  #upgrade = '';
  #filters: HttpFilter[] = EMPTY_FILTERS;
  #request: FilterPath<RequestHead> | null = null;
  #response: FilterPath<ResponseHead> | null = null;
  #isClientHeld = false;

  constructor(stream: FilteredStream, sender: ResponseSender) {
    this.#stream = stream;
    this.#sender = sender;
  }

  /** Makes them, once, when the request goes on to them. */
  make(): void {
    const stream = this.#stream;
    const plan = this.#choosePlan(routePlan(stream));
    const { factories, terminal } = plan;
    this.terminal = terminal.create(stream);
    if (factories.length === 0) return;
    stream.isGrpc();
    const filters = factories.map((factory) => factory.create(stream));
    this.#plan = plan;
    this.#filters = filters;
    this.#request = requestPath(stream, filters);
    this.#response = responsePath(stream, filters);
  }

  /**
   * The stream has another route: filters that have seen nothing yet are made anew for it. As in
   * Envoy the chain keeps its filters, also those that the new route would not have.
   */
  replan(): void {
    const stream = this.#stream;
    const before = this.#plan;
    const plan = chainOf(routePlan(stream), this.#upgrade);
    if (before === null || plan === before || this.#request === null) return;
    for (let index = this.#request.reached + 1; index < this.#filters.length; index += 1) {
      const factory = plan.byPlace[before.places[index] as number] ?? null;
      if (factory === null || factory === before.factories[index]) continue;
      this.#filters[index]?.onStreamEnd?.();
      this.#filters[index] = factory.create(stream);
    }
    this.#response = responsePath(stream, this.#filters);
  }

  #choosePlan(plan: HttpFilterPlan): HttpFilterPlan {
    const { request, route, runtime } = this.#stream;
    if (plan.upgrades === null || request === null) return plan;
    this.#upgrade = upgradeChainOf(runtime.config.upgrades, route?.config ?? null, request);
    return chainOf(plan, this.#upgrade);
  }

  /** See HttpFilterCallbacks. */
  setBufferLimit(bytes: number): void {
    if (this.#request !== null) this.#request.limitBytes = bytes;
    if (this.#response !== null) this.#response.limitBytes = bytes;
  }

  requestHead(head: RequestHead, endStream: boolean): void {
    if (this.#request !== null) this.#request.head(head, endStream);
    else this.terminal?.onRequestHead?.(head, endStream);
  }

  requestData(data: Buffer, endStream: boolean): void {
    if (this.#request !== null) this.#request.data(data, endStream);
    else this.terminal?.onRequestData?.(data, endStream);
  }

  requestTrailers(trailers: HeaderList): void {
    if (this.#request !== null) this.#request.trailers(trailers);
    else this.terminal?.onRequestTrailers?.(trailers);
  }

  responseHead(head: ResponseHead, endStream: boolean): void {
    // Formats of filters print it already.
    this.#stream.info.responseCode = head.status;
    if (this.#response !== null) this.#response.head(head, endStream);
    else this.#stream.client.head(head, endStream);
  }

  /** False: the client is slow. */
  responseData(data: Buffer, endStream: boolean): boolean {
    if (this.#response !== null) return this.#response.data(data, endStream);
    return this.#stream.client.data(data, endStream);
  }

  responseTrailers(trailers: HeaderList): void {
    this.#stream.responseTrailers = trailers;
    if (this.#response !== null) this.#response.trailers(trailers);
    else this.#stream.client.trailers(trailers);
  }

  /** `filter` lets go what it holds back of the request. */
  continueRequest(filter: HttpFilter): void {
    this.#request?.release(filter);
  }

  /** The same of the response. */
  continueResponse(filter: HttpFilter): void {
    this.#response?.release(filter);
  }

  injectRequestData(filter: HttpFilter, data: Buffer, endStream: boolean): boolean {
    return this.#request?.inject(filter, data, endStream) ?? true;
  }

  injectResponseData(filter: HttpFilter, data: Buffer, endStream: boolean): boolean {
    return this.#response?.inject(filter, data, endStream) ?? true;
  }

  injectRequestTrailers(filter: HttpFilter, trailers: HeaderList): void {
    this.#request?.injectTrailers(filter, trailers);
  }

  injectResponseTrailers(filter: HttpFilter, trailers: HeaderList): void {
    this.#response?.injectTrailers(filter, trailers);
  }

  /** null: it is the terminal filter that wants no more for now. */
  holdRequest(filter: HttpFilter | null): void {
    if (filter === null) this.#request?.onSlow();
    else this.#request?.pause(filter);
    if (this.#isClientHeld) return;
    this.#isClientHeld = true;
    this.#stream.runtime.stats.flowPaused.inc();
    this.#sender.pauseReading();
  }

  takeRequest(filter: HttpFilter | null): void {
    const path = this.#request;
    const isFree = path === null || (filter === null ? path.onWritable() : path.resume(filter));
    if (!isFree || !this.#isClientHeld) return;
    this.#isClientHeld = false;
    this.#stream.runtime.stats.flowResumed.inc();
    this.#sender.resumeReading();
  }

  holdResponse(filter: HttpFilter): void {
    this.#response?.pause(filter);
  }

  takeResponse(filter: HttpFilter): void {
    if (this.#response?.resume(filter) === true) this.terminal?.onResponseWritable?.();
  }

  /** The client takes data again. */
  onResponseWritable(): void {
    if (this.#response?.onWritable() !== false) this.terminal?.onResponseWritable?.();
  }

  /** What filters hold of the response is forgotten; what follows goes straight to the client. */
  abandonResponse(): void {
    this.#response = null;
  }

  /** The stream is over. */
  end(): void {
    for (const filter of this.#filters) filter.onStreamEnd?.();
    this.terminal?.onStreamEnd?.();
  }
}

function routePlan({ route, routes }: FilteredStream): HttpFilterPlan {
  return routes.planFor((route?.filterPlan as HttpFilterPlan | null | undefined) ?? null);
}

/** `upgrade`: '' for the chain of all that have none of their own. */
function chainOf(plan: HttpFilterPlan, upgrade: string): HttpFilterPlan {
  return upgrade === '' ? plan : (plan.upgrades?.get(upgrade) ?? plan);
}
