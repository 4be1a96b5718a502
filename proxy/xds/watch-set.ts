// All subscribers of one type of one source: the union of their names, who gets what of an update,
// what is known already when one more comes, and when a time to live is over.
import { Timer, type TimerTarget } from '../base/timer-wheel.ts';
import {
  ALL_NAMES,
  type Answer,
  type DiscoveryRequest,
  type DiscoverySink,
  type DiscoverySubscription,
} from './discovery.ts';
import { KnownResources } from './known-resources.ts';
import { makeParcels, type Parcel } from './parcels.ts';
import { type ResourceType, wantedName } from './resource-types.ts';
import { TimeToLive } from './time-to-live.ts';
import type { Reading, ReceivedUpdate } from './type-machine.ts';
import { Watch, type WatchOwner } from './watch.ts';
import type { WatchServices } from './watch-services.ts';

/** Who asks the server. */
export interface InterestSink {
  /** The first watch of a name. */
  want(name: string): void;
  /** The last watch of a name is gone. */
  unwant(name: string): void;
  /** Their time is over. */
  forget(names: readonly string[]): void;
  /** What was accepted of these is of no use after all. */
  retract(names: readonly string[], reason: string): void;
  /** Something may be due: `settle` is to be called soon, but not now. */
  onChange(): void;
}

/** Times to live that end while somebody is told of an update end so much later. */
const BUSY_MS = 20;

/** An update on its way. */
interface Delivery {
  readonly update: ReceivedUpdate;
  readonly parcels: Iterator<[Watch, Parcel]>;
  /** Between two of them; null: they are told in one go. */
  readonly pause: (() => Promise<void> | null) | null;
  readonly refusals: string[];
}

/** See the file's head. */
export class WatchSet implements WatchOwner, TimerTarget {
  readonly type: ResourceType;
  readonly #services: WatchServices;
  readonly #interest: InterestSink;
  readonly #watches = new Set<Watch>();
  /** Who wants a name; never an empty set. */
  readonly #byName = new Map<string, Set<Watch>>();
  readonly #known = new KnownResources();
  /** Names that a watch asked for since the last `settle`. */
  readonly #asked = new Map<Watch, Set<string>>();
  readonly #ttl = new TimeToLive();
  readonly #ttlTimer = new Timer(this);
  #version = '';
  /** Watches that came while others were told; null: nobody is told just now. */
  #late: Set<Watch> | null = null;

  constructor(type: ResourceType, interest: InterestSink, services: WatchServices) {
    this.type = type;
    this.#interest = interest;
    this.#services = services;
  }

  get isEmpty(): boolean {
    return this.#watches.size === 0;
  }

