// What one change costs however much else there is: messages to workers, resources that are read
// and compiled. Counted, not timed.
import t, { type Test } from 'tap';
import type { ToWorker } from '../../proxy/server/link.ts';
import type { Primary } from '../../proxy/server/primary.ts';
import type { ResolvedEndpoint } from '../../proxy/upstream/resolved-endpoint.ts';
import { endpointConfig } from '../support/cluster-config.ts';
import { closedPort } from '../support/dead-ports.ts';
import { HTTP2 } from '../support/dynamic-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { assignment, edsCluster } from '../support/resource-files.ts';
import { SnapshotPlane } from '../support/snapshot-plane.ts';
import { httpListener, type Message, staticCluster } from '../support/static-bootstrap.ts';
import { withProxy } from '../support/with-proxy.ts';

const ADS = { ads: {}, resource_api_version: 'V3' };
/** The one that changes, in the midst of the others. */
const CHANGED = 'cluster-5';

function bootstrap(port: number): Message {
  const grpc_services = [{ envoy_grpc: { cluster_name: 'xds' } }];
  return {
    node: { id: 'test', cluster: 'test' },
    dynamic_resources: {
      ads_config: { api_type: 'GRPC', transport_api_version: 'V3', grpc_services },
      cds_config: ADS,
    },
    static_resources: {
      clusters: [{ ...staticCluster('xds', port), ...HTTP2 }],
      listeners: [httpListener('in', {})],
    },
  };
}

interface Rig {
  readonly primary: Primary;
  readonly names: readonly string[];
  /** What workers were told since the last look. */
  sent(): readonly ToWorker[];
  /** Sets them anew, with changes of some; the version that the server gives them. */
  clusters(changes?: Readonly<Record<string, Message>>): string;
  endpoints(changes?: Readonly<Record<string, readonly number[]>>): string;
  /** Resolves when that version was acknowledged. */
  accepted(version: string): Promise<void>;
}

async function start(t: Test, count: number): Promise<Rig> {
  const plane = await SnapshotPlane.listen();
  const names = Array.from({ length: count }, (_, index) => `cluster-${index}`);
  const port = await closedPort();
  const clusters: Rig['clusters'] = (changes = {}) => {
    const all = names.map((name) => edsCluster(name, ADS, changes[name] ?? {}));
    return plane.set('cluster', all);
  };
  const endpoints: Rig['endpoints'] = (changes = {}) => {
    return plane.set(
      'endpoint',
      names.map((name) => assignment(name, changes[name] ?? [port])),
    );
  };
  const first = [clusters(), endpoints()];
  const proxy = await withProxy(bootstrap(plane.plane.port));
  t.teardown(async () => {
    await proxy.stop();
    plane.close();
  });
  const { primary } = proxy;
  const [worker] = primary.workforce.living();
  if (worker === undefined) throw new Error('there is no worker');
  const told: ToWorker[] = [];
  const send = worker.send.bind(worker);
  worker.send = (message) => {
    if (message.kind !== 'ask') told.push(message);
    send(message);
  };
  const accepted = (version: string) =>
    eventually(() => plane.accepted.some((each) => each.endsWith(` ${version}`)));
  for (const version of first) await accepted(version);
  return { primary, names, clusters, endpoints, accepted, sent: () => told.splice(0) };
}

/** What is known of all others: the very objects, which reading or compiling again would replace. */
function others({ primary, names }: Rig): readonly unknown[] {
  const assignments = new Map(
    primary.discovery.eds.inUse().map((each) => [each.cluster, each.assignment.endpoints]),
  );
  return names
    .filter((name) => name !== CHANGED)
    .flatMap((name) => [primary.configuration.cluster(name), assignments.get(name)]);
}

/** Messages as `kind name`, with the names of what an update has. */
function textOf(message: ToWorker): string {
  if (message.kind === 'update') {
    const { upserted, removed } = message.update;
    return `update ${[...upserted, ...removed].map(({ name }) => name).join(' ')}`;
  }
  if (message.kind === 'endpoints') {
    return `endpoints ${message.told.map(({ cluster }) => cluster).join(' ')}`;
  }
  return 'cluster' in message ? `${message.kind} ${message.cluster}` : message.kind;
}

for (const count of [10, 300]) {
  t.test(`one change among ${count} clusters`, async (t) => {
    const rig = await start(t, count);
    const { primary, names } = rig;
    const { eds } = primary.discovery;
    t.equal(eds.inUse().length, count);
    rig.sent();
    const before = others(rig);
    const accepted = async (...versions: readonly string[]) => {
      for (const version of versions) await rig.accepted(version);
      await primary.whenClustersWarm();
    };

    await accepted(rig.endpoints({ [CHANGED]: [1, 2] }));
    t.same(rig.sent().map(textOf), [`endpoints ${CHANGED}`]);

    await accepted(rig.clusters({ [CHANGED]: { connect_timeout: '7s' } }));
    t.same(rig.sent().map(textOf), [`update ${CHANGED}`, `endpoints ${CHANGED}`]);
    t.equal(primary.configuration.cluster(CHANGED)?.connectTimeoutMs, 7000);

    const again = [
      rig.clusters({ [CHANGED]: { connect_timeout: '7s' } }),
      rig.endpoints({ [CHANGED]: [1, 2] }),
    ];
    await accepted(...again);
    t.same(rig.sent(), [], 'the same again under another version costs workers nothing');
    const after = others(rig);
    t.ok(
      before.length === 2 * (names.length - 1) &&
        before.every((each, index) => each !== undefined && each === after[index]),
      'nothing else was read or compiled',
    );
  });
}

t.test('a burst of changes reaches workers once for each that changed', async (t) => {
  const rig = await start(t, 10);
  rig.sent();
  const version = rig.clusters(
    Object.fromEntries(rig.names.map((name) => [name, { connect_timeout: '7s' }] as const)),
  );
  await rig.accepted(version);
  await rig.primary.whenClustersWarm();
  // One message where the machine is not busy: what takes long is told bit by bit.
  const told = rig.sent().flatMap((message) => {
    return message.kind === 'update' ? message.update.upserted.map(({ name }) => name) : [];
  });
  t.same(told, rig.names);
});

t.test('what a worker is told last of a cluster is what it ends with', async (t) => {
  const { primary, names } = await start(t, 300);
  const { workforce } = primary;
  const [gone = '', ...others] = names;
  const tell = (port: number): void => {
    const endpoint = endpointConfig({ port });
    const told: ResolvedEndpoint = { ip: endpoint.address, port, endpointIndex: 0, endpoint };
    for (const name of names) workforce.endpoints.set(name, [told]);
  };
  tell(7);
  workforce.endpoints.flush();
  tell(8);
  const removed = workforce.update({ upserted: [], removed: [{ kind: 'cluster', name: gone }] });
  tell(9);
  await removed;
  const hosts = async () => {
    const statuses = (await workforce.living()[0]?.ask('clusters')) ?? [];
    return new Map(statuses.map((each) => [each.name, each.hosts.map(({ address }) => address)]));
  };
  await eventually(async () => {
    const found = await hosts();
    return others.every((name) => found.get(name)?.join() === '127.0.0.1:9');
  });
  t.notOk((await hosts()).has(gone));
});
