// One stream of one client, without a socket: requests in, responses out, types in the order in
// which what they say can be used.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type ControlPlane,
  ControlPlaneSchema,
  type Node,
} from '../api/gen/envoy/config/core/v3/base_pb.js';
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from '../api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { TYPE_URLS } from '../xds/resource-types.ts';
import type { Client, ServerObserver } from './client.ts';
import { IncrementalSubscription } from './incremental-subscription.ts';
import { NO_RESOURCES, type ServedResource, type Snapshot, type TypeSnapshot } from './snapshot.ts';
import { StateOfWorldSubscription } from './state-of-world-subscription.ts';
import { MAX_UNANSWERED, type Subscription } from './subscription.ts';

/** What a stream works with. */
export interface ClientStreamParts {
  /** Counts the streams of a server. */
  readonly stream: number;
  readonly peer: string;
  readonly isIncremental: boolean;
  /** '' : all types. */
  readonly typeUrl: string;
  /** What that client is served; the same object as long as nothing changed. */
  readonly snapshotOf: (node: Node | null) => Snapshot;
  /** False: it was taken, but the next one should wait for `onDrain`. */
  readonly send: (octets: Uint8Array) => boolean;
  readonly observer: ServerObserver;
  /** Monotonic. */
  readonly nowMs: () => number;
  /** What clients are told of who answers (core.v3.ControlPlane.identifier). */
  readonly identifier: string;
}

/** What the two variants of requests have in common. */
interface AnyRequest {
  readonly node?: Node | undefined;
  readonly typeUrl: string;
}

/** What the two variants of responses have in common. */
interface AnyResponse {
  controlPlane?: ControlPlane | undefined;
}

/** How one of the variants is spoken. */
interface Variant<Request extends AnyRequest, Response extends AnyResponse> {
  /** Throws for what is no message. */
  decode(octets: Uint8Array): Request;
  encode(response: Response): Uint8Array;
  subscription(typeUrl: string, makeNonce: () => string): Subscription<Request, Response>;
}

const STATE_OF_WORLD: Variant<DiscoveryRequest, DiscoveryResponse> = Object.freeze({
  decode: (octets: Uint8Array) => fromBinary(DiscoveryRequestSchema, octets),
  encode: (response: DiscoveryResponse) => toBinary(DiscoveryResponseSchema, response),
  subscription: (typeUrl: string, makeNonce: () => string) =>
    new StateOfWorldSubscription(typeUrl, makeNonce),
});

const INCREMENTAL: Variant<DeltaDiscoveryRequest, DeltaDiscoveryResponse> = Object.freeze({
  decode: (octets: Uint8Array) => fromBinary(DeltaDiscoveryRequestSchema, octets),
  encode: (response: DeltaDiscoveryResponse) => toBinary(DeltaDiscoveryResponseSchema, response),
  subscription: (typeUrl: string, makeNonce: () => string) =>
    new IncrementalSubscription(typeUrl, makeNonce),
});

/**
 * What is sent first: a cluster and its endpoints before the listeners and routes that lead there.
 * Types that are not in the list come last.
 */
const ORDER: readonly string[] = [
  TYPE_URLS.runtime,
  TYPE_URLS.cluster,
  TYPE_URLS.endpoint,
  TYPE_URLS.listener,
  TYPE_URLS.scopedRoute,
  TYPE_URLS.route,
  TYPE_URLS.virtualHost,
  TYPE_URLS.extension,
  TYPE_URLS.secret,
];

/**
 * Types that lead to clusters. They follow when the client has its clusters, whose answer comes when
 * it can use them; and until it has answered those, the clusters of the old ones stay.
 */
const LEADING_TO_CLUSTERS: readonly string[] = [
  TYPE_URLS.listener,
  TYPE_URLS.scopedRoute,
  TYPE_URLS.route,
  TYPE_URLS.virtualHost,
];

/**
 * By the type of what changed: what has to be said again. A cluster or listener that changed warms
 * until it hears of its endpoints or routes, also of those that its predecessor had.
 */
const SAID_AGAIN: ReadonlyMap<string, string> = new Map([
  [TYPE_URLS.cluster, TYPE_URLS.endpoint],
  [TYPE_URLS.listener, TYPE_URLS.route],
]);

