// One type of an incremental stream: requests say what is wanted besides or no longer, responses
// what changed and what is gone.
import { create } from '@bufbuild/protobuf';
import {
  type DeltaDiscoveryRequest,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from '../api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { INVARIANTS, invariant } from '../base/invariants.ts';
import { ALL_NAMES } from '../xds/discovery.ts';
import { heartbeat, wrapped } from './resource-wrapper.ts';
import type { ServedResource, TypeSnapshot } from './snapshot.ts';
import {
  MAX_UNANSWERED,
  type Outgoing,
  type PushRules,
  type Receipt,
  type Subscription,
  UnansweredPushes,
} from './subscription.ts';

/** What a client was told of a name that does not exist. */
const MISSING = '';

/** What a response is about. */
interface News {
  readonly resources: readonly ServedResource[];
  readonly removed: readonly string[];
  /** Resources that are only named. */
  readonly beaten: readonly ServedResource[];
  readonly isHeartbeat: boolean;
}

/** See Subscription. */
export class IncrementalSubscription
  implements Subscription<DeltaDiscoveryRequest, DeltaDiscoveryResponse>
{
  isWildcard = false;
  readonly names = new Set<string>();
  isHoldingBack = false;
  readonly #typeUrl: string;
  readonly #makeNonce: () => string;
  readonly #unanswered = new UnansweredPushes();
  /** The version of each name that the client has, or was told. */
  readonly #told = new Map<string, string>();
  #isFirst = true;
  /** Whoever asks for everything is answered, if only that there is nothing. */
  #owesAnswer = false;
  /** What is asked for is other than when `next` looked last. */
  #isChanged = false;
  #seenVersion: string | null = null;

  constructor(typeUrl: string, makeNonce: () => string) {
    this.#typeUrl = typeUrl;
    this.#makeNonce = makeNonce;
  }

  get unanswered(): number {
    return this.#unanswered.size;
  }

  receive(request: DeltaDiscoveryRequest): Receipt {
    const { errorDetail, responseNonce } = request;
    const answered = responseNonce === '' ? null : this.#unanswered.take(responseNonce);
    const error = errorDetail === undefined ? '' : errorDetail.message || 'refused without a word';
    const { resourceNamesSubscribe: added, resourceNamesUnsubscribe: removed } = request;
    const isChange = this.#isFirst || added.length + removed.length > 0;
    for (const name of removed) this.#unsubscribe(name);
    for (const name of added) this.#subscribe(name);
    if (this.#isFirst) this.#begin(request);
    this.#isChanged ||= isChange;
    if (INVARIANTS) this.checkInvariants();
    return { answered, error: answered === null ? '' : error, isChange };
  }

  next(type: TypeSnapshot, rules: PushRules): Outgoing<DeltaDiscoveryResponse> | null {
    if (this.#unanswered.size >= MAX_UNANSWERED) return null;
    const isNews = this.#isChanged || type.version !== this.#seenVersion || this.isHoldingBack;
    if (!isNews && rules.again.size + rules.beats.size === 0) return null;
    this.#isChanged = false;
    this.#seenVersion = type.version;
    const resources = this.#changed(type, rules);
    const removed = [...this.#missing(type), ...this.#gone(type, rules)];
    const beaten = this.#beaten(type, rules);
    const isNew = resources.length + removed.length > 0 || this.#owesAnswer;
    if (!isNew && beaten.length === 0) return null;
    this.#owesAnswer = false;
    for (const { name, version } of resources) this.#told.set(name, version);
    for (const name of removed) this.#forget(name);
    return this.#response(type, { resources, removed, beaten, isHeartbeat: !isNew });
  }

  checkInvariants(): void {
    invariant(!this.names.has(ALL_NAMES), 'incremental: the wildcard is no name');
    for (const name of this.#told.keys()) {
      invariant(this.#wants(name), 'incremental: only what is wanted counts as told');
    }
  }

  #begin({ resourceNamesSubscribe, initialResourceVersions }: DeltaDiscoveryRequest): void {
    this.#isFirst = false;
    // The protocol's first form of the wildcard.
    if (resourceNamesSubscribe.length === 0) this.#subscribe(ALL_NAMES);
    for (const [name, version] of Object.entries(initialResourceVersions)) {
      // Something has to be told of what it had without a version, too.
      if (this.#wants(name)) this.#told.set(name, version || 'unknown');
    }
  }

  #subscribe(name: string): void {
    if (name === ALL_NAMES) {
      this.#owesAnswer ||= !this.isWildcard;
      this.isWildcard = true;
      return;
    }
    this.names.add(name);
    // Whoever asks again has lost it.
    this.#told.delete(name);
  }

  #unsubscribe(name: string): void {
    if (name !== ALL_NAMES) {
      this.names.delete(name);
      // Of what the wildcard still wants, the client has to be told again.
      this.#told.delete(name);
      return;
    }
    this.isWildcard = false;
    this.#owesAnswer = false;
    for (const told of this.#told.keys()) if (!this.names.has(told)) this.#told.delete(told);
  }

  #wants(name: string): boolean {
    return this.isWildcard || this.names.has(name);
  }

  #changed({ resources }: TypeSnapshot, { again }: PushRules): readonly ServedResource[] {
    const wanted = this.isWildcard
      ? [...resources.values()]
      : [...this.names].flatMap((name) => resources.get(name) ?? []);
    return wanted.filter(
      ({ name, version }) => this.#told.get(name) !== version || again.has(name),
    );
  }

  /** Known to the client in this version: a word is enough. */
  #beaten({ resources }: TypeSnapshot, { again, beats }: PushRules): readonly ServedResource[] {
    return [...beats].flatMap((name) => {
      const resource = resources.get(name);
      if (resource === undefined || again.has(name)) return [];
      return this.#told.get(name) === resource.version ? [resource] : [];
    });
  }

  /** Asked for by name and not there: the client need not wait for it. */
  #missing({ resources }: TypeSnapshot): readonly string[] {
    return [...this.names].filter((name) => !this.#told.has(name) && !resources.has(name));
  }

  #gone({ resources }: TypeSnapshot, { mayRemove }: PushRules): readonly string[] {
    const gone = [...this.#told]
      .filter(([name, version]) => version !== MISSING && !resources.has(name))
      .map(([name]) => name);
    this.isHoldingBack = !mayRemove && gone.length > 0;
    return mayRemove ? gone : [];
  }

  #forget(name: string): void {
    if (this.names.has(name)) this.#told.set(name, MISSING);
    else this.#told.delete(name);
  }

  #response(
    { version }: TypeSnapshot,
    { resources, removed, beaten, isHeartbeat }: News,
  ): Outgoing<DeltaDiscoveryResponse> {
    const nonce = this.#makeNonce();
    const typeUrl = this.#typeUrl;
    const count = resources.length + beaten.length;
    const push = { typeUrl, nonce, version, count, removed, isHeartbeat };
    this.#unanswered.add(push);
    const response = create(DeltaDiscoveryResponseSchema, {
      ...{ typeUrl, nonce, systemVersionInfo: version, removedResources: [...removed] },
      resources: [...resources.map(wrapped), ...beaten.map(heartbeat)],
    });
    if (INVARIANTS) this.checkInvariants();
    return { response, push, changed: resources };
  }
}
