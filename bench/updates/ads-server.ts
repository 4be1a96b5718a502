// A management server for the bench: one aggregated stream at a time, in the state of the world or
// incremental. Resources are encoded already; it remembers only what was asked for and not yet sent.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import grpc from '@grpc/grpc-js';
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from '../../proxy/api/gen/envoy/service/discovery/v3/discovery_pb.js';
import type { Mesh, MeshCluster } from './mesh.ts';

const CDS = 'type.googleapis.com/envoy.config.cluster.v3.Cluster';
const EDS = 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment';
const SERVICE = '/envoy.service.discovery.v3.AggregatedDiscoveryService';

type Call = grpc.ServerDuplexStream<Buffer, Buffer>;

/** What of a cluster is sent. */
type Part = 'cluster' | 'endpoints';

/** See the file's head. */
export class AdsServer {
  readonly port: number;
  readonly refusals: string[] = [];
  readonly #server: grpc.Server;
  #mesh: Mesh | null = null;
  #call: Call | null = null;
  #isDelta = false;
  /** Names whose endpoints the proxy has been told, or will be. */
  #told = new Set<string>();
  #versions = 0;

  private constructor(server: grpc.Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async listen(): Promise<AdsServer> {
    const server = new grpc.Server();
    let made: AdsServer | null = null;
    const accept = (isDelta: boolean) => (call: Call) => made?.begin(call, isDelta);
    server.addService(
      { StreamAggregatedResources: method('Stream'), DeltaAggregatedResources: method('Delta') },
      { StreamAggregatedResources: accept(false), DeltaAggregatedResources: accept(true) },
    );
    const port = await new Promise<number>((resolve, reject) => {
      const credentials = grpc.ServerCredentials.createInsecure();
      server.bindAsync('127.0.0.1:0', credentials, (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    made = new AdsServer(server, port);
    return made;
  }

  /** What the next proxy is told. */
  serve(mesh: Mesh): void {
    this.#mesh = mesh;
    this.#call = null;
  }

  close(): void {
    this.#server.forceShutdown();
  }

  /** Sends what has changed; of clusters, the state of the world has all of them. */
  push(changed: readonly MeshCluster[], part: Part): void {
    const isAll = part === 'cluster' && !this.#isDelta;
    this.#send(isAll ? (this.#mesh?.clusters ?? []) : changed, part);
    // As istiod: a cluster that comes anew is told its endpoints again.
    const known = changed.filter(({ name }) => this.#told.has(name));
    if (part === 'cluster' && known.length > 0) this.#send(known, 'endpoints');
  }

  begin(call: Call, isDelta: boolean): void {
    this.#call = call;
    this.#isDelta = isDelta;
    this.#told = new Set();
    call.on('error', () => undefined);
    call.on('data', (octets: Buffer) => {
      if (isDelta) this.#onDelta(octets);
      else this.#onRequest(octets);
    });
  }

  #onRequest(octets: Buffer): void {
    const request = fromBinary(DiscoveryRequestSchema, octets);
    if (request.errorDetail !== undefined) this.refusals.push(request.errorDetail.message);
    if (request.typeUrl === EDS) this.#tellEndpoints(request.resourceNames);
    else if (request.responseNonce === '') this.#sendAll(request.typeUrl);
  }

  #onDelta(octets: Buffer): void {
    const request = fromBinary(DeltaDiscoveryRequestSchema, octets);
    if (request.errorDetail !== undefined) this.refusals.push(request.errorDetail.message);
    for (const name of request.resourceNamesUnsubscribe) this.#told.delete(name);
    if (request.typeUrl === EDS) this.#tellEndpoints(request.resourceNamesSubscribe);
    else if (request.responseNonce === '') this.#sendAll(request.typeUrl);
  }

  #sendAll(typeUrl: string): void {
    if (typeUrl === CDS) this.#send(this.#mesh?.clusters ?? [], 'cluster');
  }

  #tellEndpoints(names: readonly string[]): void {
    const wanted = new Set(names.filter((name) => !this.#told.has(name)));
    if (wanted.size === 0) return;
    for (const name of wanted) this.#told.add(name);
    this.#send(
      (this.#mesh?.clusters ?? []).filter(({ name }) => wanted.has(name)),
      'endpoints',
    );
  }

  #send(clusters: readonly MeshCluster[], part: Part): void {
    this.#versions += 1;
    const version = String(this.#versions);
    const typeUrl = part === 'cluster' ? CDS : EDS;
    const said = { typeUrl, nonce: version };
    const octets = this.#isDelta
      ? deltaOctets({ ...said, systemVersionInfo: version }, clusters, part)
      : toBinary(
          DiscoveryResponseSchema,
          create(DiscoveryResponseSchema, {
            ...said,
            versionInfo: version,
            resources: clusters.map((each) => each[part]),
          }),
        );
    this.#call?.write(Buffer.from(octets));
  }
}

function deltaOctets(
  said: { readonly typeUrl: string; readonly nonce: string; readonly systemVersionInfo: string },
  clusters: readonly MeshCluster[],
  part: Part,
): Uint8Array {
  const resources = clusters.map((each) => wrapped(each.name, each[part], said.nonce));
  const message = create(DeltaDiscoveryResponseSchema, { ...said, resources });
  return toBinary(DeltaDiscoveryResponseSchema, message);
}

function wrapped(name: string, resource: Any, version: string) {
  return { name, resource, version };
}

function method(kind: 'Stream' | 'Delta') {
  const same = (octets: Uint8Array): Buffer => Buffer.from(octets);
  return {
    path: `${SERVICE}/${kind}AggregatedResources`,
    requestStream: true,
    responseStream: true,
    requestSerialize: same,
    responseSerialize: same,
    requestDeserialize: same,
    responseDeserialize: same,
  };
}
