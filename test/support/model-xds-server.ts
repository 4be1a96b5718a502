// A management server that does what the protocol says and nothing more: it never says twice what a
// client has acknowledged, ignores stale nonces, and pushes one response at a time.
import { create } from '@bufbuild/protobuf';
import { ResourceSchema } from '../../proxy/api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { ALL_NAMES } from '../../proxy/xds/discovery.ts';
import { packed } from './control-plane.ts';
import type { FakeXdsStream } from './fake-xds-server.ts';

/** What it serves, of one type. */
export class ServedType {
  readonly typeUrl: string;
  readonly isWhole: boolean;
  readonly contents = new Map<string, string>();

  constructor(typeUrl: string, isWhole: boolean) {
    this.typeUrl = typeUrl;
    this.isWhole = isWhole;
  }

  resource(name: string) {
    const typeName = this.typeUrl.slice(this.typeUrl.indexOf('/') + 1);
    const content = this.contents.get(name) ?? '';
    const fields = this.isWhole ? { altStatName: content } : { requestHeadersToRemove: [content] };
    return packed(typeName, { name, ...fields });
  }
}

/** One type on one stream; `step` reads what came and pushes what is due. */
export interface ServedClient {
  step(): void;
}

/** The state of the world. Pushes again whenever a wanted resource changed. */
export class StateOfWorldClient implements ServedClient {
  readonly #stream: FakeXdsStream;
  readonly #type: ServedType;
  #read = 0;
  #nonce = 0;
  #names: ReadonlySet<string> | null = null;
  #isWaiting = false;
  /** Content that was sent, by name. */
  readonly #sent = new Map<string, string>();
  #hasSent = false;

  constructor(stream: FakeXdsStream, type: ServedType) {
    this.#stream = stream;
    this.#type = type;
  }

  step(): void {
    const requests = this.#stream.requests.filter(({ typeUrl }) => typeUrl === this.#type.typeUrl);
    for (const request of requests.slice(this.#read)) {
      const current = this.#nonce === 0 ? '' : `${this.#nonce}`;
      if (request.responseNonce !== current) continue;
      this.#isWaiting = false;
      const isWildcard =
        request.resourceNames.length === 0 && this.#type.isWhole && !this.#hadNames;
      this.#names = new Set(isWildcard ? [ALL_NAMES] : request.resourceNames);
      this.#hadNames ||= request.resourceNames.length > 0;
      for (const name of this.#sent.keys()) if (!this.#wants(name)) this.#sent.delete(name);
    }
    this.#read = requests.length;
    if (this.#names !== null && !this.#isWaiting && this.#isDue()) this.#push();
  }

  #hadNames = false;

  #wants(name: string): boolean {
    return this.#names !== null && (this.#names.has(ALL_NAMES) || this.#names.has(name));
  }

  #wanted(): [string, string][] {
    return [...this.#type.contents].filter(([name]) => this.#wants(name));
  }

  #isDue(): boolean {
    const wanted = this.#wanted();
    if (this.#type.isWhole && !this.#hasSent && this.#wants(ALL_NAMES)) return true;
    if (wanted.some(([name, content]) => this.#sent.get(name) !== content)) return true;
    return this.#type.isWhole && wanted.length !== this.#sent.size;
  }

  #push(): void {
    const wanted = this.#wanted();
    const changed = wanted.filter(([name, content]) => this.#sent.get(name) !== content);
    const told = this.#type.isWhole ? wanted : changed;
    this.#sent.clear();
    for (const [name, content] of wanted) this.#sent.set(name, content);
    this.#hasSent = true;
    this.#nonce += 1;
    this.#isWaiting = true;
    this.#stream.respond({
      typeUrl: this.#type.typeUrl,
      versionInfo: `v${this.#nonce}`,
      nonce: `${this.#nonce}`,
      resources: told.map(([name]) => this.#type.resource(name)),
    });
  }
}

/** The incremental variant; several responses may be unanswered at a time. */
export class IncrementalClient implements ServedClient {
  readonly #stream: FakeXdsStream;
  readonly #type: ServedType;
  #read = 0;
  #nonce = 0;
  #answered = 0;
  #isWildcard = false;
  readonly #names = new Set<string>();
  /** What the client has, or was sent. */
  readonly #sent = new Map<string, string>();
  /** Subscribed to since the last push: that there is none of a name is said, too. */
  readonly #asked = new Set<string>();
  #hasSent = false;
  /** A fault of the client's. */
  fault = '';

  constructor(stream: FakeXdsStream, type: ServedType) {
    this.#stream = stream;
    this.#type = type;
  }

  step(): void {
    const requests = this.#stream.deltaRequests.filter(
      ({ typeUrl }) => typeUrl === this.#type.typeUrl,
    );
    for (const [index, request] of requests.slice(this.#read).entries()) {
      const isFirst = this.#read + index === 0;
      if (request.responseNonce !== '') this.#answer(request.responseNonce);
      for (const name of request.resourceNamesSubscribe) this.#subscribe(name);
      for (const name of request.resourceNamesUnsubscribe) this.#unsubscribe(name);
      if (!isFirst) continue;
      if (request.resourceNamesSubscribe.length === 0 && this.#type.isWhole)
        this.#isWildcard = true;
      for (const [name, version] of Object.entries(request.initialResourceVersions)) {
        this.#sent.set(name, version);
      }
    }
    this.#read = requests.length;
    if (requests.length > 0) this.#push();
  }

  #answer(nonce: string): void {
    this.#answered += 1;
    if (nonce !== `${this.#answered}`) this.fault = `nonce ${nonce} after ${this.#answered - 1}`;
  }

  #subscribe(name: string): void {
    if (name === ALL_NAMES) this.#isWildcard = true;
    else {
      this.#names.add(name);
      this.#asked.add(name);
    }
    this.#sent.delete(name);
  }

  #unsubscribe(name: string): void {
    if (name === ALL_NAMES) this.#isWildcard = false;
    else this.#names.delete(name);
    for (const each of this.#sent.keys()) if (!this.#wants(each)) this.#sent.delete(each);
  }

  #wants(name: string): boolean {
    return this.#isWildcard || this.#names.has(name);
  }

  #push(): void {
    const { contents, typeUrl } = this.#type;
    const changed = [...contents].filter(
      ([name, content]) => this.#wants(name) && this.#sent.get(name) !== content,
    );
    const known = new Set([...this.#sent.keys(), ...this.#asked]);
    const removed = [...known].filter((name) => this.#wants(name) && !contents.has(name));
    this.#asked.clear();
    const isFirstWildcard = this.#isWildcard && !this.#hasSent;
    if (changed.length + removed.length === 0 && !isFirstWildcard) return;
    this.#hasSent = true;
    for (const [name, content] of changed) this.#sent.set(name, content);
    for (const name of removed) this.#sent.delete(name);
    this.#nonce += 1;
    this.#stream.respondDelta({
      typeUrl,
      systemVersionInfo: `v${this.#nonce}`,
      nonce: `${this.#nonce}`,
      removedResources: removed,
      resources: changed.map(([name, version]) =>
        create(ResourceSchema, { name, version, resource: this.#type.resource(name) }),
      ),
    });
  }
}
