// The way of one message through several filters. Each filter may hold events back: what a filter
// stopped waits behind it, what it was not shown yet waits before it.
import { INVARIANTS, invariant } from '../base/invariants.ts';
import type { HeaderList } from '../http/header-list.ts';
import {
  CONTINUE,
  DROP,
  type FilterStatus,
  type HttpFilter,
  STOP_ALL,
  WAIT,
} from './http-filter.ts';

/** Which hooks a direction calls. */
export interface PathHooks<H> {
  head(filter: HttpFilter, head: H, endStream: boolean): FilterStatus;
  data(filter: HttpFilter, data: Buffer, endStream: boolean): FilterStatus;
  trailers(filter: HttpFilter, trailers: HeaderList): FilterStatus;
  /** Whoever is behind the filter takes content again. */
  writable(filter: HttpFilter): void;
}

/** Where events go that passed every filter. */
export interface PathSink<H> {
  head(head: H, endStream: boolean): void;
  /** False: whoever gets it is slow. */
  data(data: Buffer, endStream: boolean): boolean;
  trailers(trailers: HeaderList): void;
  /** More than the limit is being held. */
  overflow(): void;
  /** True once the stream is over or answered: the path drops everything. */
  isDead(): boolean;
}

type HeldEvent<H> =
  | { readonly kind: 'head'; readonly head: H; readonly endStream: boolean }
  | {
      readonly kind: 'data';
      readonly data: Buffer;
      readonly endStream: boolean;
      /** Against the limit. */
      readonly counts: boolean;
    }
  | { readonly kind: 'trailers'; readonly trailers: HeaderList };

/** What one filter holds. */
class Hold<H> {
  /** Not even this filter has seen these. */
  readonly before: HeldEvent<H>[] = [];
  /** This filter has seen these and stopped them. */
  readonly behind: HeldEvent<H>[] = [];
  holdsAll = false;
  /** What is held does not count: see WAIT. */
  isUnlimited = false;
}

/**
 * Events in, events out, in order; filters see them one after the other. The owner of `filters` may
 * put another in the place of one that was not `reached`.
 */
export class FilterPath<H> {
  readonly #filters: readonly HttpFilter[];
  readonly #hooks: PathHooks<H>;
  readonly #sink: PathSink<H>;
  /** How much of the message may be held in all. */
  limitBytes: number;
  /** Index of the last filter that was shown the head; -1: none. */
  reached = -1;
  #heldBytes = 0;
  /** What the sink last said; a slow one tells when it is not any more (`onWritable`). */
  #isWritable = true;
  /** By filter index: who wants nothing more for now; null while nobody ever did. */
  #full: boolean[] | null = null;
  /** By filter index; null while nobody ever held anything, which is the rule. */
  #holds: (Hold<H> | null)[] | null = null;
  /** Releases under way: what they replay is held no more, but still counted. */
  #releases = 0;

  constructor(
    filters: readonly HttpFilter[],
    hooks: PathHooks<H>,
    sink: PathSink<H>,
    limitBytes: number,
  ) {
    this.#filters = filters;
    this.#hooks = hooks;
    this.#sink = sink;
    this.limitBytes = limitBytes;
  }

  /** A message's head. */
  head(head: H, endStream: boolean): void {
    this.#head(0, head, endStream);
    if (INVARIANTS) this.checkInvariants();
  }

  /**
   * Content; `data` is borrowed. False: the sink is slow, or a filter wants nothing more for now.
   * What filters hold back is no reason to wait: they may need more of it to decide, and the limit
   * bounds it.
   */
  data(data: Buffer, endStream: boolean): boolean {
    this.#data(0, data, endStream);
    if (INVARIANTS) this.checkInvariants();
    return !this.#isSlowFrom(0);
  }

