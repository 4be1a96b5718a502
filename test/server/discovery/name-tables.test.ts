import { create } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import t from 'tap';
import { ResourceSchema } from '../../../proxy/api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { NameTableSchema } from '../../../proxy/api/gen/istio/nds_pb.js';
import type { NameTable } from '../../../proxy/model/name-table.ts';
import { NAME_TABLE_URL, NameTables } from '../../../proxy/server/discovery/name-tables.ts';
import { ControlPlane } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeMux } from '../../support/fake-mux.ts';
import { serverCluster } from '../../support/served-twins.ts';
import { bootstrapOf } from '../../support/static-bootstrap.ts';
import { withProxy } from '../../support/with-proxy.ts';

function packedTable(table: Record<string, { ips?: string[]; registry?: string }>) {
  return anyPack(NameTableSchema, create(NameTableSchema, { table }));
}

function rig(isIncremental: boolean) {
  const fake = new FakeMux({ isIncremental });
  const tables = new NameTables({ source: () => fake.mux, stats: fake.stats });
  const told: NameTable[] = [];
  return { fake, tables, told, register: () => tables.register((table) => told.push(table)) };
}

t.test('each table is told to all who registered, the known one at once', async (t) => {
  const { fake, register, tables, told } = rig(false);
  t.equal(fake.server.streams.length, 0, 'nobody is asked for nothing');
  const leave = register();
  await Promise.resolve();
  const stream = fake.server.streams[0];
  stream?.open();
  const [first] = stream?.requests ?? [];
  t.same([first?.typeUrl, first?.resourceNames], [NAME_TABLE_URL, []]);
  const resources = [
    packedTable({
      'Web.default.svc.cluster.local': {
        ...{ ips: ['10.0.0.1', '10.0.0.0/8', '2001:2::1'], registry: 'Kubernetes' },
      },
    }),
  ];
  stream?.respond({ typeUrl: NAME_TABLE_URL, versionInfo: '1', nonce: 'a', resources });
  t.same(
    [...(told[0] ?? [])],
    [
      [
        'web.default.svc.cluster.local',
        { ips: ['10.0.0.1', '2001:2::1'], namespace: '', registry: 'Kubernetes', shortName: '' },
      ],
    ],
  );
  const late: NameTable[] = [];
  const leaveToo = tables.register((table) => late.push(table));
  t.equal(late.length, 1);
  leave();
  stream?.respond({
    typeUrl: NAME_TABLE_URL,
    versionInfo: '2',
    nonce: 'b',
    resources: [packedTable({})],
  });
  t.same([told.length, late.length, late[1]?.size], [1, 2, 0]);
  const bad = { ...packedTable({}), value: Buffer.from([0xff]) };
  stream?.respond({ typeUrl: NAME_TABLE_URL, versionInfo: '3', nonce: 'c', resources: [bad] });
  await Promise.resolve();
  t.ok(stream?.requests.at(-1)?.errorDetail, 'one that cannot be read is refused');
  t.equal(late.length, 2);
  leaveToo();
  tables.stop();
});

t.test('in the incremental variant a table has no name, and a removed one is empty', async (t) => {
  const { fake, register, tables, told } = rig(true);
  register();
  await Promise.resolve();
  const stream = fake.server.streams[0];
  stream?.open();
  const [first] = stream?.deltaRequests ?? [];
  t.same([first?.typeUrl, first?.resourceNamesSubscribe], [NAME_TABLE_URL, []]);
  const resource = packedTable({ a: { ips: ['10.0.0.1'] } });
  const wrapped = create(ResourceSchema, { name: '', version: '1', resource });
  stream?.respondDelta({ typeUrl: NAME_TABLE_URL, nonce: 'a', resources: [wrapped] });
  t.same([...(told[0]?.keys() ?? [])], ['a']);
  stream?.respondDelta({ typeUrl: NAME_TABLE_URL, nonce: 'b', removedResources: [''] });
  t.same([told.length, told[1]?.size], [2, 0]);
  tables.stop();
});

t.test('a proxy asks its aggregated server once somebody registers, and no other', async (t) => {
  const plane = await ControlPlane.listen();
  const services = [{ envoy_grpc: { cluster_name: 'xds' } }];
  const ads_config = { api_type: 'GRPC', transport_api_version: 'V3', grpc_services: services };
  const proxy = await withProxy({
    ...bootstrapOf([], [serverCluster('xds', plane.port)]),
    node: { id: 'node', cluster: 'test' },
    dynamic_resources: { ads_config },
  });
  const plain = await withProxy(bootstrapOf([], []));
  t.teardown(async () => {
    await Promise.all([proxy.stop(), plain.stop()]);
    plane.close();
  });
  t.equal(plane.streams.length, 0);
  const told: NameTable[] = [];
  proxy.primary.nameTables.register((table) => told.push(table));
  plain.primary.nameTables.register((table) => told.push(table));
  const stream = await plane.stream(0);
  await stream.request(1, NAME_TABLE_URL);
  const resources = [packedTable({ a: { ips: ['10.0.0.1'] } })];
  stream.send({ typeUrl: NAME_TABLE_URL, versionInfo: '1', nonce: '1', resources });
  await eventually(() => told.length === 1);
  t.equal(told[0]?.get('a')?.ips[0], '10.0.0.1');
  t.equal(await proxy.stat('nds.update_success'), 1);
});
