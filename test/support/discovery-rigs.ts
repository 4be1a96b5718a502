// Each way in which resources come, behind one face: a test publishes, a source is subscribed to.
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { create, fromJson, toBinary, toJson } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { NodeSchema } from '../../proxy/api/gen/envoy/config/core/v3/base_pb.js';
import {
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
  ResourceSchema,
} from '../../proxy/api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { apiRegistry } from '../../proxy/api/registry.ts';
import { SILENT_LOG } from '../../proxy/base/log.ts';
import { EventLoop } from '../../proxy/net/event-loop.ts';
import { SYSTEM_CLOCK } from '../../proxy/server/system-clock.ts';
import type { OpenSource } from '../../proxy/xds/discovery.ts';
import { FileSource } from '../../proxy/xds/file-source.ts';
import { MAX_RESPONSE_BYTES } from '../../proxy/xds/grpc-server.ts';
import { RestClient, type RestServerConfig } from '../../proxy/xds/rest-client.ts';
import { RestSource } from '../../proxy/xds/rest-source.ts';
import { ControlPlane, type ServedStream } from './control-plane.ts';
import { seededRandom } from './seeded-random.ts';
import { grpcServer, muxRig } from './xds-mux.ts';

/** One named resource. */
export interface Published {
  readonly name: string;
  readonly content: Any;
}

/** See the file's head. */
export interface DiscoveryRig {
  readonly source: OpenSource;
  /** These are all there are from now on. */
  publish(version: string, resources: readonly Published[]): void;
  close(): void;
}

/** Makes a rig for one type. */
export type MakeDiscoveryRig = (typeUrl: string) => Promise<DiscoveryRig>;

/** gRPC in either variant: whoever asks for something else, or for the first time, is answered. */
export function grpcRig(isIncremental: boolean): MakeDiscoveryRig {
  return async (typeUrl) => {
    const plane = await ControlPlane.listen();
    const rig = muxRig(grpcServer(plane.port), { isIncremental });
    let current: { version: string; resources: readonly Published[] } | null = null;
    let nonce = 0;
    const sent = new Set<string>();
    const send = (stream: ServedStream) => {
      if (current === null) return;
      const { resources, version } = current;
      nonce += 1;
      const common = { typeUrl, nonce: `${nonce}` };
      if (!isIncremental) {
        const contents = resources.map(({ content }) => content);
        stream.send({ ...common, versionInfo: version, resources: contents });
        return;
      }
      const named = resources.map(({ content, name }) =>
        create(ResourceSchema, { name, version, resource: content }),
      );
      const gone = [...sent].filter((name) => !resources.some((each) => each.name === name));
      for (const { name } of resources) sent.add(name);
      const removed = { removedResources: gone };
      stream.sendDelta({ ...common, systemVersionInfo: version, resources: named, ...removed });
    };
    plane.onStream = (stream) => {
      let names = '';
      stream.onRequest = () => {
        const request = stream.requests.at(-1);
        const added = stream.deltaRequests.at(-1)?.resourceNamesSubscribe ?? [];
        const asked = isIncremental ? names + added.join() : (request?.resourceNames.join() ?? '');
        const isFirst = stream.requests.length + stream.deltaRequests.length === 1;
        if (isFirst || asked !== names) send(stream);
        names = asked;
      };
    };
    const publish = (version: string, resources: readonly Published[]) => {
      current = { version, resources };
      for (const stream of plane.streams) send(stream);
    };
    const close = () => {
      rig.close();
      plane.close();
    };
    return { source: rig.mux, publish, close };
  };
}

/** A server that is polled; it records what it is asked. */
export class RestServer {
  readonly requests: DiscoveryRequest[] = [];
  readonly heads: http.IncomingMessage[] = [];
  status = 200;
  body = '';
  /** Answers nothing. */
  isSilent = false;
  readonly #server = http.createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    request.on('end', () => {
      this.heads.push(request);
      const options = { registry: apiRegistry };
      this.requests.push(fromJson(DiscoveryRequestSchema, JSON.parse(text), options));
      if (!this.isSilent) response.writeHead(this.status).end(this.body);
    });
  });

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** A response as JSON. */
export function responseJson(
  typeUrl: string,
  version: string,
  resources: readonly Published[],
): string {
  const response = create(DiscoveryResponseSchema, { typeUrl, versionInfo: version });
  response.resources = resources.map(({ content }) => content);
  return JSON.stringify(toJson(DiscoveryResponseSchema, response, { registry: apiRegistry }));
}

/** Polls of a server on loopback, every 10 to 20 ms. */
export function restSource(port: number, changes: Partial<RestServerConfig> = {}): RestSource {
  const loop = new EventLoop(SYSTEM_CLOCK);
  return new RestSource({
    client: new RestClient({
      name: 'xds_cluster',
      authority: 'xds_cluster',
      targets: () => [{ kind: 'tcp', host: '127.0.0.1', port }],
      tls: () => null,
      requestTimeoutMs: 10_000,
      connectTimeoutMs: 10_000,
      maxResponseBytes: MAX_RESPONSE_BYTES,
      ...changes,
    }),
    node: create(NodeSchema, { id: 'node' }),
    refreshDelayMs: 10,
    clock: loop,
    timers: loop.timers,
    random: seededRandom(1),
    log: SILENT_LOG.logger('config'),
  });
}

export const restRig: MakeDiscoveryRig = async (typeUrl) => {
  const server = new RestServer();
  await server.listen();
  server.status = 304;
  const source = restSource(server.port);
  const publish = (version: string, resources: readonly Published[]) => {
    server.body = responseJson(typeUrl, version, resources);
    server.status = 200;
  };
  const close = () => {
    source.close();
    server.close();
  };
  return { source, publish, close };
};

/** A file in binary form, told of at once. */
export const fileRig: MakeDiscoveryRig = async (typeUrl) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'xds-'));
  const file = path.join(directory, 'resources.pb');
  const loop = new EventLoop(SYSTEM_CLOCK);
  let onChange: () => void = () => undefined;
  const source = new FileSource({
    path: file,
    typeUrl,
    read: async (name) => ({ name, content: fs.readFileSync(name) }),
    watch: (told) => {
      onChange = told;
      return () => undefined;
    },
    clock: loop,
    timers: loop.timers,
    log: SILENT_LOG.logger('config'),
  });
  const publish = (version: string, resources: readonly Published[]) => {
    const response = create(DiscoveryResponseSchema, { typeUrl, versionInfo: version });
    response.resources = resources.map(({ content }) => content);
    fs.writeFileSync(file, toBinary(DiscoveryResponseSchema, response));
    onChange();
  };
  const close = () => {
    source.close();
    fs.rmSync(directory, { recursive: true });
  };
  return { source, publish, close };
};
