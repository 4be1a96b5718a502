// A control plane that serves what it is given, to one proxy after another, over aggregated streams
// in the state of the world; it remembers what was acknowledged and what was not.
import { fromJson, type JsonValue } from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';
import { apiRegistry } from '../../proxy/api/registry.ts';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { ControlPlane, type ServedStream } from './control-plane.ts';
import type { Message } from './static-bootstrap.ts';

type Kind = keyof typeof TYPE_URLS;

interface Offered {
  readonly version: string;
  readonly resources: readonly { readonly name: string; readonly any: Any }[];
}

/** How often it looks for what proxies ask: it has no other way to be told. */
const LOOK_MS = 5;

/** See the file's head. */
export class SnapshotPlane {
  readonly plane: ControlPlane;
  /** Type URL and error of every refusal. */
  readonly refusals: string[] = [];
  /** Type URL and version of every acknowledgement. */
  readonly accepted: string[] = [];
  readonly #offered = new Map<string, Offered>();
  readonly #timer: NodeJS.Timeout;
  #version = 0;

  private constructor(plane: ControlPlane) {
    this.plane = plane;
    plane.onStream = (stream) => this.#served.set(stream, new Map());
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  readonly #served = new Map<
    ServedStream,
    Map<string, { seen: number; asked: string; sent: string }>
  >();

  /** On a port of the system's choice, unless it is to be where another one was. */
  static async listen(port = 0): Promise<SnapshotPlane> {
    return new SnapshotPlane(await ControlPlane.listen({ port }));
  }

  /** From now on these are all there are of a type; answers the version. */
  set(kind: Kind, resources: readonly Message[]): string {
    this.#version += 1;
    const typeUrl = TYPE_URLS[kind];
    const schema = apiRegistry.getMessage(typeUrl.slice(typeUrl.lastIndexOf('/') + 1));
    if (schema === undefined) throw new Error(`no type ${typeUrl}`);
    const packed = resources.map((resource) => ({
      name: String(resource['name'] ?? resource['cluster_name']),
      any: anyPack(
        schema,
        fromJson(schema, JSON.parse(JSON.stringify(resource)) as JsonValue, {
          registry: apiRegistry,
        }),
      ),
    }));
    const version = `v${this.#version}`;
    this.#offered.set(typeUrl, { version, resources: packed });
    return version;
  }

  close(): void {
    clearInterval(this.#timer);
    this.plane.close();
  }

  #look(): void {
    for (const [stream, types] of this.#served) {
      if (stream.isEnded) continue;
      for (const [typeUrl, offered] of this.#offered)
        this.#serve(stream, types, { typeUrl, offered });
    }
  }

  #serve(
    stream: ServedStream,
    types: Map<string, { seen: number; asked: string; sent: string }>,
    { typeUrl, offered }: { readonly typeUrl: string; readonly offered: Offered },
  ): void {
    const requests = stream.requests.filter((request) => request.typeUrl === typeUrl);
    const state = types.get(typeUrl) ?? { seen: 0, asked: '', sent: '' };
    types.set(typeUrl, state);
    for (const request of requests.slice(state.seen)) {
      if (request.errorDetail !== undefined) this.refusals.push(request.errorDetail.message);
      else if (request.responseNonce !== '')
        this.accepted.push(`${typeUrl} ${request.versionInfo}`);
    }
    state.seen = requests.length;
    const last = requests.at(-1);
    if (last === undefined) return;
    const asked = [...last.resourceNames].sort().join(' ');
    if (asked === state.asked && state.sent === offered.version) return;
    state.asked = asked;
    state.sent = offered.version;
    const resources = offered.resources
      .filter(({ name }) => asked === '' || last.resourceNames.includes(name))
      .map(({ any }) => any);
    stream.send({ typeUrl, versionInfo: offered.version, nonce: offered.version, resources });
  }
}
