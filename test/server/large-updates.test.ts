// Updates of hundreds of resources are taken in slices: what comes meanwhile is behind them, what is
// wrong in their last slice is refused alone, and the loop turns in between.
import t from 'tap';
import type { ToWorker } from '../../proxy/server/link.ts';
import type { Primary } from '../../proxy/server/primary.ts';
import { HTTP2 } from '../support/dynamic-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { SnapshotPlane } from '../support/snapshot-plane.ts';
import {
  bootstrapOf,
  httpListener,
  type Message,
  staticCluster,
} from '../support/static-bootstrap.ts';
import { withProxy } from '../support/with-proxy.ts';

const COUNT = 120;
const ADS = { ads: {}, resource_api_version: 'V3' };

/** `cluster-0` and so on; the timeout says which version it is. */
function clusters(timeoutS: number, last: Message = {}): Message[] {
  return Array.from({ length: COUNT }, (_, index) => ({
    ...staticCluster(`cluster-${index}`, 1),
    connect_timeout: `${timeoutS}s`,
    ...(index === COUNT - 1 ? last : {}),
  }));
}

/** Timeouts in use, each once. */
function timeouts(primary: Primary): number[] {
  const names = Array.from({ length: COUNT }, (_, index) => `cluster-${index}`);
  const found = names.map((name) => primary.configuration.cluster(name)?.connectTimeoutMs ?? 0);
  return [...new Set(found)];
}

/** Updates that the worker was told. */
function updatesOf(primary: Primary): Extract<ToWorker, { kind: 'update' }>[] {
  const [worker] = primary.workforce.living();
  if (worker === undefined) throw new Error('there is no worker');
  const updates: Extract<ToWorker, { kind: 'update' }>[] = [];
  const send = worker.send.bind(worker);
  worker.send = (message) => {
    if (message.kind === 'update') updates.push(message);
    send(message);
  };
  return updates;
}

t.test('reloads', async (t) => {
  const bootstrap = (timeoutS: number, last?: Message) =>
    bootstrapOf([httpListener('in', {})], clusters(timeoutS, last));
  const proxy = await withProxy(bootstrap(1));
  t.teardown(() => proxy.stop());
  const { primary } = proxy;
  const updates = updatesOf(primary);

  t.equal(await proxy.reload(bootstrap(2)), true);
  t.same(timeouts(primary), [2000]);
  const names = updates.flatMap(({ update }) => update.upserted.map(({ name }) => name));
  t.equal(names.length, COUNT, 'each is told once');
  updates.length = 0;

  t.equal(await proxy.reload(bootstrap(3, { connect_timeout: '-1s' })), false);
  t.same([timeouts(primary), updates.length], [[2000], 0], 'its end is bad: nothing of it is used');

  const both = [proxy.reload(bootstrap(4)), proxy.reload(bootstrap(5))];
  t.same(await Promise.all(both), [true, true]);
  t.same(timeouts(primary), [5000], 'the last one is in use');
  const [worker] = primary.workforce.living();
  const statuses = (await worker?.ask('clusters')) ?? [];
  t.equal(statuses.length, COUNT);

  const ending = proxy.reload(bootstrap(6));
  await proxy.stop();
  await ending;
  t.notOk(
    proxy.log.some((line) => /critical/.test(line)),
    'closing in the midst of it is no fault',
  );
});

t.test('what a server sends', async (t) => {
  const plane = await SnapshotPlane.listen();
  plane.set('cluster', clusters(1));
  const grpc_services = [{ envoy_grpc: { cluster_name: 'xds' } }];
  const proxy = await withProxy({
    node: { id: 'test', cluster: 'test' },
    dynamic_resources: {
      ads_config: { api_type: 'GRPC', transport_api_version: 'V3', grpc_services },
      cds_config: ADS,
    },
    static_resources: { clusters: [{ ...staticCluster('xds', plane.plane.port), ...HTTP2 }] },
  });
  t.teardown(async () => {
    await proxy.stop();
    plane.close();
  });
  const { primary } = proxy;
  t.same(timeouts(primary), [1000]);

  plane.set('cluster', clusters(2, { connect_timeout: '-1s' }));
  await eventually(() => plane.refusals.length > 0);
  t.match(plane.refusals[0], /^Error adding\/updating cluster\(s\) cluster-119: connect_timeout/);
  t.same(timeouts(primary), [2000, 1000], 'the last one stays as it was');

  const isBegun = (timeoutMs: number) => () =>
    primary.configuration.cluster('cluster-0')?.connectTimeoutMs === timeoutMs;
  plane.set('cluster', clusters(3));
  await eventually(isBegun(3000));
  // That one may be in slices.
  const version = plane.set('cluster', clusters(5));
  await eventually(() => plane.accepted.some((each) => each.endsWith(` ${version}`)));
  t.same(timeouts(primary), [5000]);
  await primary.publisher.applied();
  const [worker] = primary.workforce.living();
  t.equal((await worker?.ask('clusters'))?.length, COUNT + 1);

  plane.set('cluster', clusters(6));
  await eventually(isBegun(6000));
  await proxy.stop();
  t.notOk(
    proxy.log.some((line) => /critical/.test(line)),
    'closing in the midst of it is no fault',
  );
});
