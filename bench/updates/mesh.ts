// The clusters of the bench and their endpoints, as a management server would hold them: encoded
// once, each with its name.
import { fromJson, type JsonObject } from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';
import { ClusterSchema } from '../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { ClusterLoadAssignmentSchema } from '../../proxy/api/gen/envoy/config/endpoint/v3/endpoint_pb.js';

/** What is said of a cluster now. */
export interface MeshCluster {
  readonly name: string;
  /** Grows with each change of the cluster: `%CLUSTER_METADATA(bench:version)%`. */
  version: number;
  /** Where its first endpoint is now. */
  address: string;
  cluster: Any;
  endpoints: Any;
}

/** As in a mesh of many services. */
const ENDPOINTS_EACH = 10;

/** Many clusters; changing one costs the same however many there are. */
export class Mesh {
  readonly clusters: MeshCluster[] = [];
  /** Endpoints listen on every address of 127.0.0.0/8, on this port. */
  readonly #port: number;
  /** The `ConfigSource` of endpoints. */
  readonly #source: JsonObject;
  #generation = 1;

  constructor(port: number, source: JsonObject) {
    this.#port = port;
    this.#source = source;
  }

  get last(): MeshCluster {
    return this.clusters.at(-1) as MeshCluster;
  }

  /** From now on there are so many more. */
  add(count: number): readonly MeshCluster[] {
    const first = this.clusters.length;
    for (let index = first; index < first + count; index += 1) {
      const name = `service-${index}.bench.svc.cluster.local`;
      const address = addressOf(index, 0, this.#generation);
      const cluster = this.#cluster(name, 1);
      const endpoints = this.#endpoints(name, index, address);
      this.clusters.push({ name, version: 1, address, cluster, endpoints });
    }
    return this.clusters.slice(first);
  }

  /** Another content of the last `count` clusters. */
  changeClusters(count: number): readonly MeshCluster[] {
    const changed = this.clusters.slice(-count);
    for (const each of changed) {
      each.version += 1;
      each.cluster = this.#cluster(each.name, each.version);
    }
    return changed;
  }

  /** Another endpoint in place of the first one of each of the last `count` clusters. */
  changeEndpoints(count: number): readonly MeshCluster[] {
    this.#generation += 1;
    const first = Math.max(0, this.clusters.length - count);
    const changed = this.clusters.slice(first);
    for (const [offset, each] of changed.entries()) {
      const index = first + offset;
      each.address = addressOf(index, 0, this.#generation);
      each.endpoints = this.#endpoints(each.name, index, each.address);
    }
    return changed;
  }

  #cluster(name: string, version: number): Any {
    const message = {
      name,
      type: 'EDS',
      connectTimeout: '1s',
      edsClusterConfig: { edsConfig: this.#source },
      metadata: { filterMetadata: { bench: { version: String(version) } } },
    };
    return anyPack(ClusterSchema, fromJson(ClusterSchema, message));
  }

  #endpoints(clusterName: string, index: number, first: string): Any {
    const addresses = Array.from({ length: endpointsOf(index) }, (_, at) =>
      at === 0 ? first : addressOf(index, at, 1),
    );
    const lbEndpoints = addresses.map((address) => ({
      endpoint: { address: { socketAddress: { address, portValue: this.#port } } },
    }));
    const message = { clusterName, endpoints: [{ lbEndpoints }] };
    return anyPack(ClusterLoadAssignmentSchema, fromJson(ClusterLoadAssignmentSchema, message));
  }
}

/** Few have a single one: the first request to those shows which. */
function endpointsOf(index: number): number {
  return index % 100 === 99 || index === 0 ? 1 : ENDPOINTS_EACH;
}

/** Ten million addresses: 16 bits of the cluster, 4 of the endpoint, the rest says how new it is. */
function addressOf(index: number, at: number, generation: number): string {
  return `127.${((generation % 15) << 4) | at}.${index >> 8}.${index & 255}`;
}
