// A control plane with istiod's manners, on a Unix domain socket as a sidecar's agent has it. It
// follows the protocol where istiod does and departs from it where istiod does: versions that are
// empty, parts of the world instead of the world, names that are not looked at.
import { create, fromJson, type JsonValue } from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';
import grpc from '@grpc/grpc-js';
import {
  type DeltaDiscoveryRequest,
  type DiscoveryRequest,
  ResourceSchema,
} from '../../proxy/api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { apiRegistry } from '../../proxy/api/registry.ts';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { ControlPlane, type ServedStream } from './control-plane.ts';
import type { Message } from './static-bootstrap.ts';

/** What one node is configured with. */
export interface NodeConfig {
  readonly cluster: readonly Message[];
  readonly endpoint: readonly Message[];
  readonly listener: readonly Message[];
  readonly route: readonly Message[];
}

type Kind = keyof NodeConfig;

const KINDS: readonly Kind[] = ['cluster', 'endpoint', 'listener', 'route'];
/** Types that it answers with silence where it has nothing. */
const SILENT = [
  'type.googleapis.com/istio.networking.nds.v1.NameTable',
  'type.googleapis.com/istio.mesh.v1alpha1.ProxyConfig',
  TYPE_URLS.secret,
];

/** One type on one stream. */
class Watched {
  names: string[] = [];
  nonce = '';
  isRefused = false;
  /** Requests that were read. */
  read = 0;
}

/** One stream. */
class Client {
  readonly stream: ServedStream;
  readonly isDelta: boolean;
  readonly types = new Map<Kind, Watched>();
  node = '';

  constructor(stream: ServedStream) {
    this.stream = stream;
    this.isDelta = stream.method.includes('/Delta');
  }

  of(kind: Kind): Watched {
    const known = this.types.get(kind);
    if (known !== undefined) return known;
    const made = new Watched();
    this.types.set(kind, made);
    return made;
  }
}

/** See the file's head. */
export class IstiodPlane {
  /** Type and error of every refusal. */
  readonly refusals: string[] = [];
  /** Types that were asked for and that it does not know: each ended its stream. */
  readonly strangers: string[] = [];
  /** Node, kind and number of each response that was acknowledged. */
  readonly accepted: string[] = [];
  readonly #plane: ControlPlane;
  readonly #configs: Readonly<Record<string, NodeConfig>>;
  readonly #clients: Client[] = [];
  #count = 0;

  private constructor(plane: ControlPlane, configs: Readonly<Record<string, NodeConfig>>) {
    this.#plane = plane;
    this.#configs = configs;
    plane.onStream = (stream) => {
      const client = new Client(stream);
      this.#clients.push(client);
      stream.onRequest = () => this.#read(client);
    };
  }

  /** `configs` by the id of the node. */
  static async listen(
    path: string,
    configs: Readonly<Record<string, NodeConfig>>,
  ): Promise<IstiodPlane> {
    return new IstiodPlane(await ControlPlane.listen({ path }), configs);
  }

  /** Sends everybody all that they watch, as after some change that concerns nobody. */
  push(): void {
    for (const client of this.#clients) {
      if (client.stream.isEnded) continue;
      for (const kind of KINDS) {
        const watched = client.types.get(kind);
        if (watched === undefined) continue;
        watched.isRefused = false;
        // Of endpoints only those that changed are pushed; somebody always scaled something.
        const names = kind === 'endpoint' ? watched.names.slice(0, 1) : watched.names;
        this.#send(client, kind, names);
      }
    }
  }

  close(): void {
    this.#plane.close();
  }