/**
 * A cluster may wait for its hosts for a long time: what leads to the others should not. Shorter
 * loses requests of clients that are slow, longer delays all routes for one bad cluster.
 */
const MAX_WAIT_MS = 2000;

/** A heartbeat may be lost, or late by a third of a resource's time. */
const BEATS_PER_TTL = 3;

const NOTHING: ReadonlySet<string> = new Set();

/** Types that one stream may ask for. Envoy has some ten; more is an attack or a mistake. */
const MAX_TYPES = 64;

/** A stream as its transport drives it. */
export interface ClientStream {
  readonly client: Client;
  /** Takes a request; not '' : the stream has to end, for that reason. */
  onMessage(octets: Uint8Array): string;
  /** There is room again. */
  onDrain(): void;
  /** What is served may have changed, or what was waited for took too long. */
  refresh(): void;
  /** It waits for an answer or a time, not for ever: `refresh` is called from time to time. */
  readonly isWaiting: boolean;
}

/** A stream that just began. */
export function openClientStream(parts: ClientStreamParts): ClientStream {
  return parts.isIncremental ? new Stream(parts, INCREMENTAL) : new Stream(parts, STATE_OF_WORLD);
}

class Stream<Request extends AnyRequest, Response extends AnyResponse> implements ClientStream {
  readonly #parts: ClientStreamParts;
  readonly #variant: Variant<Request, Response>;
  readonly #subscriptions = new Map<string, Subscription<Request, Response>>();
  /** When what ends without a word was renewed, by type. */
  readonly #beatMs = new Map<string, number>();
  /** Names by type that are said again with the next response. */
  readonly #again = new Map<string, Set<string>>();
  readonly #makeNonce = () => String(++this.#nonces);
  #nonces = 0;
  #client: Client;
  #hasRoom = true;
  #clustersSentMs = 0;
  /** For an answer about clusters, before what leads there is told. */
  #awaitsClusters = false;
  /** It was told of something that ends without a word. */
  #hasBeats = false;

  constructor(parts: ClientStreamParts, variant: Variant<Request, Response>) {
    this.#parts = parts;
    this.#variant = variant;
    const { stream, peer, isIncremental, typeUrl } = parts;
    this.#client = { stream, peer, isIncremental, typeUrl, node: null };
  }

  get client(): Client {
    return this.#client;
  }

  get isWaiting(): boolean {
    return this.#awaitsClusters || this.#hasBeats;
  }

  onMessage(octets: Uint8Array): string {
    let request: Request;
    try {
      request = this.#variant.decode(octets);
    } catch (error) {
      return `a request cannot be decoded: ${error instanceof Error ? error.message : error}`;
    }
    if (request.node !== undefined && this.#client.node === null) {
      this.#client = { ...this.#client, node: request.node };
    }
    const typeUrl = request.typeUrl || this.#client.typeUrl;
    const refusal = this.#refusalOf(typeUrl);
    if (refusal !== '') return refusal;
    this.#receive(typeUrl, request);
    this.#flush();
    return '';
  }

  onDrain(): void {
    this.#hasRoom = true;
    this.#flush();
  }

  refresh(): void {
    this.#flush();
  }

