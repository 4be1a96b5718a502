// Every way in which a configuration may come, over the whole proxy: polls, a stream for each type,
// a server to fall back to, `self`, a watched directory; resources with a time to live; secrets.
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { anyPack, DurationSchema } from '@bufbuild/protobuf/wkt';
import t, { type Test } from 'tap';
import { ResourceSchema } from '../../proxy/api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import {
  ADS,
  adsBootstrap,
  apiSource,
  HTTP2,
  rdsListener,
  routeTable,
} from '../support/dynamic-bootstrap.ts';
import { DynamicSide, playToUs } from '../support/dynamic-twins.ts';
import { type EchoUpstream, startEchoUpstream } from '../support/echo-upstream.ts';
import { eventually } from '../support/eventually.ts';
import { anyOf } from '../support/played-plane.ts';
import { rawExchange } from '../support/raw-exchange.ts';
import { assignment, edsCluster } from '../support/resource-files.ts';
import { RestPlane } from '../support/rest-plane.ts';
import { httpListener, type Message, staticCluster } from '../support/static-bootstrap.ts';
import { withProxy } from '../support/with-proxy.ts';

const TYPE = 'type.googleapis.com/envoy.extensions.filters.http';
const MUTATION = `${TYPE}.header_mutation.v3.HeaderMutation`;
const ROUTER = { name: 'router', typed_config: { '@type': `${TYPE}.router.v3.Router` } };
const NODE = { id: 'node', cluster: 'test' };

async function start(t: Test, isIncremental = false) {
  const side = await DynamicSide.listen('ours', isIncremental);
  const [a, b] = await Promise.all([startEchoUpstream('a'), startEchoUpstream('b')]);
  t.teardown(async () => {
    side.close();
    await Promise.all([a.close(), b.close()]);
  });
  return { side, plane: side.plane, a, b };
}

/** Answers what a proxy asks at its start: requests go to the upstream. */
async function serveAll(side: DynamicSide, upstream: EchoUpstream, source: Message): Promise<void> {
  const { plane } = side;
  await plane.asked('cluster');
  plane.push('cluster', [edsCluster('one', source)]);
  await plane.asked('endpoint', 'one');
  await plane.set('endpoint', [assignment('one', [upstream.port])]);
  await plane.asked('listener');
  plane.push('listener', [rdsListener('in', { source })]);
  await plane.asked('route', 'routes');
  await plane.set('route', [routeTable('routes', { '/': 'one' })]);
  await side.serving();
}

/** A listener whose filter and scopes are told. */
function toldListener(name: string, source: Message): Message {
  const type_urls = [MUTATION];
  const manager = {
    route_config: undefined,
    http_filters: [
      { name: 'mark', config_discovery: { config_source: source, type_urls } },
      ROUTER,
    ],
    scoped_routes: {
      name: 'scopes',
      scope_key_builder: { fragments: [{ header_value_extractor: { name: 'x-s', index: 0 } }] },
      rds_config_source: source,
      scoped_rds: { scoped_rds_config_source: source },
    },
  };
  return httpListener(name, {}, { manager });
}

function scope(name: string, key: string): Message {
  const fragments = [{ string_key: key }];
  return { name, key: { fragments }, route_configuration_name: 'routes' };
}

