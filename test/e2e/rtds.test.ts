// Layers of the runtime from a server, in a whole proxy: who waits, what changes at once, and what
// stays when the server is wrong or silent.
import { create } from '@bufbuild/protobuf';
import t, { type Test } from 'tap';
import { ResourceSchema } from '../../proxy/api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { ControlPlane, packed } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { serverCluster } from '../support/served-twins.ts';
import {
  bootstrapOf,
  httpListener,
  type Message,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { withProxy } from '../support/with-proxy.ts';

const typeUrl = TYPE_URLS.runtime;
const LAYER = 'envoy.service.runtime.v3.Runtime';

function bootstrap(port: number, timeout: string): Message {
  const share = { default_value: { numerator: 0 }, runtime_key: 'new.share' };
  const routes = [
    { match: { prefix: '/', runtime_fraction: share }, direct_response: { status: 201 } },
    { match: { prefix: '/' }, direct_response: { status: 200 } },
  ];
  const listeners = [httpListener('in', { virtual_hosts: [virtualHost(['*'], routes)] })];
  const services = [{ envoy_grpc: { cluster_name: 'xds' } }];
  const api = { api_type: 'DELTA_GRPC', transport_api_version: 'V3', grpc_services: services };
  const config = { api_config_source: api, initial_fetch_timeout: timeout };
  return {
    ...bootstrapOf(listeners, [serverCluster('xds', port)]),
    node: { id: 'node', cluster: 'test' },
    layered_runtime: { layers: [{ name: 'told', rtds_layer: { name: 'x', rtds_config: config } }] },
  };
}

async function planeOf(t: Test): Promise<ControlPlane> {
  const plane = await ControlPlane.listen();
  t.teardown(() => plane.close());
  return plane;
}

const share = (value: unknown) => ({
  typeUrl,
  nonce: String(value),
  resources: [
    create(ResourceSchema, {
      name: 'x',
      version: '1',
      resource: packed(LAYER, { name: 'x', layer: { 'new.share': value } }),
    }),
  ],
});

t.test('the start waits for the first answer, and updates are in use at once', async (t) => {
  const plane = await planeOf(t);
  let hasStarted = false;
  const starting = withProxy(bootstrap(plane.port, '30s')).then((proxy) => {
    hasStarted = true;
    return proxy;
  });
  const stream = await plane.stream(0);
  await stream.deltaRequest(1);
  t.notOk(hasStarted);
  stream.sendDelta(share(100));
  const proxy = await starting;
  t.teardown(() => proxy.stop());
  const status = async () => (await fetch(`http://127.0.0.1:${proxy.port}/`)).status;
  t.equal(await status(), 201, 'the first request is served by what was told');
  stream.sendDelta(share(0));
  await eventually(async () => (await status()) === 200);
  stream.sendDelta(share(100));
  await eventually(async () => (await status()) === 201);
  stream.sendDelta(share(['x']));
  const refusal = await stream.deltaRequest(5);
  t.equal(refusal.errorDetail?.message, 'Invalid runtime entry value for new.share');
  t.equal(await status(), 201, 'what is refused changes nothing');
  stream.sendDelta({ typeUrl, nonce: 'gone', removedResources: ['x'] });
  await eventually(async () => (await status()) === 200);
  t.equal(await proxy.stat('runtime.update_rejected'), 1);
  t.equal(await proxy.stat('runtime.num_keys'), 0);
});

t.test('a silent server is waited for until initial_fetch_timeout', async (t) => {
  const plane = await planeOf(t);
  const proxy = await withProxy(bootstrap(plane.port, '0.05s'));
  t.teardown(() => proxy.stop());
  t.equal(await proxy.stat('runtime.init_fetch_timeout'), 1);
  const status = async () => (await fetch(`http://127.0.0.1:${proxy.port}/`)).status;
  t.equal(await status(), 200);
  (await plane.stream(0)).sendDelta(share(100));
  await eventually(async () => (await status()) === 201);
});