  #refusalOf(typeUrl: string): string {
    const only = this.#client.typeUrl;
    if (typeUrl === '') return 'type URL is required for ADS';
    if (only !== '' && typeUrl !== only) return `this stream is for ${only}, not for ${typeUrl}`;
    const isNew = !this.#subscriptions.has(typeUrl);
    return isNew && this.#subscriptions.size >= MAX_TYPES ? 'too many types on one stream' : '';
  }

  #receive(typeUrl: string, request: Request): void {
    let subscription = this.#subscriptions.get(typeUrl);
    const isNew = subscription === undefined;
    subscription ??= this.#variant.subscription(typeUrl, this.#makeNonce);
    if (isNew) this.#subscriptions.set(typeUrl, subscription);
    const { answered, error, isChange } = subscription.receive(request);
    const { observer } = this.#parts;
    if (answered !== null) observer.onAnswer(this.#client, answered, error);
    if (!isNew && !isChange) return;
    const { isWildcard, names } = subscription;
    observer.onInterest(this.#client, { typeUrl, isWildcard, names });
  }

  /** Sends whatever is due, as long as there is room; what is due later is the latest by then. */
  #flush(): void {
    if (this.#subscriptions.size === 0) return;
    const snapshot = this.#parts.snapshotOf(this.#client.node);
    this.#awaitsClusters = false;
    this.#hasBeats = false;
    for (const typeUrl of this.#inOrder()) {
      if (!this.#hasRoom) return;
      const waits = LEADING_TO_CLUSTERS.includes(typeUrl) && this.#areClustersDue();
      this.#awaitsClusters ||= waits;
      if (!waits) this.#push(typeUrl, snapshot, !this.#isNamedByOthers(typeUrl));
    }
    const clusters = this.#subscriptions.get(TYPE_URLS.cluster);
    if (this.#hasRoom && clusters?.isHoldingBack === true && this.#isFollowed()) {
      this.#push(TYPE_URLS.cluster, snapshot, true);
    }
  }

  /** The client was sent clusters that it cannot use yet. */
  #areClustersDue(): boolean {
    const clusters = this.#subscriptions.get(TYPE_URLS.cluster);
    if (clusters === undefined || clusters.unanswered === 0) return false;
    return this.#parts.nowMs() - this.#clustersSentMs < MAX_WAIT_MS;
  }

  #inOrder(): readonly string[] {
    const known = ORDER.filter((typeUrl) => this.#subscriptions.has(typeUrl));
    if (known.length === this.#subscriptions.size) return known;
    const others = [...this.#subscriptions.keys()].filter((typeUrl) => !ORDER.includes(typeUrl));
    return [...known, ...others];
  }

  /** It is about clusters, and others on this stream may name them. */
  #isNamedByOthers(typeUrl: string): boolean {
    if (typeUrl !== TYPE_URLS.cluster) return false;
    return LEADING_TO_CLUSTERS.some((other) => this.#subscriptions.has(other));
  }

  /** Whatever leads to clusters is what it should be: no request will go to one that is gone. */
  #isFollowed(): boolean {
    if (this.#awaitsClusters) return false;
    return LEADING_TO_CLUSTERS.every(
      (typeUrl) => (this.#subscriptions.get(typeUrl)?.unanswered ?? 0) === 0,
    );
  }

  #push(typeUrl: string, snapshot: Snapshot, mayRemove: boolean): void {
    const subscription = this.#subscriptions.get(typeUrl);
    if (subscription === undefined || subscription.unanswered >= MAX_UNANSWERED) return;
    const again = this.#again.get(typeUrl) ?? NOTHING;
    this.#again.delete(typeUrl);
    const type = snapshot.get(typeUrl) ?? NO_RESOURCES;
    const beats = this.#beatsOf(typeUrl, type);
    const outgoing = subscription.next(type, { mayRemove, again, beats });
    if (outgoing === null) return;
    const { identifier } = this.#parts;
    outgoing.response.controlPlane = create(ControlPlaneSchema, { identifier });
    this.#hasRoom = this.#parts.send(this.#variant.encode(outgoing.response));
    if (typeUrl === TYPE_URLS.cluster) this.#clustersSentMs = this.#parts.nowMs();
    this.#parts.observer.onPush(this.#client, outgoing.push);
    this.#sayAgain(typeUrl, outgoing.changed);
  }

  /** What has to be renewed by now. */
  #beatsOf(typeUrl: string, { resources, shortestTtlMs }: TypeSnapshot): ReadonlySet<string> {
    if (shortestTtlMs === Number.POSITIVE_INFINITY) return NOTHING;
    this.#hasBeats = true;
    const now = this.#parts.nowMs();
    const last = this.#beatMs.get(typeUrl) ?? Number.NEGATIVE_INFINITY;
    if (now - last < shortestTtlMs / BEATS_PER_TTL) return NOTHING;
    this.#beatMs.set(typeUrl, now);
    const ending = [...resources.values()].filter(({ ttlMs }) => ttlMs !== null);
    return new Set(ending.map(({ name }) => name));
  }

  #sayAgain(typeUrl: string, changed: readonly ServedResource[]): void {
    const followingType = SAID_AGAIN.get(typeUrl) ?? '';
    if (!this.#subscriptions.has(followingType)) return;
    const names = this.#again.get(followingType) ?? new Set();
    for (const { references } of changed) {
      for (const { typeUrl: other, name } of references) {
        if (other === followingType) names.add(name);
      }
    }
    if (names.size > 0) this.#again.set(followingType, names);
  }
}
