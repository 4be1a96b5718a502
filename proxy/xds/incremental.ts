// The incremental variant of one type: requests say what is wanted besides or no longer, responses
// what changed, and a new stream begins with the versions that are held.
import { create } from '@bufbuild/protobuf';
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
} from '../api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { INVARIANTS, invariant } from '../base/invariants.ts';
import { ALL_NAMES } from './discovery.ts';
import { ResourceList } from './read-resources.ts';
import type { ResourceType } from './resource-types.ts';
import type { ReceivedReport, TypeReport } from './stream-report.ts';
import {
  cutRefusal,
  REFUSED_CODE,
  type Reading,
  type ReceivedUpdate,
  type TypeMachine,
} from './type-machine.ts';

interface Answer {
  readonly nonce: string;
  /** '' : accepted. */
  readonly error: string;
}

/** See TypeMachine. */
export class Incremental implements TypeMachine<DeltaDiscoveryRequest, DeltaDiscoveryResponse> {
  readonly typeUrl: string;
  version = '';
  readonly #type: ResourceType;
  readonly #wanted = new Set<string>();
  /** Versions of what came and is still wanted; '' for what was refused. */
  readonly #held = new Map<string, string>();
  readonly #added = new Set<string>();
  readonly #removed = new Set<string>();
  /** Each response gets its own, in their order. */
  readonly #answers: Answer[] = [];
  #received: ReceivedReport | null = null;
  /** Of this stream's last response; '' before the first. */
  #lastNonce = '';
  /** The last response could be told to somebody. */
  #isReadable = false;
  /** The first request of this stream was sent. */
  #hasBegun = false;
  /** The first request asked for everything by naming nothing. */
  #isLegacyWildcard = false;

  constructor(type: ResourceType) {
    this.#type = type;
    this.typeUrl = type.typeUrl;
  }

