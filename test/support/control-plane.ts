// A management server of @grpc/grpc-js for tests: it records what it is asked, in both variants and
// on aggregated and single streams, and answers what the test says.

import type { Message } from '@bufbuild/protobuf';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import grpc from '@grpc/grpc-js';
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from '../../proxy/api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { apiRegistry } from '../../proxy/api/registry.ts';
import { eventually } from './eventually.ts';

/** One stream as the server sees it. */
export class ServedStream {
  readonly method: string;
  readonly metadata: grpc.Metadata;
  readonly requests: DiscoveryRequest[] = [];
  readonly deltaRequests: DeltaDiscoveryRequest[] = [];
  /** What came on streams that are not about resources: load reports, health checks. */
  readonly octets: Buffer[] = [];
  isEnded = false;
  onRequest: () => void = () => undefined;
  readonly #call: grpc.ServerDuplexStream<Buffer, Buffer>;

  constructor(call: grpc.ServerDuplexStream<Buffer, Buffer>) {
    this.#call = call;
    this.method = call.getPath();
    this.metadata = call.metadata;
    const isDelta = /\/Delta/.test(this.method);
    call.on('data', (octets: Buffer) => {
      if (REPORTS.test(this.method)) this.octets.push(octets);
      else if (isDelta) this.deltaRequests.push(fromBinary(DeltaDiscoveryRequestSchema, octets));
      else this.requests.push(fromBinary(DiscoveryRequestSchema, octets));
      this.onRequest();
    });
    for (const event of ['end', 'cancelled', 'error', 'close']) {
      call.on(event, () => {
        this.isEnded = true;
      });
    }
  }

  /** A response of the state of the world. */
  send(response: Partial<DiscoveryResponse>): void {
    const { $typeName: _, ...fields } = response as DiscoveryResponse;
    this.sendOctets(toBinary(DiscoveryResponseSchema, create(DiscoveryResponseSchema, fields)));
  }

  sendDelta(response: Partial<DeltaDiscoveryResponse>): void {
    const { $typeName: _, ...fields } = response as DeltaDiscoveryResponse;
    const message = create(DeltaDiscoveryResponseSchema, fields);
    this.sendOctets(toBinary(DeltaDiscoveryResponseSchema, message));
  }

  sendOctets(octets: Uint8Array): void {
    this.#call.write(Buffer.from(octets));
  }

  end(code: number = grpc.status.OK, details = ''): void {
    if (code === grpc.status.OK) this.#call.end();
    else this.#call.emit('error', { code, details });
  }

  /** Waits for so many requests of a type (all types: '') and gives the last of them. */
  async request(count: number, typeUrl = ''): Promise<DiscoveryRequest> {
    const found = () => this.requests.filter((each) => typeUrl === '' || each.typeUrl === typeUrl);
    await eventually(() => found().length >= count);
    return found()[count - 1] as DiscoveryRequest;
  }

  async deltaRequest(count: number, typeUrl = ''): Promise<DeltaDiscoveryRequest> {
    const found = () =>
      this.deltaRequests.filter((each) => typeUrl === '' || each.typeUrl === typeUrl);
    await eventually(() => found().length >= count);
    return found()[count - 1] as DeltaDiscoveryRequest;
  }
}

/** See the file's head. */
export class ControlPlane {
  readonly streams: ServedStream[] = [];
  /** What becomes of a stream as soon as it is there. */
  onStream: (stream: ServedStream) => void = () => undefined;
  readonly #server: grpc.Server;
  readonly #port: number;

  private constructor(server: grpc.Server, port: number) {
    this.#server = server;
    this.#port = port;
  }

  /** On a free port of loopback, the one given, or a Unix domain socket. */
  static async listen(
    parts: {
      readonly port?: number;
      readonly path?: string;
      readonly credentials?: grpc.ServerCredentials;
    } = {},
  ): Promise<ControlPlane> {
    const server = new grpc.Server({
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
    });
    const plane: { it: ControlPlane | null } = { it: null };
    for (const service of SERVICES) server.addService(...implementation(service, plane));
    const credentials = parts.credentials ?? grpc.ServerCredentials.createInsecure();
    const port = await new Promise<number>((resolve, reject) => {
      const { path, port: wanted = 0 } = parts;
      const address = path === undefined ? `127.0.0.1:${wanted}` : `unix:${path}`;
      server.bindAsync(address, credentials, (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    plane.it = new ControlPlane(server, port);
    return plane.it;
  }

  get port(): number {
    return this.#port;
  }

  /** Waits for the stream with that number, from 0. */
  async stream(index: number): Promise<ServedStream> {
    await eventually(() => this.streams.length > index);
    return this.streams[index] as ServedStream;
  }

  close(): void {
    this.#server.forceShutdown();
  }

  admit(call: grpc.ServerDuplexStream<Buffer, Buffer>): void {
    const stream = new ServedStream(call);
    this.streams.push(stream);
    this.onStream(stream);
  }
}

const REPORTS = /\/Stream(LoadStats|HealthCheck)$/;

/** A message as a resource. */
export function packed(typeName: string, fields: Record<string, unknown>) {
  const schema = apiRegistry.getMessage(typeName);
  if (schema === undefined) throw new Error(`no type ${typeName}`);
  return anyPack(schema, create(schema, fields) as Message);
}

const SERVICES: readonly (readonly [string, string])[] = [
  ['envoy.service.discovery.v3.AggregatedDiscoveryService', 'AggregatedResources'],
  ['envoy.service.listener.v3.ListenerDiscoveryService', 'Listeners'],
  ['envoy.service.route.v3.RouteDiscoveryService', 'Routes'],
  ['envoy.service.cluster.v3.ClusterDiscoveryService', 'Clusters'],
  ['envoy.service.endpoint.v3.EndpointDiscoveryService', 'Endpoints'],
  ['envoy.service.secret.v3.SecretDiscoveryService', 'Secrets'],
  ['envoy.service.runtime.v3.RuntimeDiscoveryService', 'Runtime'],
  ['envoy.service.load_stats.v3.LoadReportingService', 'LoadStats'],
  ['envoy.service.health.v3.HealthDiscoveryService', 'HealthCheck'],
];

function implementation(
  [service, what]: readonly [string, string],
  plane: { readonly it: ControlPlane | null },
): [grpc.ServiceDefinition, grpc.UntypedServiceImplementation] {
  const asIs = (octets: Buffer): Buffer => octets;
  const definition: Record<string, grpc.MethodDefinition<Buffer, Buffer>> = {};
  const handlers: grpc.UntypedServiceImplementation = {};
  for (const variant of ['Stream', 'Delta']) {
    const name = `${variant}${what}`;
    definition[name] = {
      path: `/${service}/${name}`,
      requestStream: true,
      responseStream: true,
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    };
    handlers[name] = (call: grpc.ServerDuplexStream<Buffer, Buffer>) => plane.it?.admit(call);
  }
  return [definition, handlers];
}
