// The state of the world of one type: each request says everything that is wanted, each response
// is answered with the version that is in use from then on.
import { create } from '@bufbuild/protobuf';
import {
  type DiscoveryRequest,
  DiscoveryRequestSchema,
} from '../api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { INVARIANTS, invariant } from '../base/invariants.ts';
import { ALL_NAMES } from './discovery.ts';
import { ResourceList } from './read-resources.ts';
import type { ResourceType } from './resource-types.ts';
import type { ReceivedReport, TypeReport } from './stream-report.ts';
import { cutRefusal, REFUSED_CODE, type Reading, type TypeMachine } from './type-machine.ts';
import type { WorldResponse } from './world-response.ts';

/** See TypeMachine. The version outlives streams; nonces do not. */
export class StateOfWorld implements TypeMachine<DiscoveryRequest, WorldResponse> {
  readonly typeUrl: string;
  version = '';
  /** What `version` was before the last response was accepted. */
  #versionBefore = '';
  readonly #type: ResourceType;
  readonly #wanted = new Set<string>();
  /** The server was told on this stream what is wanted, except for `#changed`. */
  #hasTold = false;
  /** Wanted and not told, or told and not wanted. */
  readonly #changed = new Set<string>();
  /** Of the response that is to be answered next, or was answered last. */
  #nonce = '';
  #hasAnswer = false;
  #received: ReceivedReport | null = null;
  /** '' unless the answer is a refusal. */
  #error = '';
  /** From the first names on, an empty list asks for nothing. */
  #hasToldNames = false;

  constructor(type: ResourceType) {
    this.#type = type;
    this.typeUrl = type.typeUrl;
  }

  get isDue(): boolean {
    if (this.#hasAnswer) return true;
    if (!this.#hasTold) return this.#wanted.size > 0;
    return this.#changed.size > 0 && !this.#isUnspeakable();
  }

  report(): TypeReport {
    const { typeUrl, version } = this;
    const names = [...this.#wanted];
    return { typeUrl, version, names, received: this.#received, isAnswered: !this.#hasAnswer };
  }

  want(name: string): void {
    this.#wanted.add(name);
    this.#change(name);
  }

  unwant(name: string): void {
    this.#wanted.delete(name);
    this.#change(name);
  }

  begin(isOtherServer: boolean): void {
    if (isOtherServer) this.version = '';
    if (isOtherServer) this.#versionBefore = '';
    this.#hasTold = false;
    this.#changed.clear();
    this.#nonce = '';
    this.#received = null;
    this.#hasAnswer = false;
    this.#error = '';
    this.#hasToldNames = false;
    if (INVARIANTS) this.checkInvariants();
  }

  takeRequest(): DiscoveryRequest {
    const resourceNames = this.#names();
    const request = create(DiscoveryRequestSchema, {
      typeUrl: this.typeUrl,
      versionInfo: this.version,
      responseNonce: this.#nonce,
      resourceNames,
    });
    if (this.#error !== '') {
      request.errorDetail = {
        $typeName: 'google.rpc.Status',
        code: REFUSED_CODE,
        message: cutRefusal(this.#error),
        details: [],
      };
    }
    this.#hasTold = true;
    this.#changed.clear();
    this.#hasToldNames ||= resourceNames.length > 0;
    this.#hasAnswer = false;
    this.#error = '';
    if (INVARIANTS) this.checkInvariants();
    return request;
  }

  *read(response: WorldResponse): Generator<void, Reading> {
    const list = new ResourceList(this.#type, 'DiscoveryResponse');
    for (const any of response.resources) {
      list.addAny(any, response.versionInfo);
      yield;
    }
    const { error, heartbeats, resources } = list;
    if (error !== '') return { ok: false, error };
    const { isWhole } = this.#type;
    const version = response.versionInfo;
    return { ok: true, update: { version, resources, removed: [], heartbeats, isWhole } };
  }

  conclude({ nonce, resources, versionInfo }: WorldResponse, error: string): void {
    // What nobody took is not in use: who comes later must not be taken for one who has it.
    const isUsed = this.#wanted.size > 0 || resources.length === 0;
    if (error === '' && isUsed && versionInfo !== this.version) {
      this.#versionBefore = this.version;
      this.version = versionInfo;
    }
    this.#error = error;
    this.#nonce = nonce;
    this.#received = { version: versionInfo, nonce, error };
    this.#hasAnswer = true;
    if (INVARIANTS) this.checkInvariants();
  }

  /** The version is one for all of them: the one before is what is held. */
  retract(_names: readonly string[], error: string): void {
    if (this.#received !== null) this.#received = { ...this.#received, error };
    this.version = this.#versionBefore;
    // A stream that is new, or down, will be told when it sends it again.
    if (this.#nonce === '') return;
    this.#error = this.#error === '' ? error : `${this.#error}; ${error}`;
    this.#hasAnswer = true;
    if (INVARIANTS) this.checkInvariants();
  }

  /** The version is one for all of them, and stays. */
  forget(): void {}

  checkInvariants(): void {
    invariant(this.#error === '' || this.#hasAnswer, 'state of the world: a refusal is an answer');
    invariant(this.#hasTold || !this.#hasToldNames, 'state of the world: requests tell names');
    invariant(
      this.#hasTold || this.#changed.size === 0,
      'state of the world: changes are to what was told',
    );
  }

  /** Twice is as if never. */
  #change(name: string): void {
    if (this.#hasTold && !this.#changed.delete(name)) this.#changed.add(name);
    if (INVARIANTS) this.checkInvariants();
  }

  /** Nobody wants anything of a wildcard any more, which an empty list would not say. */
  #isUnspeakable(): boolean {
    return this.#wanted.size === 0 && this.#type.hasLegacyWildcard && !this.#hasToldNames;
  }

  #names(): string[] {
    const names = [...this.#wanted];
    const isLegacy = names.length === 1 && this.#type.hasLegacyWildcard && !this.#hasToldNames;
    return isLegacy && names[0] === ALL_NAMES ? [] : names;
  }
}
