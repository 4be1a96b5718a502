// A management server that a test plays step by step, the same way in both variants of the protocol:
// it says what there is of a type, waits for the answer, and shows what it was asked as text.
import { create, fromJson, type JsonValue } from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';
import {
  type DeltaDiscoveryRequest,
  type DiscoveryRequest,
  ResourceSchema,
} from '../../proxy/api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { apiRegistry } from '../../proxy/api/registry.ts';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { ControlPlane, type ServedStream } from './control-plane.ts';
import { eventually } from './eventually.ts';
import type { Message } from './static-bootstrap.ts';

/** Types as configuration calls them. */
export type Kind = keyof typeof TYPE_URLS;

/** A response that is not what `set` would say. */
export interface RawResponse {
  readonly typeUrl: string;
  readonly version: string;
  readonly resources?: readonly { readonly name: string; readonly any: Any }[];
  readonly removed?: readonly string[];
}

/** See the file's head. */
export class PlayedPlane {
  readonly plane: ControlPlane;
  readonly isIncremental: boolean;
  /** What there is of each type, by name, as JSON. */
  readonly #present = new Map<string, Map<string, string>>();
  #count = 0;
  #chosen: ServedStream | null = null;
  #marks = new Map<ServedStream, number>();

  private constructor(plane: ControlPlane, isIncremental: boolean) {
    this.plane = plane;
    this.isIncremental = isIncremental;
  }

  static async listen(isIncremental = false): Promise<PlayedPlane> {
    return new PlayedPlane(await ControlPlane.listen(), isIncremental);
  }

  /** Speaks over this stream from now on; null: over the newest one. */
  on(stream: ServedStream | null): void {
    this.#chosen = stream;
  }