  #read(client: Client): void {
    const { stream, isDelta } = client;
    const request = isDelta ? stream.deltaRequests.at(-1) : stream.requests.at(-1);
    if (request === undefined) return;
    if (request.node !== undefined) client.node = request.node.id;
    const { typeUrl } = request;
    const kind = KINDS.find((each) => TYPE_URLS[each] === typeUrl);
    if (kind !== undefined) this.#answer(client, kind, request);
    else if (!SILENT.includes(typeUrl)) {
      this.strangers.push(typeUrl);
      stream.end(grpc.status.UNAUTHENTICATED, `no generator for ${typeUrl}`);
    }
  }

  #answer(client: Client, kind: Kind, request: DiscoveryRequest | DeltaDiscoveryRequest): void {
    const watched = client.of(kind);
    const { errorDetail, responseNonce } = request;
    if (errorDetail !== undefined) {
      this.refusals.push(`${client.node} ${kind}: ${errorDetail.message}`);
      watched.isRefused = true;
      return;
    }
    // Whoever answers another response than the last is not answered.
    if (responseNonce !== '' && responseNonce !== watched.nonce) return;
    if (responseNonce !== '') this.accepted.push(`${client.node} ${kind}`);
    const before = watched.names;
    watched.names = namesOf(request, before);
    const added = watched.names.filter((name) => !before.includes(name));
    const isWhole = kind === 'cluster' || kind === 'listener';
    const isFirst = watched.nonce === '' && responseNonce === '';
    if (isFirst || (!isWhole && added.length > 0)) this.#send(client, kind, added);
  }

  #send(client: Client, kind: Kind, names: readonly string[]): void {
    const watched = client.of(kind);
    const isWhole = kind === 'cluster' || kind === 'listener';
    if (watched.isRefused || (!isWhole && names.length === 0)) return;
    const all = this.#configs[client.node]?.[kind] ?? [];
    const found = isWhole
      ? all
      : names.map((name) => all.find((each) => nameOf(each) === name) ?? emptyOf(kind, name));
    this.#count += 1;
    const typeUrl = TYPE_URLS[kind];
    const nonce = `2026-11-21T00:00:00Z/${this.#count}`;
    watched.nonce = nonce;
    if (client.isDelta) {
      const resources = found.map((each) =>
        create(ResourceSchema, { name: nameOf(each), version: '', resource: packed(kind, each) }),
      );
      client.stream.sendDelta({ typeUrl, nonce, systemVersionInfo: nonce, resources });
      return;
    }
    const resources = found.map((each) => packed(kind, each));
    client.stream.send({ typeUrl, nonce, versionInfo: nonce, resources });
  }
}

/** Names that are watched behind a request. */
function namesOf(
  request: DiscoveryRequest | DeltaDiscoveryRequest,
  before: readonly string[],
): string[] {
  if ('resourceNames' in request) return [...request.resourceNames];
  const gone = new Set(request.resourceNamesUnsubscribe);
  return [...before.filter((name) => !gone.has(name)), ...request.resourceNamesSubscribe];
}

function nameOf(resource: Message): string {
  return String(resource['name'] ?? resource['cluster_name']);
}

/** What it answers for names that it does not know. */
function emptyOf(kind: Kind, name: string): Message {
  return kind === 'endpoint' ? { cluster_name: name } : { name };
}

function packed(kind: Kind, resource: Message): Any {
  return packedAs(TYPE_URLS[kind], resource);
}

/** A message as a resource of that type. */
export function packedAs(typeUrl: string, resource: Message): Any {
  const schema = apiRegistry.getMessage(typeUrl.slice(typeUrl.lastIndexOf('/') + 1));
  if (schema === undefined) throw new Error(`no type ${typeUrl}`);
  const json = JSON.parse(JSON.stringify(resource)) as JsonValue;
  return anyPack(schema, fromJson(schema, json, { registry: apiRegistry }));
}

/** Secrets by name over SDS, as an agent serves them to its own proxy. */
export async function serveSecrets(
  path: string,
  secrets: Readonly<Record<string, Message>>,
): Promise<ControlPlane> {
  const plane = await ControlPlane.listen({ path });
  plane.onStream = (stream) => {
    let asked = '';
    stream.onRequest = () => {
      const request = stream.requests.at(-1);
      const names = request?.resourceNames.join() ?? '';
      if (request === undefined || names === asked) return;
      asked = names;
      const resources = request.resourceNames.flatMap((name) => {
        const secret = secrets[name];
        return secret === undefined ? [] : [packedAs(TYPE_URLS.secret, { name, ...secret })];
      });
      stream.send({ typeUrl: TYPE_URLS.secret, nonce: names, versionInfo: names, resources });
    };
  };
  return plane;
}
