// Layers of the runtime from a server, beside Envoy: who waits for whom, what is refused in which
// words, what is counted and shown.
import { create } from '@bufbuild/protobuf';
import t from 'tap';
import { ResourceSchema } from '../../proxy/api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { packed, type ServedStream } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { playToBoth, type ServedTwin, serverCluster } from '../support/served-twins.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

const { runtime: RTDS, cluster: CDS } = TYPE_URLS;
const ADS = { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '20s' };

/** Times, hashes of which last digits are lost, and loads: Envoy makes one more at its start. */
const OWN_VALUES =
  /update_(time|duration)|runtime\.(version|load_success|override_dir_not_exists):/;

const runtime = (name: string, layer: Record<string, unknown>) =>
  packed('envoy.service.runtime.v3.Runtime', { name, layer });

function bootstrap(port: number, apiType: string): Record<string, unknown> {
  const services = [{ envoy_grpc: { cluster_name: 'xds' } }];
  const api = { api_type: apiType, transport_api_version: 'V3', grpc_services: services };
  const source = { api_config_source: api, resource_api_version: 'V3' };
  return {
    node: { id: 'node', cluster: 'test' },
    static_resources: { clusters: [serverCluster('xds', port)] },
    dynamic_resources: { ads_config: api, cds_config: ADS },
    layered_runtime: {
      layers: [
        { name: 'base', static_layer: { a: 1, b: 'base', 'c.d': true } },
        { name: 'told', rtds_layer: { name: 'theirs', rtds_config: source } },
        { name: 'aggregated', rtds_layer: { name: 'more', rtds_config: ADS } },
        { name: 'admin', admin_layer: {} },
      ],
    },
  };
}

/** In one order; Envoy prints fractions in a text form that it promises to nobody. */
function plain(entries: unknown): unknown {
  const fraction = (_: string, value: unknown) =>
    typeof value === 'string' && value.includes('numerator') ? '{fraction}' : value;
  const masked = JSON.parse(JSON.stringify(entries, fraction));
  return Object.entries<{ final_value: unknown; layer_values: unknown }>(masked)
    .map(([key, { final_value: last, layer_values: values }]) => [key, last, values] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** What is to be seen of the runtime. */
async function seen(admin: string): Promise<Record<string, unknown>> {
  const shown = await (await fetch(`${admin}/runtime?format=json`)).json();
  const { entries, layers } = shown as Record<string, unknown>;
  const text = await (await fetch(`${admin}/stats?filter=^(runtime|control_plane)`)).text();
  const stats = text.split('\n').filter((line) => line !== '' && !OWN_VALUES.test(line));
  return { entries: plain(entries), layers, stats: stats.sort() };
}

async function streamsOf(
  plane: ServedTwin['plane'],
): Promise<{ own: ServedStream; ads: ServedStream }> {
  await eventually(() => plane.streams.length === 2);
  const isAds = ({ method }: ServedStream) => method.includes('Aggregated');
  const own = plane.streams.find((stream) => !isAds(stream)) as ServedStream;
  return { own, ads: plane.streams.find(isAds) as ServedStream };
}

async function stateOfWorld({ plane, admin }: ServedTwin) {
  const { ads, own } = await streamsOf(plane);
  const first = await own.request(1);
  const log: unknown[] = [own.method, first.resourceNames];
  await ads.request(1);
  log.push(ads.requests.map(({ typeUrl }) => typeUrl));
  const send = async (version: string, resources: ReturnType<typeof runtime>[]) => {
    const before = own.requests.length;
    own.send({ typeUrl: RTDS, versionInfo: version, nonce: `n${version}`, resources });
    const answer = await own.request(before + 1);
    log.push([answer.versionInfo, answer.responseNonce, answer.errorDetail?.message]);
  };
  await send('1', [runtime('theirs', { a: 5, nested: { x: 'y', deep: { n: 1.5 } }, on: true })]);
  log.push(ads.requests.length);
  ads.send({
    typeUrl: RTDS,
    versionInfo: '1',
    nonce: 'm1',
    resources: [runtime('more', { b: '9' })],
  });
  await ads.request(1, CDS);
  ads.send({ typeUrl: CDS, versionInfo: '1', nonce: 'c1', resources: [] });
  const url = await admin;
  log.push(await seen(url));
  await send('2', [runtime('other', { a: 6 })]);
  await send('3', [runtime('theirs', {}), runtime('theirs', {})]);
  await send('4', [runtime('theirs', { a: { numerator: 3, denominator: 'MILLION' } })]);
  log.push(await seen(url));
  await send('5', []);
  log.push(await seen(url));
  await send('6', [runtime('theirs', { a: [1] })]);
  return log;
}

t.test('is told in the state of the world', { skip: withoutEnvoy }, async (t) => {
  const { envoy, ours } = await playToBoth((port) => bootstrap(port, 'GRPC'), stateOfWorld);
  t.same(ours, envoy);
});

async function incremental({ plane, admin }: ServedTwin) {
  const { ads, own } = await streamsOf(plane);
  const first = await own.deltaRequest(1);
  const log: unknown[] = [own.method, first.resourceNamesSubscribe];
  const send = async (
    nonce: string,
    resources: ReturnType<typeof runtime>[],
    removedResources: string[] = [],
  ) => {
    const before = own.deltaRequests.length;
    const wrapped = resources.map((resource) =>
      create(ResourceSchema, { name: 'theirs', version: nonce, resource }),
    );
    own.sendDelta({ typeUrl: RTDS, nonce, resources: wrapped, removedResources });
    const answer = await own.deltaRequest(before + 1);
    log.push([answer.responseNonce, answer.errorDetail?.message]);
  };
  await ads.deltaRequest(1, RTDS);
  const resource = runtime('more', { b: '9' });
  const wrapped = create(ResourceSchema, { name: 'more', version: '1', resource });
  ads.sendDelta({ typeUrl: RTDS, nonce: 'm1', resources: [wrapped] });
  log.push(ads.deltaRequests.filter(({ typeUrl }) => typeUrl === CDS).length);
  await send('1', [runtime('theirs', { a: 5 })]);
  await ads.deltaRequest(1, CDS);
  ads.sendDelta({ typeUrl: CDS, systemVersionInfo: '1', nonce: 'c1' });
  const url = await admin;
  log.push(await seen(url));
  await send('2', [runtime('other', { a: 6 })]);
  await send('3', [], ['theirs']);
  log.push(await seen(url));
  await send('4', [runtime('theirs', { a: 7 })]);
  log.push(await seen(url));
  return log;
}

t.test('is told in the incremental variant', { skip: withoutEnvoy }, async (t) => {
  const { envoy, ours } = await playToBoth((port) => bootstrap(port, 'DELTA_GRPC'), incremental);
  t.same(ours, envoy);
});