  get isDue(): boolean {
    if (!this.#hasBegun) return this.#wanted.size > 0;
    return this.#answers.length > 0 || this.#added.size > 0 || this.#removed.size > 0;
  }

  report(): TypeReport {
    const { typeUrl, version } = this;
    const isAnswered = this.#answers.length === 0;
    return { typeUrl, version, names: [...this.#wanted], received: this.#received, isAnswered };
  }

  want(name: string): void {
    this.#wanted.add(name);
    if (this.#hasBegun) {
      // Removed and added again before anything was sent: its watcher is new, and has nothing.
      this.#removed.delete(name);
      this.#added.add(name);
      this.#speakUp(name);
    }
    if (INVARIANTS) this.checkInvariants();
  }

  unwant(name: string): void {
    this.#wanted.delete(name);
    if (this.#hasBegun) {
      // Added since the last request, it may have been removed before that: saying so is harmless.
      this.#added.delete(name);
      this.#removed.add(name);
    }
    if (name === ALL_NAMES) this.#dropUnwanted();
    else if (!this.#wanted.has(ALL_NAMES)) this.#held.delete(name);
    if (INVARIANTS) this.checkInvariants();
  }

  begin(isOtherServer: boolean): void {
    if (isOtherServer) this.#held.clear();
    this.#hasBegun = false;
    this.#isLegacyWildcard = false;
    this.#added.clear();
    this.#removed.clear();
    this.#answers.length = 0;
    this.#lastNonce = '';
    this.#received = null;
    if (INVARIANTS) this.checkInvariants();
  }

  takeRequest(): DeltaDiscoveryRequest {
    return this.#hasBegun ? this.#laterRequest() : this.#firstRequest();
  }

  *read(response: DeltaDiscoveryResponse): Generator<void, Reading> {
    const list = new ResourceList(this.#type, 'DeltaDiscoveryResponse');
    for (const resource of response.resources) {
      list.addResource(resource);
      yield;
    }
    const { heartbeats, resources } = list;
    const removed = response.removedResources;
    const version = response.systemVersionInfo;
    const update = { version, resources, removed, heartbeats, isWhole: false };
    const error = (yield* duplicateIn(update)) || list.error;
    this.#isReadable = error === '';
    return error === '' ? { ok: true, update } : { ok: false, error };
  }

  conclude(response: DeltaDiscoveryResponse, error: string): void {
    this.#answers.push({ nonce: response.nonce, error });
    this.#lastNonce = response.nonce;
    this.#received = { version: response.systemVersionInfo, nonce: response.nonce, error };
    if (error === '') this.#accept(response);
    else if (this.#isReadable) this.#refuse(response);
    if (INVARIANTS) this.checkInvariants();
  }

  retract(names: readonly string[], error: string): void {
    for (const name of names) if (this.#held.has(name)) this.#held.set(name, '');
    if (this.#lastNonce !== '') this.#answers.push({ nonce: this.#lastNonce, error });
    if (this.#received !== null) this.#received = { ...this.#received, error };
    if (INVARIANTS) this.checkInvariants();
  }

  forget(names: readonly string[]): void {
    for (const name of names) this.#held.delete(name);
  }

  checkInvariants(): void {
    for (const name of this.#added) {
      invariant(this.#wanted.has(name), 'incremental: what is added is wanted');
      invariant(!this.#removed.has(name), 'incremental: nothing is added and removed');
    }
    for (const name of this.#removed) {
      invariant(!this.#wanted.has(name), 'incremental: what is removed is not wanted');
    }
    const isFresh = this.#added.size + this.#removed.size + this.#answers.length === 0;
    invariant(this.#hasBegun || isFresh, 'incremental: changes are to what was told');
  }

  #firstRequest(): DeltaDiscoveryRequest {
    const isWildcardOnly = this.#wanted.size === 1 && this.#wanted.has(ALL_NAMES);
    this.#isLegacyWildcard = isWildcardOnly && this.#type.hasLegacyWildcard;
    this.#hasBegun = true;
    return create(DeltaDiscoveryRequestSchema, {
      typeUrl: this.typeUrl,
      resourceNamesSubscribe: this.#isLegacyWildcard ? [] : [...this.#wanted],
      initialResourceVersions: versionsOf(this.#held),
    });
  }

  #laterRequest(): DeltaDiscoveryRequest {
    const answer = this.#answers.shift();
    const request = create(DeltaDiscoveryRequestSchema, {
      typeUrl: this.typeUrl,
      resourceNamesSubscribe: [...this.#added],
      resourceNamesUnsubscribe: [...this.#removed],
      responseNonce: answer?.nonce ?? '',
    });
    if (answer !== undefined && answer.error !== '') {
      request.errorDetail = {
        $typeName: 'google.rpc.Status',
        code: REFUSED_CODE,
        message: cutRefusal(answer.error),
        details: [],
      };
    }
    this.#added.clear();
    this.#removed.clear();
    if (INVARIANTS) this.checkInvariants();
    return request;
  }

  #accept({ removedResources, resources, systemVersionInfo }: DeltaDiscoveryResponse): void {
    this.version = systemVersionInfo;
    for (const name of removedResources) this.#held.delete(name);
    for (const { name, resource, version } of resources) {
      if (resource !== undefined && this.#isWanted(name)) this.#held.set(name, version);
    }
  }

  /**
   * Some of it may be in use, some not: without a version the server will say each of them again,
   * or that it is gone, when the next stream begins.
   */
  #refuse({ resources }: DeltaDiscoveryResponse): void {
    for (const { name, resource } of resources) {
      if (resource !== undefined && this.#isWanted(name)) this.#held.set(name, '');
    }
  }

  #isWanted(name: string): boolean {
    return this.#wanted.has(name) || this.#wanted.has(ALL_NAMES);
  }

  /** The first name beside an unspoken wildcard ends it, unless that is said from now on. */
  #speakUp(name: string): void {
    if (!this.#isLegacyWildcard) return;
    this.#isLegacyWildcard = false;
    if (name !== ALL_NAMES && this.#wanted.has(ALL_NAMES)) this.#added.add(ALL_NAMES);
  }

  #dropUnwanted(): void {
    for (const name of this.#held.keys()) {
      if (!this.#wanted.has(name)) this.#held.delete(name);
    }
  }
}

/** Envoy's text for the first name that a response has twice; '' : none. */
function* duplicateIn({ heartbeats, removed, resources }: ReceivedUpdate): Generator<void, string> {
  const names = new Set<string>();
  for (const { name } of [...resources, ...heartbeats]) {
    if (names.has(name)) return `duplicate name ${name} found among added/updated resources`;
    names.add(name);
    yield;
  }
  for (const name of removed) {
    if (names.has(name))
      return `duplicate name ${name} found in the union of added+removed resources`;
    names.add(name);
    yield;
  }
  return '';
}

/** A map without a prototype: names are a peer's text. */
function versionsOf(held: ReadonlyMap<string, string>): Record<string, string> {
  const versions: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, version] of held) versions[name] = version;
  return versions;
}
