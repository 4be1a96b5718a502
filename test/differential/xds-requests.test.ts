// What a management server is asked and told, beside Envoy: the same scripts are played to both, and
// each type's requests are compared in their order.
import { create } from '@bufbuild/protobuf';
import t from 'tap';
import {
  type DeltaDiscoveryRequest,
  type DiscoveryRequest,
  ResourceSchema,
} from '../../proxy/api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { ALL_NAMES, type DiscoverySubscription } from '../../proxy/xds/discovery.ts';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { ControlPlane, packed, type ServedStream } from '../support/control-plane.ts';
import { DiscoveryLog } from '../support/discovery-log.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { grpcServer, muxRig } from '../support/xds-mux.ts';

const { cluster: CDS, endpoint: EDS, listener: LDS } = TYPE_URLS;
const ADS = { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '0s' };

function edsCluster(name: string) {
  return packed('envoy.config.cluster.v3.Cluster', {
    name,
    clusterDiscoveryType: { case: 'type', value: 3 },
    edsClusterConfig: {
      edsConfig: {
        resourceApiVersion: 2,
        configSourceSpecifier: { case: 'ads', value: {} },
      },
    },
    connectTimeout: { seconds: 1n },
  });
}

/** Without a type of discovery's own configuration: it is refused. */
function badCluster(name: string) {
  return packed('envoy.config.cluster.v3.Cluster', {
    name,
    clusterDiscoveryType: { case: 'type', value: 3 },
  });
}

const assignment = (clusterName: string) =>
  packed('envoy.config.endpoint.v3.ClusterLoadAssignment', { clusterName });

function bootstrap(port: number, isIncremental: boolean): Readonly<Record<string, unknown>> {
  const address = { socket_address: { address: '127.0.0.1', port_value: port } };
  const h2 = {
    '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
    explicit_http_config: { http2_protocol_options: {} },
  };
  const cluster = {
    ...{ name: 'xds_cluster', type: 'STATIC', connect_timeout: '5s' },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': h2,
    },
    load_assignment: {
      cluster_name: 'xds_cluster',
      endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
    },
  };
  const ads = {
    api_type: isIncremental ? 'DELTA_GRPC' : 'GRPC',
    transport_api_version: 'V3',
    set_node_on_first_message_only: true,
    grpc_services: [{ envoy_grpc: { cluster_name: 'xds_cluster' } }],
  };
  return {
    node: { id: 'node', cluster: 'test' },
    static_resources: { clusters: [cluster] },
    dynamic_resources: { ads_config: ads, cds_config: ADS, lds_config: ADS },
  };
}

/** Subscribes as a proxy would: endpoints of clusters, and listeners once those are there. */
function mimic(port: number, isIncremental: boolean): () => void {
  const rig = muxRig(grpcServer(port), { isIncremental });
  const endpoints = new Map<string, DiscoverySubscription>();
  const watch = (typeUrl: string, names: readonly string[]) => {
    const log = new DiscoveryLog();
    const request = { typeUrl, names: new Set(names), fetchTimeoutMs: 0, stats: null };
    return { log, subscription: rig.mux.subscribe(request, log) };
  };
  const drop = (name: string) => {
    endpoints.get(name)?.close();
    endpoints.delete(name);
  };
  let hasListeners = false;
  const add = (name: string) => {
    const { log, subscription } = watch(EDS, [name]);
    endpoints.set(name, subscription);
    log.onEach = () => {
      if (!hasListeners) watch(LDS, [ALL_NAMES]);
      hasListeners = true;
    };
  };
  const clusters = watch(CDS, [ALL_NAMES]).log;
  clusters.onEach = ({ isWhole, removed, resources }) => {
    const names = new Set(resources.map(({ name }) => name));
    clusters.refusal = names.has('bad') ? 'bad' : '';
    const gone = isWhole ? [...endpoints.keys()].filter((name) => !names.has(name)) : removed;
    for (const name of gone) drop(name);
    for (const name of names) if (name !== 'bad' && !endpoints.has(name)) add(name);
  };
  return () => rig.close();
}

/** What counts of a request: the same texts from both. */
function shown(request: DiscoveryRequest): string {
  const names = [...request.resourceNames].sort().join(',');
  const { errorDetail, responseNonce, versionInfo } = request;
  const refusal = errorDetail === undefined ? '' : ` refused ${errorDetail.code}`;
  return `[${names}] version=${versionInfo} nonce=${responseNonce}${refusal}`;
}