  /** `filter` sends content on to those behind it. False: one of them is slow. */
  inject(filter: HttpFilter, data: Buffer, endStream: boolean): boolean {
    const index = this.#filters.indexOf(filter);
    if (INVARIANTS) {
      const held = this.#holdAt(index)?.behind ?? [];
      const isAhead = held.every(({ kind }) => kind === 'trailers');
      invariant(isAhead, 'filter path: nobody sends content past what it holds back');
    }
    if (index === -1 || this.#sink.isDead()) return true;
    this.#data(index + 1, data, endStream);
    return !this.#isSlowFrom(index + 1);
  }

  /** `filter` ends the message with trailers that it did not get. */
  injectTrailers(filter: HttpFilter, trailers: HeaderList): void {
    const index = this.#filters.indexOf(filter);
    if (index !== -1 && !this.#sink.isDead()) this.#trailers(index + 1, trailers);
  }

  /** `filter` wants nothing more until `resume`; what comes all the same still goes to it. */
  pause(filter: HttpFilter): void {
    this.#full ??= this.#filters.map(() => false);
    this.#full[this.#filters.indexOf(filter)] = true;
  }

  /** `filter` takes content again. True: so does everybody. */
  resume(filter: HttpFilter): boolean {
    const index = this.#filters.indexOf(filter);
    if (this.#full === null || index === -1) return !this.#isSlowFrom(0);
    this.#full[index] = false;
    return this.#tellWritable(index - 1);
  }

  /** The sink is slow. */
  onSlow(): void {
    this.#isWritable = false;
  }

  /** The sink takes content again. True: so does everybody. */
  onWritable(): boolean {
    this.#isWritable = true;
    return this.#tellWritable(this.#filters.length - 1);
  }

  /** Trailers; they end the message. */
  trailers(trailers: HeaderList): void {
    this.#trailers(0, trailers);
    if (INVARIANTS) this.checkInvariants();
  }

  /** `filter` lets go what it holds. Harmless when it holds nothing. */
  release(filter: HttpFilter): void {
    const index = this.#filters.indexOf(filter);
    if (index !== -1) this.#release(index);
    if (INVARIANTS) this.checkInvariants();
  }

  checkInvariants(): void {
    if (this.#releases > 0 || this.#sink.isDead()) return;
    let held = 0;
    for (const hold of this.#holds ?? []) {
      if (hold === null) continue;
      invariant(hold.behind.length > 0, 'filter path: who holds something has stopped something');
      invariant(
        hold.holdsAll || hold.before.length === 0,
        'filter path: only STOP_ALL holds unseen events',
      );
      held += sizeOf(hold.before) + sizeOf(hold.behind);
    }
    invariant(held === this.#heldBytes, 'filter path: what is held is counted');
  }

  #head(from: number, head: H, endStream: boolean): void {
    for (let index = from; index < this.#filters.length; index += 1) {
      this.reached = index;
      const status = this.#hooks.head(this.#filters[index] as HttpFilter, head, endStream);
      if (this.#sink.isDead()) return;
      if (status === CONTINUE) continue;
      if (INVARIANTS) invariant(status !== DROP, 'filter path: a head cannot be dropped');
      this.#stop(index, status, { kind: 'head', head, endStream });
      return;
    }
    this.#sink.head(head, endStream);
  }

  #data(from: number, data: Buffer, endStream: boolean): void {
    for (let index = from; index < this.#filters.length; index += 1) {
      const hold = this.#holdAt(index);
      if (hold?.holdsAll === true) {
        hold.before.push(this.#keep(data, endStream, !hold.isUnlimited));
        this.#checkLimit();
        return;
      }
      const status = this.#hooks.data(this.#filters[index] as HttpFilter, data, endStream);
      if (this.#sink.isDead() || status === DROP) return;
      if (status !== CONTINUE) {
        this.#stop(index, status, this.#keep(data, endStream, status !== WAIT));
        return;
      }
      if (hold !== null) this.#release(index);
    }
    if (!this.#sink.isDead()) this.#isWritable = this.#sink.data(data, endStream);
  }

  #trailers(from: number, trailers: HeaderList): void {
    for (let index = from; index < this.#filters.length; index += 1) {
      const hold = this.#holdAt(index);
      if (hold?.holdsAll === true) {
        hold.before.push({ kind: 'trailers', trailers });
        return;
      }
      const status = this.#hooks.trailers(this.#filters[index] as HttpFilter, trailers);
      if (this.#sink.isDead() || status === DROP) return;
      if (status !== CONTINUE) {
        this.#stop(index, status, { kind: 'trailers', trailers });
        return;
      }
      if (hold !== null) this.#release(index);
    }
    if (!this.#sink.isDead()) this.#sink.trailers(trailers);
  }

  #stop(index: number, status: FilterStatus, event: HeldEvent<H>): void {
    if (this.#holds === null) this.#holds = this.#filters.map(() => null);
    const hold = this.#holds[index] ?? new Hold<H>();
    this.#holds[index] = hold;
    hold.isUnlimited = status === WAIT;
    hold.holdsAll = hold.isUnlimited || status === STOP_ALL;
    hold.behind.push(event);
    this.#checkLimit();
  }

  #release(index: number): void {
    const hold = this.#holdAt(index);
    if (hold === null || this.#holds === null) return;
    this.#holds[index] = null;
    this.#releases += 1;
    for (const event of hold.behind) this.#replay(index + 1, event);
    for (const event of hold.before) this.#replay(index, event);
    this.#releases -= 1;
  }

  #replay(from: number, event: HeldEvent<H>): void {
    if (this.#sink.isDead()) return;
    if (event.kind === 'head') this.#head(from, event.head, event.endStream);
    else if (event.kind === 'trailers') this.#trailers(from, event.trailers);
    else {
      if (event.counts) this.#heldBytes -= event.data.length;
      this.#data(from, event.data, event.endStream);
    }
  }

  /** True when content that the filter at `index` gets had better not come yet. */
  #isSlowFrom(index: number): boolean {
    return !this.#isWritable || (this.#full?.includes(true, index) ?? false);
  }

  /** Tells the filters up to `last`, the one next to the sink first, as far as nobody is slow. */
  #tellWritable(last: number): boolean {
    for (let index = last; index >= 0; index -= 1) {
      if (this.#isSlowFrom(index + 1)) return false;
      this.#hooks.writable(this.#filters[index] as HttpFilter);
    }
    return !this.#isSlowFrom(0);
  }

  #holdAt(index: number): Hold<H> | null {
    return this.#holds === null ? null : (this.#holds[index] ?? null);
  }

  /** Held content outlives the read buffer that it came in. */
  #keep(data: Buffer, endStream: boolean, counts: boolean): HeldEvent<H> {
    if (counts) this.#heldBytes += data.length;
    return { kind: 'data', data: Buffer.from(data), endStream, counts };
  }

  #checkLimit(): void {
    if (this.#heldBytes > this.limitBytes) this.#sink.overflow();
  }
}

function sizeOf<H>(events: readonly HeldEvent<H>[]): number {
  return events.reduce(
    (sum, event) => sum + (event.kind === 'data' && event.counts ? event.data.length : 0),
    0,
  );
}