/** What the filter of that listener is told: to leave a mark. */
function marking(value: string): Message {
  const append = { header: { key: 'x-mark', value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' };
  const mutations = { response_mutations: [{ append }] };
  return { name: 'mark', typed_config: { '@type': MUTATION, mutations } };
}

/** Status and mark of what a scope answers; '' : the listener is not there yet. */
async function get(side: DynamicSide, listener: string, key: string): Promise<string> {
  const address = await side.address(listener);
  if (address === '') return '';
  const head = `GET / HTTP/1.1\r\nhost: a\r\nx-s: ${key}\r\nconnection: close\r\n\r\n`;
  const { fields, status } = await rawExchange(address, head);
  const mark = fields.find((field) => field.startsWith('x-mark: ')) ?? '';
  return `${status} ${mark.slice('x-mark: '.length)}`;
}

t.test('polls of a REST server', async (t) => {
  const plane = new RestPlane();
  const port = await plane.listen();
  const { side, a, b } = await start(t);
  t.teardown(() => plane.close());
  const api_config_source = {
    ...{ api_type: 'REST', transport_api_version: 'V3' },
    ...{ cluster_names: ['rest'], refresh_delay: '0.02s' },
  };
  const source = { api_config_source, resource_api_version: 'V3' };
  plane.set('cluster', [edsCluster('one', source)]);
  plane.set('endpoint', [assignment('one', [a.port])]);
  plane.set('listener', [rdsListener('in', { source }), toldListener('told', source)]);
  plane.set('route', [routeTable('routes', { '/': 'one' })]);
  plane.set('scopedRoute', [scope('s', 'a')]);
  plane.set('extension', [marking('1')]);
  const bootstrap = {
    node: NODE,
    static_resources: { clusters: [staticCluster('rest', port)] },
    dynamic_resources: { cds_config: source, lds_config: source },
  };
  await playToUs(side, bootstrap, async () => {
    await side.serving();
    t.equal(await side.get('/'), 'a');
    const told = (key: string) => get(side, 'told', key);
    await eventually(async () => (await told('a')) === '200 1');
    t.equal(await told('b'), '404 1');
    plane.set('extension', [marking('2')]);
    await eventually(async () => (await told('a')) === '200 2');
    plane.set('scopedRoute', [scope('s', 'a'), scope('t', 'b')]);
    await eventually(async () => (await told('b')) === '200 2');
    plane.set('endpoint', [assignment('one', [b.port])]);
    await eventually(async () => (await side.get('/')) === 'b');
    plane.set('route', [{ name: 'routes', virtual_hosts: [{ name: 'v' }] }]);
    await eventually(async () => {
      const [rejected] = await side.stats(/rds.*routes\.update_rejected: /);
      return rejected !== undefined && !rejected.endsWith(': 0');
    });
    t.equal(await side.get('/'), 'b', 'what is refused harms nobody');
    plane.set('cluster', []);
    await eventually(async () => (await side.get('/')) === '503');
  });
});

for (const isIncremental of [false, true]) {
  const variant = isIncremental ? 'incremental' : 'state of the world';
  t.test(`a stream for each type, ${variant}`, async (t) => {
    const { side, plane, a } = await start(t, isIncremental);
    const source = { api_config_source: apiSource(isIncremental), resource_api_version: 'V3' };
    const bootstrap = adsBootstrap(side.relay.port, isIncremental, { source });
    const dynamic_resources = { cds_config: source, lds_config: source };
    await playToUs(side, { ...bootstrap, dynamic_resources }, async () => {
      const streams = (method: string) =>
        plane.plane.streams.find((each) => each.method.includes(method));
      const answer = async (
        method: string,
        kind: 'cluster' | 'endpoint' | 'listener' | 'route',
        resource: Message,
      ) => {
        await eventually(() => streams(method) !== undefined);
        plane.on(streams(method) ?? null);
        await plane.asked(kind);
        plane.push(kind, [resource]);
      };
      await answer('Clusters', 'cluster', edsCluster('one', source));
      await answer('Endpoints', 'endpoint', assignment('one', [a.port]));
      await answer('Listeners', 'listener', rdsListener('in', { source }));
      await answer('Routes', 'route', routeTable('routes', { '/': 'one' }));
      await side.serving();
      t.equal(await side.get('/'), 'a');
      t.equal(plane.plane.streams.length, 4, 'one each');
      const variantName = isIncremental ? /\/Delta\w+$/ : /\/Stream\w+$/;
      t.ok(plane.plane.streams.every(({ method }) => variantName.test(method)));
    });
  });
}

t.test('a server to fall back to, while the first one never answered', async (t) => {
  const { side, a } = await start(t);
  const dead = await DynamicSide.listen('ours', false);
  const deadPort = dead.relay.port;
  dead.close();
  const api = {
    grpc_services: [
      {
        envoy_grpc: {
          cluster_name: 'first',
          retry_policy: { retry_back_off: { base_interval: '0.02s', max_interval: '0.05s' } },
        },
      },
      { envoy_grpc: { cluster_name: 'xds' } },
    ],
  };
  const bootstrap = adsBootstrap(side.relay.port, false, { api });
  const { clusters } = bootstrap['static_resources'] as { clusters: Message[] };
  const first = { ...staticCluster('first', deadPort), ...HTTP2 };
  const guard = { 'envoy.restart_features.xds_failover_support': true };
  const layers = [{ name: 'guard', static_layer: guard }];
  const both = {
    layered_runtime: { layers },
    static_resources: { clusters: [first, ...clusters] },
  };
  await playToUs(side, { ...bootstrap, ...both }, async () => {
    await serveAll(side, a, ADS);
    t.equal(await side.get('/'), 'a');
  });
  const without = withProxy({ ...bootstrap, static_resources: both.static_resources });
  await t.rejects(without, { message: /no more than 1 gRPC services .*xds_failover_support/ });
});

t.test('self is the server that said so; the node and who answers are told', async (t) => {
  const { side, plane, a } = await start(t);
  const api = { set_node_on_first_message_only: false };
  const bootstrap = adsBootstrap(side.relay.port, false, { api });
  await playToUs(side, bootstrap, async () => {
    await serveAll(side, a, { self: {}, resource_api_version: 'V3' });
    t.equal(await side.get('/'), 'a');
    t.equal(plane.plane.streams.length, 1);
    const nodes = plane.stream.requests.map(({ node }) => [node?.id, node?.cluster]);
    t.ok(nodes.length > 4 && nodes.every(([id, cluster]) => id === 'node' && cluster === 'test'));
    plane.stream.send({
      ...{ typeUrl: TYPE_URLS.route, versionInfo: '9', nonce: '9' },
      controlPlane: { $typeName: 'envoy.config.core.v3.ControlPlane', identifier: 'plane-1' },
    });
    await eventually(async () =>
      (await side.stats(/^control_plane\.identifier/)).includes(
        'control_plane.identifier: "plane-1"',
      ),
    );
  });
});

t.test('a directory that is watched: a ConfigMap whose files are swapped at once', async (t) => {
  const { side, a, b } = await start(t);
  const directory = t.testdir({});
  const write = (version: string, port: number) => {
    const type = 'type.googleapis.com/envoy.config.cluster.v3.Cluster';
    const resources = [{ '@type': type, ...staticCluster('one', port) }];
    mkdirSync(join(directory, version));
    writeFileSync(
      join(directory, version, 'cds.json'),
      JSON.stringify({ version_info: version, resources }),
    );
    symlinkSync(version, join(directory, '..new'));
    renameSync(join(directory, '..new'), join(directory, '..data'));
  };
  write('v1', a.port);
  const path_config_source = {
    path: join(directory, '..data', 'cds.json'),
    watched_directory: { path: directory },
  };
  const listener = rdsListener('in');
  const bootstrap = {
    ...adsBootstrap(side.relay.port),
    dynamic_resources: {
      ads_config: apiSource(false),
      lds_config: ADS,
      cds_config: { path_config_source, resource_api_version: 'V3' },
    },
  };
  await playToUs(side, bootstrap, async () => {
    const { plane } = side;
    await plane.asked('listener');
    plane.push('listener', [listener]);
    await plane.asked('route', 'routes');
    await plane.set('route', [routeTable('routes', { '/': 'one' })]);
    await side.serving();
    t.equal(await side.get('/'), 'a');
    write('v2', b.port);
    await eventually(async () => (await side.get('/')) === 'b');
    t.pass('swapped');
  });
});

t.test('what lives for a time is gone then', async (t) => {
  const { side, plane, a } = await start(t);
  await playToUs(side, adsBootstrap(side.relay.port), async () => {
    await serveAll(side, a, ADS);
    const wrapper = create(ResourceSchema, {
      ...{ name: 'brief', version: '1' },
      ttl: create(DurationSchema, { nanos: 400e6 }),
      resource: anyOf('listener', rdsListener('brief')),
    });
    const resources = [
      { name: 'in', any: anyOf('listener', rdsListener('in')) },
      { name: 'brief', any: anyPack(ResourceSchema, wrapper) },
    ];
    await eventually(async () => {
      // Each time it begins anew: the first one may be over before anybody asks.
      plane.send({ typeUrl: TYPE_URLS.listener, version: 'ttl', resources });
      return (await side.get('/', 'brief').catch(() => '')) === 'a';
    });
    // Whoever connects just when it goes is reset.
    await eventually(async () => (await side.get('/', 'brief').catch(() => '')) === '');
    t.equal(await side.get('/'), 'a', 'what has no end lives on');
  });
});

t.test('what is not supported is refused with its place', async (t) => {
  const eds = (eds_cluster_config: Message) => ({
    static_resources: { clusters: [{ name: 'c', type: 'EDS', eds_cluster_config }] },
  });
  const ads = { ads: {}, resource_api_version: 'V3' };
  const cases: readonly (readonly [Message, RegExp])[] = [
    [
      eds({ eds_config: ads, service_name: 'xdstp://a/b/c' }),
      /eds_cluster_config\.service_name: names of the form xdstp:\/\/ are not supported/,
    ],
    [
      eds({ eds_config: { ...ads, resource_api_version: 'V2' } }),
      /resource_api_version: V2 xDS transport protocol version is deprecated/,
    ],
    [
      { dynamic_resources: { cds_resources_locator: 'xdstp://a/b/c' } },
      /cds_resources_locator: .*names of the form xdstp:\/\//,
    ],
    [
      { dynamic_resources: { ads_config: { ...apiSource(false), transport_api_version: 'V2' } } },
      /transport_api_version: V2/,
    ],
    [
      {
        static_resources: {
          clusters: [
            {
              ...{ name: 'c', type: 'STATIC' },
              load_assignment: {
                cluster_name: 'c',
                endpoints: [
                  { leds_cluster_locality_config: { leds_config: ads, leds_collection_name: 'l' } },
                ],
              },
            },
          ],
        },
      },
      /leds_cluster_locality_config: /,
    ],
  ];
  for (const [part, reason] of cases) {
    await t.rejects(withProxy({ node: NODE, ...part }), { message: reason }, reason.source);
  }
});
