// One type of a stream in the state of the world: each request says all names that are wanted, each
// response holds all of them that there are, or what changed where that is enough.
import { create } from '@bufbuild/protobuf';
import {
  type DiscoveryRequest,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from '../api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { INVARIANTS, invariant } from '../base/invariants.ts';
import { ALL_NAMES } from '../xds/discovery.ts';
import { resourceType, TYPE_URLS } from '../xds/resource-types.ts';
import { asContent } from './resource-wrapper.ts';
import { type ServedResource, type TypeSnapshot, versionOf } from './snapshot.ts';
import {
  MAX_UNANSWERED,
  type Outgoing,
  type PushRules,
  type Receipt,
  type Subscription,
  UnansweredPushes,
} from './subscription.ts';

/** Clients refuse a response of these types that holds nothing: they wait for a better one. */
const NEVER_EMPTY: readonly string[] = [TYPE_URLS.secret, TYPE_URLS.extension, TYPE_URLS.runtime];

/** By name; null: there is no such resource. */
type Wanted = ReadonlyMap<string, ServedResource | null>;

/** What the client does not know. */
interface News {
  readonly changed: readonly ServedResource[];
  /** A name that is asked for does not exist, which the client was not told. */
  readonly isMissing: boolean;
}

/** See Subscription. */
export class StateOfWorldSubscription implements Subscription<DiscoveryRequest, DiscoveryResponse> {
  isWildcard = false;
  names: ReadonlySet<string> = new Set();
  isHoldingBack = false;
  readonly #typeUrl: string;
  readonly #makeNonce: () => string;
  readonly #unanswered = new UnansweredPushes();
  /** What the client knows of each name that it wants. */
  #told = new Map<string, ServedResource | null>();
  /** Of the newest response; '' before the first one. */
  #nonce = '';
  /** From the first names on, an empty list asks for nothing. */
  #hadNames = false;
  /** The first request of the stream is always answered. */
  #isAnswered = false;
  /** The names are others than when `next` looked last. */
  #isChanged = true;
  #seenVersion = '';
  /** Names changed, which is not answered before a request that is not stale. */
  #isOwed = false;

  constructor(typeUrl: string, makeNonce: () => string) {
    this.#typeUrl = typeUrl;
    this.#makeNonce = makeNonce;
  }

  get unanswered(): number {
    return this.#unanswered.size;
  }

  receive({ responseNonce, errorDetail, resourceNames }: DiscoveryRequest): Receipt {
    const answered = this.#unanswered.take(responseNonce);
    const error = errorDetail === undefined ? '' : errorDetail.message || 'refused without a word';
    // Its sender had not seen the newest response, and will say everything again when it has. What
    // it does not ask for it has lost by then, even if it asks for it again.
    const isStale = this.#nonce !== '' && responseNonce !== this.#nonce;
    this.#isOwed = this.#want(resourceNames) || this.#isOwed;
    const isChange = this.#isOwed && !isStale;
    if (isChange) this.#isChanged = true;
    if (isChange) this.#isOwed = false;
    if (INVARIANTS) this.checkInvariants();
    return { answered, error: answered === null ? '' : error, isChange };
  }

  next(type: TypeSnapshot, rules: PushRules): Outgoing<DiscoveryResponse> | null {
    if (this.#unanswered.size >= MAX_UNANSWERED) return null;
    const isNews = this.#isChanged || type.version !== this.#seenVersion || this.isHoldingBack;
    if (!isNews && rules.again.size + rules.beats.size === 0) return null;
    this.#isChanged = false;
    this.#seenVersion = type.version;
    const wanted = this.#wanted(type, rules);
    const news = this.#newsOf(wanted, rules);
    const beaten = this.#beaten(wanted, rules);
    const isNew = this.#isDue(wanted, news);
    if (!isNew && beaten.length === 0) return null;
    this.#told = wanted;
    this.#isAnswered = true;
    const all = [...wanted.values()].filter((resource) => resource !== null);
    const present = this.#isWhole() ? all : [...news.changed, ...beaten];
    if (present.length === 0 && NEVER_EMPTY.includes(this.#typeUrl)) return null;
    return this.#response(versionOf(all), present, { changed: news.changed, isHeartbeat: !isNew });
  }

  checkInvariants(): void {
    for (const name of this.#told.keys()) {
      invariant(this.#wants(name), 'state of the world: only what is wanted counts as told');
    }
    invariant(this.#hadNames || this.names.size === 0, 'state of the world: names were told');
  }

  /** True when the list asks for something else than before. */
  #want(list: readonly string[]): boolean {
    this.#hadNames ||= list.length > 0;
    const names = new Set(list);
    const isWildcard = names.delete(ALL_NAMES) || !this.#hadNames;
    const isSame =
      isWildcard === this.isWildcard &&
      names.size === this.names.size &&
      [...names].every((name) => this.names.has(name));
    if (isSame) return false;
    this.names = names;
    this.isWildcard = isWildcard;
    for (const name of this.#told.keys()) if (!this.#wants(name)) this.#told.delete(name);
    return true;
  }

  #wants(name: string): boolean {
    return this.isWildcard || this.names.has(name);
  }

  /** Everything that the client is to know, with what is kept although it is gone. */
  #wanted(type: TypeSnapshot, { mayRemove }: PushRules): Map<string, ServedResource | null> {
    const wanted = new Map<string, ServedResource | null>();
    const names = this.isWildcard ? type.resources.keys() : this.names;
    for (const name of names) wanted.set(name, type.resources.get(name) ?? null);
    for (const name of this.names) wanted.set(name, type.resources.get(name) ?? null);
    this.isHoldingBack = false;
    if (mayRemove) return wanted;
    for (const [name, resource] of this.#told) {
      if (resource === null || (wanted.get(name) ?? null) !== null) continue;
      wanted.set(name, resource);
      this.isHoldingBack = true;
    }
    return wanted;
  }

  /** A response without a resource says that it is gone; of other types it says nothing. */
  #isWhole(): boolean {
    return this.isWildcard || resourceType(this.#typeUrl).isWhole;
  }

  #newsOf(wanted: Wanted, { again }: PushRules): News {
    const changed: ServedResource[] = [];
    let isMissing = false;
    for (const [name, resource] of wanted) {
      const told = this.#told.get(name);
      if (resource === null) isMissing ||= told === undefined;
      else if (told?.version !== resource.version || again.has(name)) changed.push(resource);
    }
    return { changed, isMissing };
  }

  /** Known to the client, and to be said again; in this variant with all their content. */
  #beaten(wanted: Wanted, { again, beats }: PushRules): readonly ServedResource[] {
    const beaten: ServedResource[] = [];
    for (const name of beats) {
      const resource = wanted.get(name) ?? null;
      if (resource === null || again.has(name)) continue;
      if (this.#told.get(name)?.version === resource.version) beaten.push(resource);
    }
    return beaten;
  }

  #isDue(wanted: Wanted, { changed, isMissing }: News): boolean {
    if (!this.#isAnswered) return this.isWildcard || wanted.size > 0;
    if (changed.length > 0 || isMissing) return true;
    if (!this.#isWhole()) return false;
    for (const [name, told] of this.#told) {
      if (told !== null && (wanted.get(name) ?? null) === null) return true;
    }
    return false;
  }

  #response(
    version: string,
    present: readonly ServedResource[],
    {
      changed,
      isHeartbeat,
    }: { readonly changed: readonly ServedResource[]; readonly isHeartbeat: boolean },
  ): Outgoing<DiscoveryResponse> {
    const nonce = this.#makeNonce();
    this.#nonce = nonce;
    const typeUrl = this.#typeUrl;
    const push = { typeUrl, nonce, version, count: present.length, removed: [], isHeartbeat };
    this.#unanswered.add(push);
    const response = create(DiscoveryResponseSchema, {
      ...{ typeUrl, nonce, versionInfo: version },
      resources: present.map(asContent),
    });
    if (INVARIANTS) this.checkInvariants();
    return { response, push, changed };
  }
}