  /** The stream in use. */
  get stream(): ServedStream {
    if (this.#chosen !== null) return this.#chosen;
    const stream = this.plane.streams.findLast(({ isEnded }) => !isEnded);
    if (stream === undefined) throw new Error('no stream is open');
    return stream;
  }

  /** These are all there are of a type from now on; answers what the client said to that. */
  async set(kind: Kind, resources: readonly Message[]): Promise<string> {
    return this.answer(this.push(kind, resources));
  }

  /** As `set`, without waiting; answers the nonce. */
  push(kind: Kind, resources: readonly Message[]): string {
    const typeUrl = TYPE_URLS[kind];
    const before = this.#present.get(typeUrl) ?? new Map<string, string>();
    const now = new Map(resources.map((each) => [nameOf(each), JSON.stringify(each)]));
    this.#present.set(typeUrl, now);
    const changed = resources.filter((each) => before.get(nameOf(each)) !== JSON.stringify(each));
    const told = (this.isIncremental ? changed : resources).map((each) => ({
      name: nameOf(each),
      any: anyOf(kind, each),
    }));
    const removed = [...before.keys()].filter((name) => !now.has(name));
    return this.send({ typeUrl, version: `v${this.#count + 1}`, resources: told, removed });
  }

  /** Says whatever the test wants; answers the nonce. */
  send({ typeUrl, version, resources = [], removed = [] }: RawResponse): string {
    this.#count += 1;
    const nonce = `n${this.#count}`;
    if (this.isIncremental) {
      this.stream.sendDelta({
        ...{ typeUrl, nonce, systemVersionInfo: version, removedResources: [...removed] },
        resources: resources.map(({ name, any }) =>
          create(ResourceSchema, { name, version, resource: any }),
        ),
      });
    } else {
      const anys = resources.map(({ any }) => any);
      this.stream.send({ typeUrl, nonce, versionInfo: version, resources: anys });
    }
    return nonce;
  }

  /** What the client said to a response: its whole request as text. */
  async answer(nonce: string): Promise<string> {
    const { stream } = this;
    const find = () => requestsOf(stream).find(({ responseNonce }) => responseNonce === nonce);
    await eventually(() => find() !== undefined);
    return shown(find() as AnyRequest);
  }

  /** Waits until the stream in use was asked for these names, among others. */
  async asked(kind: Kind, ...names: readonly string[]): Promise<void> {
    await eventually(() => {
      const open = this.plane.streams.some(({ isEnded }) => !isEnded);
      const wanted = open ? this.#wanted(kind) : null;
      return wanted !== null && names.every((name) => wanted.has(name));
    });
  }

  /** Waits until the stream in use was told that a name is wanted no longer. */
  async dropped(kind: Kind, name: string): Promise<void> {
    await eventually(() => this.#wanted(kind)?.has(name) === false);
  }

  /** What was asked since the last call, by type in the order of each: type, then lines. */
  requests(): Record<string, readonly string[]> {
    const lines: Record<string, string[]> = {};
    for (const stream of this.plane.streams) {
      const all = requestsOf(stream);
      for (const request of all.slice(this.#marks.get(stream) ?? 0)) {
        const type = shortType(request.typeUrl);
        lines[type] ??= [];
        lines[type].push(shown(request));
      }
      this.#marks.set(stream, all.length);
    }
    return lines;
  }

  /** Ends the stream and waits for the next one. */
  async restart(): Promise<void> {
    const count = this.plane.streams.length;
    this.stream.end();
    await this.plane.stream(count);
  }

  close(): void {
    this.plane.close();
  }

  #wanted(kind: Kind): Set<string> | null {
    const typeUrl = TYPE_URLS[kind];
    const requests = requestsOf(this.stream).filter((each) => each.typeUrl === typeUrl);
    if (requests.length === 0) return null;
    if (!this.isIncremental) return new Set((requests.at(-1) as DiscoveryRequest).resourceNames);
    const wanted = new Set<string>();
    for (const request of requests as readonly DeltaDiscoveryRequest[]) {
      for (const name of request.resourceNamesSubscribe) wanted.add(name);
      for (const name of request.resourceNamesUnsubscribe) wanted.delete(name);
    }
    return wanted;
  }
}

type AnyRequest = DiscoveryRequest | DeltaDiscoveryRequest;

function requestsOf(stream: ServedStream): readonly AnyRequest[] {
  return [...stream.requests, ...stream.deltaRequests];
}

function nameOf(resource: Message): string {
  return String(resource['name'] ?? resource['cluster_name']);
}

/** A resource as JSON, packed. */
export function anyOf(kind: Kind, resource: Message): Any {
  const typeUrl = TYPE_URLS[kind];
  const schema = apiRegistry.getMessage(typeUrl.slice(typeUrl.lastIndexOf('/') + 1));
  if (schema === undefined) throw new Error(`no type ${typeUrl}`);
  const json = JSON.parse(JSON.stringify(resource)) as JsonValue;
  return anyPack(schema, fromJson(schema, json, { registry: apiRegistry }));
}

function shortType(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf('.') + 1);
}

/** What counts of a request; the same text from every client that does the same. */
export function shown(request: AnyRequest): string {
  const { errorDetail, responseNonce } = request;
  const refusal =
    errorDetail === undefined ? '' : ` refused ${errorDetail.code} ${errorDetail.message}`;
  if (request.$typeName === 'envoy.service.discovery.v3.DiscoveryRequest') {
    const names = [...request.resourceNames].sort().join(',');
    return `[${names}] version=${request.versionInfo} nonce=${responseNonce}${refusal}`;
  }
  const added = [...request.resourceNamesSubscribe].sort().map((name) => `+${name}`);
  const removed = [...request.resourceNamesUnsubscribe].sort().map((name) => `-${name}`);
  const held = Object.entries(request.initialResourceVersions).sort();
  const known = held.length === 0 ? '' : ` held=${held.map((pair) => pair.join('@')).join(',')}`;
  return `[${[...added, ...removed]}]${known} nonce=${responseNonce}${refusal}`;
}

/** What both say of a refusal; what follows is each one's own. */
const COMMON = [
  /Unable to unpack as [\w.]+/,
  /^Error adding\/updating (?:cluster|listener)\(s\) \S+:/,
  /^[^:]* does not match the message-wide type URL \S+ in \w+/,
];

/** Any outcome, with as much of refusals as both say. */
export function alike(outcome: unknown): unknown {
  if (typeof outcome === 'string') {
    return outcome.replace(/(?<= refused 13 ).*/s, (text) => {
      return COMMON.map((each) => each.exec(text)?.[0] ?? '').find((it) => it !== '') ?? '';
    });
  }
  if (outcome === null || typeof outcome !== 'object') return outcome;
  if (Array.isArray(outcome)) return outcome.map(alike);
  return Object.fromEntries(Object.entries(outcome).map(([key, value]) => [key, alike(value)]));
}