function shownDelta(request: DeltaDiscoveryRequest): string {
  const { errorDetail, initialResourceVersions, responseNonce } = request;
  const added = [...request.resourceNamesSubscribe].sort().map((name) => `+${name}`);
  const removed = [...request.resourceNamesUnsubscribe].sort().map((name) => `-${name}`);
  const refusal = errorDetail === undefined ? '' : ` refused ${errorDetail.code}`;
  const held = JSON.stringify(Object.entries(initialResourceVersions).sort());
  return `[${[...added, ...removed]}] held=${held} nonce=${responseNonce}${refusal}`;
}

/** Plays a script to Envoy or to us, and gives the requests of each type. */
type Script = (plane: ControlPlane) => Promise<readonly ServedStream[]>;

const stateOfWorld: Script = async (plane) => {
  const stream = await plane.stream(0);
  const send = (typeUrl: string, version: string, resources: ReturnType<typeof packed>[]) =>
    stream.send({ typeUrl, versionInfo: version, nonce: `n${version}`, resources });
  await stream.request(1, CDS);
  send(CDS, '1', [edsCluster('a'), edsCluster('b')]);
  await stream.request(2, CDS);
  await stream.request(1, EDS);
  send(EDS, '2', [assignment('a'), assignment('b')]);
  await stream.request(2, EDS);
  await stream.request(1, LDS);
  send(LDS, '3', []);
  await stream.request(2, LDS);
  send(CDS, '4', [edsCluster('a'), edsCluster('b'), badCluster('bad')]);
  await stream.request(3, CDS);
  send(CDS, '5', [edsCluster('a')]);
  await stream.request(4, CDS);
  await stream.request(3, EDS);
  stream.end();
  const next = await plane.stream(1);
  await next.request(1, CDS);
  await next.request(1, EDS);
  await next.request(1, LDS);
  return [stream, next];
};

const incremental: Script = async (plane) => {
  const stream = await plane.stream(0);
  const wrap = (name: string, resource: ReturnType<typeof packed>) =>
    create(ResourceSchema, { name, version: '1', resource });
  await stream.deltaRequest(1, CDS);
  const clusters = ['a', 'b'].map((name) => wrap(name, edsCluster(name)));
  stream.sendDelta({ typeUrl: CDS, systemVersionInfo: '1', nonce: 'n1', resources: clusters });
  await stream.deltaRequest(2, CDS);
  await stream.deltaRequest(1, EDS);
  const assignments = ['a', 'b'].map((name) => wrap(name, assignment(name)));
  stream.sendDelta({ typeUrl: EDS, systemVersionInfo: '1', nonce: 'n2', resources: assignments });
  await stream.deltaRequest(2, EDS);
  await stream.deltaRequest(1, LDS);
  stream.sendDelta({ typeUrl: LDS, systemVersionInfo: '1', nonce: 'n3' });
  await stream.deltaRequest(2, LDS);
  const bad = wrap('a', edsCluster('a'));
  stream.sendDelta({ typeUrl: CDS, nonce: 'n4', resources: [bad, bad] });
  await stream.deltaRequest(3, CDS);
  stream.sendDelta({ typeUrl: CDS, nonce: 'n5', removedResources: ['b'] });
  await stream.deltaRequest(4, CDS);
  await stream.deltaRequest(3, EDS);
  stream.end();
  const next = await plane.stream(1);
  await next.deltaRequest(1, CDS);
  await next.deltaRequest(1, EDS);
  await next.deltaRequest(1, LDS);
  return [stream, next];
};

/** `CDS [..] …` of both streams; the first line is the order in which types were first asked for. */
function report(streams: readonly ServedStream[]): Record<string, readonly string[]> {
  const lines: Record<string, string[]> = { order: [] };
  for (const [index, { deltaRequests, requests }] of streams.entries()) {
    for (const request of [...requests, ...deltaRequests]) {
      const key = `${index} ${request.typeUrl}`;
      lines[key] ??= [];
      if (lines[key].length === 0) lines['order']?.push(key);
      const isDelta = request.$typeName.endsWith('DeltaDiscoveryRequest');
      lines[key].push(
        isDelta ? shownDelta(request as DeltaDiscoveryRequest) : shown(request as DiscoveryRequest),
      );
    }
  }
  return lines;
}

for (const [title, script, isIncremental] of [
  ['state of the world', stateOfWorld, false],
  ['incremental', incremental, true],
] as const) {
  t.test(`asks and answers as Envoy does, ${title}`, { skip: withoutEnvoy }, async (t) => {
    const plane = await ControlPlane.listen();
    const close = mimic(plane.port, isIncremental);
    const ours = report(await script(plane));
    close();
    plane.close();
    const other = await ControlPlane.listen();
    t.teardown(() => other.close());
    let theirs: Record<string, readonly string[]> = {};
    const played = script(other).then((streams) => {
      theirs = report(streams);
    });
    await withEnvoy(bootstrap(other.port, isIncremental), () => played);
    t.same(ours, theirs);
  });
}