  add(request: DiscoveryRequest, sink: DiscoverySink): DiscoverySubscription {
    const watch = new Watch(request, sink, { owner: this, services: this.#services });
    this.#watches.add(watch);
    this.#late?.add(watch);
    this.#ask(watch, request.names);
    return watch;
  }

  close(): void {
    for (const watch of [...this.#watches]) watch.close();
    this.#services.timers.cancel(this.#ttlTimer);
  }

  /** Gives watches that came late what is known, and lets go of what nobody wants. */
  settle(): void {
    for (const name of this.#known.unwanted(this.#byName)) this.#ttl.delete(name);
    if (this.#asked.size === 0) return;
    const asked = [...this.#asked];
    this.#asked.clear();
    for (const [watch, names] of asked) this.#tellKnown(watch, names);
  }

  /**
   * Tells everybody concerned; answers all they have against it, '' for nothing. Before a promise is
   * kept nothing else may be delivered.
   */
  deliver(update: ReceivedUpdate): Answer {
    this.#version = update.version;
    this.#keepTime(update);
    if (this.type.isNamespaced) this.#keepAll(update);
    else if (!this.type.isWhole) this.#known.keepSuspects(update);
    const index = { type: this.type, watches: this.#watches, byName: this.#byName };
    this.#late = new Set();
    const parcels = makeParcels(update, index).entries();
    const pause = this.#services.pacing?.() ?? null;
    return this.#tellRest({ update, parcels, pause, refusals: [] });
  }

  /** What a response says: told, or that it cannot be read. Answers as `deliver`. */
  take(reading: Reading): Answer {
    if (reading.ok) return this.deliver(reading.update);
    this.refuse(reading.error);
    return reading.error;
  }

  /** A response could not be read. */
  refuse(reason: string): void {
    for (const watch of [...this.#watches]) watch.tellUnreadable(reason);
  }

  /** The server cannot be reached, or is lost; `rejected`: nothing better is to be expected soon. */
  fail(failure: 'connection' | 'rejected' = 'connection'): void {
    for (const watch of [...this.#watches]) watch.tellUnavailable(failure);
  }

  onNames(watch: Watch, names: ReadonlySet<string>): void {
    for (const name of watch.names) if (!names.has(name)) this.#drop(watch, name);
    const added = [...names].filter((name) => !watch.names.has(name));
    watch.names = names;
    this.#ask(watch, added);
  }

  onRefused(names: readonly string[], reason: string): void {
    this.#interest.retract(names, reason);
    this.#interest.onChange();
  }

  onClose(watch: Watch): void {
    this.#watches.delete(watch);
    this.#asked.delete(watch);
    for (const name of watch.names) this.#drop(watch, name);
    this.#interest.onChange();
  }

  /** Times to live are over. */
  onTimer(): void {
    const { clock, timers } = this.#services;
    if (this.#late !== null) {
      timers.arm(this.#ttlTimer, clock.nowMs(), BUSY_MS);
      return;
    }
    const removed = this.#ttl.takeExpired(clock.nowMs());
    this.#armTtl();
    if (removed.length === 0) return;
    this.#interest.forget(removed);
    const { log } = this.#services;
    log.log('debug', `${this.type.shortName}: time to live is over for ${removed.join(', ')}`);
    const none = { resources: [], heartbeats: [], isWhole: false };
    // Nobody asked for it, and nobody hears how it went.
    void this.deliver({ version: this.#version, removed, ...none });
  }

  /** Stops where it has to wait, and goes on from there. */
  #tellRest(delivery: Delivery): Answer {
    const { parcels, pause } = delivery;
    for (let next = parcels.next(); next.done !== true; next = parcels.next()) {
      const waiting = this.#tellOne(delivery, next.value) ?? pause?.() ?? null;
      if (waiting !== null) return waiting.then(() => this.#tellRest(delivery));
    }
    const late = this.#late ?? [];
    this.#late = null;
    for (const watch of late) if (!watch.isClosed) this.#ask(watch, watch.names);
    return delivery.refusals.join('; ');
  }

  /** null: it has answered. */
  #tellOne(delivery: Delivery, [watch, parcel]: [Watch, Parcel]): Promise<void> | null {
    if (watch.isClosed) {
      // Whoever wants the same names now came while others were told.
      this.#learn(parcel, false);
      return null;
    }
    const { isWhole, version } = delivery.update;
    const answer = watch.tell({ typeUrl: this.type.typeUrl, version, isWhole, ...parcel });
    const note = (refusal: string): void => {
      this.#learn(parcel, refusal === '');
      if (refusal !== '') delivery.refusals.push(refusal);
    };
    if (typeof answer !== 'string') return answer.then(note);
    note(answer);
    return null;
  }

  #ask(watch: Watch, names: Iterable<string>): void {
    const asked = this.#asked.get(watch) ?? new Set();
    for (const name of names) {
      const watches = this.#byName.get(name);
      if (watches === undefined) {
        this.#byName.set(name, new Set([watch]));
        this.#want(name);
      } else {
        watches.add(watch);
      }
      for (const known of this.#knownFor(name)) asked.add(known);
    }
    if (asked.size > 0) this.#asked.set(watch, asked);
    this.#interest.onChange();
  }

  #want(name: string): void {
    if (!this.type.isNamespaced) this.#interest.want(name);
    else if (this.#byName.size === 1) this.#interest.want(ALL_NAMES);
  }

  #knownFor(name: string): readonly string[] {
    if (!this.type.isNamespaced) return this.#known.has(name) ? [name] : [];
    return this.#known.names((known) => wantedName(this.type, known) === name);
  }

  #drop(watch: Watch, name: string): void {
    const watches = this.#byName.get(name);
    if (watches === undefined || !watches.delete(watch) || watches.size > 0) return;
    this.#byName.delete(name);
    if (!this.type.isNamespaced) {
      this.#known.suspect(name);
      this.#interest.unwant(name);
    } else if (this.#byName.size === 0) {
      this.#known.clear();
      this.#interest.unwant(ALL_NAMES);
    }
  }

  #tellKnown(watch: Watch, names: ReadonlySet<string>): void {
    // It may want other names by now.
    const wanted = [...names].filter((name) => watch.names.has(wantedName(this.type, name)));
    const accepted = this.#known.accepted(wanted);
    const batches = [accepted, ...this.#known.doubtful(wanted).map((each) => [each])];
    const { typeUrl } = this.type;
    for (const resources of batches) {
      if (watch.isClosed || resources.length === 0) continue;
      void watch.tell({ typeUrl, version: this.#version, resources, removed: [], isWhole: false });
    }
  }

  /** Whoever comes later wants what nobody is told of now. */
  #keepAll({ removed, resources }: ReceivedUpdate): void {
    for (const name of removed) this.#known.delete(name);
    for (const resource of resources) this.#known.accept(resource);
  }

  #learn({ removed, resources }: Parcel, isAccepted: boolean): void {
    // Of these there is one subscriber, and no second one to be told.
    if (this.type.isWhole || this.type.isNamespaced) return;
    for (const name of removed) this.#known.delete(name);
    for (const resource of resources) {
      if (isAccepted) this.#known.accept(resource);
      else this.#known.doubt(resource);
    }
  }

  #keepTime({ heartbeats, isWhole, removed, resources }: ReceivedUpdate): void {
    // Of ten thousand hardly any has one.
    const isAnyLimited = resources.some(({ ttlMs }) => ttlMs !== null) || heartbeats.length > 0;
    if (!isAnyLimited && this.#ttl.isEmpty) return;
    if (isWhole) this.#ttl.retain(resources);
    const nowMs = this.#services.clock.nowMs();
    for (const { name, ttlMs } of [...resources, ...heartbeats]) {
      if (ttlMs === null || this.#isWanted(name)) this.#ttl.set(name, ttlMs, nowMs);
    }
    for (const name of removed) this.#ttl.delete(name);
    this.#armTtl();
  }

  #isWanted(name: string): boolean {
    return this.#byName.has(wantedName(this.type, name)) || this.#byName.has(ALL_NAMES);
  }

  #armTtl(): void {
    const { clock, timers } = this.#services;
    if (this.#ttl.isEmpty) {
      timers.cancel(this.#ttlTimer);
      return;
    }
    const nowMs = clock.nowMs();
    timers.arm(this.#ttlTimer, nowMs, Math.max(0, this.#ttl.nextMs() - nowMs));
  }
}
