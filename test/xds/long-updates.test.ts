// Updates that take many turns of the loop: what else happens meanwhile waits, or is not forgotten.
import t from 'tap';
import type { DiscoverySink } from '../../proxy/xds/discovery.ts';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { packed } from '../support/control-plane.ts';
import { FakeMux, turn } from '../support/fake-mux.ts';

const CDS = TYPE_URLS.cluster;
const EDS = TYPE_URLS.endpoint;
const endpoints = (clusterName: string) =>
  packed('envoy.config.endpoint.v3.ClusterLoadAssignment', { clusterName });

/** Between two subscribers the loop turns once. */
function slowMux(): FakeMux {
  return new FakeMux({ pacing: () => () => turn() });
}

async function opened(rig: FakeMux) {
  await turn();
  rig.server.last.open();
  return rig.server.last;
}

t.test('a response is acknowledged when the last subscriber has it', async (t) => {
  const rig = slowMux();
  const [a, b] = [rig.watch(EDS, ['a']), rig.watch(EDS, ['b'])];
  const stream = await opened(rig);
  stream.respond({ typeUrl: EDS, nonce: '1', resources: [endpoints('a'), endpoints('b')] });
  while (a.told.length === 0) await turn();
  t.same([a.told, b.told], [['a'], []]);
  t.equal(stream.requests.length, 1);
  await turn();
  t.same(b.told, ['b']);
  await turn();
  await turn();
  t.same(
    stream.requests.map(({ responseNonce }) => responseNonce),
    ['', '1'],
  );
});

t.test('the next response waits, and names that change are asked for behind it', async (t) => {
  const rig = slowMux();
  const [a, b] = [rig.watch(EDS, ['a']), rig.watch(EDS, ['b'])];
  const stream = await opened(rig);
  stream.respond({ typeUrl: EDS, nonce: '1', resources: [endpoints('a'), endpoints('b')] });
  stream.respond({ typeUrl: EDS, nonce: '2', resources: [endpoints('a')] });
  rig.watch(EDS, ['c']);
  while (a.told.length === 0) await turn();
  t.same([a.told, b.told], [['a'], []]);
  while (a.told.length < 2) await turn();
  t.same(b.told, ['b'], 'in their order');
  while (stream.requests.at(-1)?.responseNonce !== '2') await turn();
  t.same(stream.requests.at(-1)?.resourceNames, ['a', 'b', 'c']);
});

t.test('who subscribes in the midst of it gets what came', async (t) => {
  const rig = slowMux();
  rig.watch(EDS, ['a']);
  const b = rig.watch(EDS, ['b']);
  const stream = await opened(rig);
  stream.respond({ typeUrl: EDS, nonce: '1', resources: [endpoints('a'), endpoints('b')] });
  b.subscription.close();
  const late = rig.watch(EDS, ['b']);
  while (late.told.length === 0) await turn();
  t.same(late.told, ['b']);
  t.same(b.told, []);
});

t.test(
  'the end of the stream is the end of what it sent, and nobody acknowledges it',
  async (t) => {
    const rig = slowMux();
    const [a, b] = [rig.watch(EDS, ['a']), rig.watch(EDS, ['b'])];
    const first = await opened(rig);
    first.respond({ typeUrl: EDS, nonce: '1', resources: [endpoints('a'), endpoints('b')] });
    first.respond({ typeUrl: EDS, nonce: '2', resources: [endpoints('a')] });
    first.end();
    rig.clock.advance(500);
    const second = await opened(rig);
    while (second.requests.length === 0) await turn();
    await turn();
    t.same([a.told, b.told], [['a'], ['b']], 'what was under way is told');
    t.same(
      second.requests.map(({ responseNonce }) => responseNonce),
      [''],
    );
  },
);

t.test('what follows waits while a response is read, in their order', async (t) => {
  const rig = slowMux();
  const all = rig.watch(CDS);
  const stream = await opened(rig);
  const named = (name: string) => packed('envoy.config.cluster.v3.Cluster', { name });
  const respond = (nonce: string, names: readonly string[]) =>
    stream.respond({ typeUrl: CDS, nonce, versionInfo: nonce, resources: names.map(named) });
  respond('1', ['a', 'b', 'c']);
  await turn();
  t.same(all.told, [], 'it is read first');
  respond('2', ['a', 'd']);
  while (all.told.length < 2) await turn();
  t.same(all.told, ['a b c', 'a d']);
  while (stream.requests.at(-1)?.versionInfo !== '2') await turn();
  t.same(
    stream.requests.map(({ responseNonce }) => responseNonce),
    ['', '1', '2'],
  );
});

t.test('a response that its last resource makes unreadable is refused as a whole', async (t) => {
  const rig = slowMux();
  const all = rig.watch(CDS);
  const stream = await opened(rig);
  const resources = [
    packed('envoy.config.cluster.v3.Cluster', { name: 'a' }),
    packed('envoy.config.cluster.v3.Cluster', { name: 'b' }),
    endpoints('c'),
  ];
  stream.respond({ typeUrl: CDS, nonce: '1', versionInfo: 'v1', resources });
  while (stream.requests.length < 2) await turn();
  t.same(all.told, []);
  t.same(all.failures, ['rejected']);
  t.equal(stream.requests[1]?.versionInfo, '');
  t.match(stream.requests[1]?.errorDetail?.message, /does not match the message-wide type URL/);
});

t.test('nobody is told of what was being read when the source was closed', async (t) => {
  const rig = slowMux();
  const all = rig.watch(CDS);
  const stream = await opened(rig);
  const resources = ['a', 'b'].map((name) => packed('envoy.config.cluster.v3.Cluster', { name }));
  stream.respond({ typeUrl: CDS, nonce: '1', resources });
  await turn();
  rig.mux.close();
  for (let count = 0; count < 8; count += 1) await turn();
  t.same([all.told, all.failures], [[], []]);
  t.equal(stream.requests.length, 1);
});

t.test('a subscriber may take its time; when it fails the server hears of it', async (t) => {
  const rig = new FakeMux();
  const answers: ((answer: string) => void)[] = [];
  const fails: ((error: Error) => void)[] = [];
  const sink: DiscoverySink = {
    onUpdate: () =>
      new Promise((resolve, reject) => {
        answers.push(resolve);
        fails.push(reject);
      }),
    onFailure: () => undefined,
  };
  const stats = rig.stats.scope('cds');
  const request = { typeUrl: CDS, names: new Set(['*']), fetchTimeoutMs: 0, stats };
  rig.mux.subscribe(request, sink);
  const stream = await opened(rig);
  stream.respond({ typeUrl: CDS, nonce: '1', versionInfo: 'v1' });
  stream.respond({ typeUrl: CDS, nonce: '2', versionInfo: 'v2' });
  await turn();
  t.equal(answers.length, 1, 'one after the other');
  answers[0]?.('');
  await turn();
  t.equal(answers.length, 2);
  fails[1]?.(new Error('a bug'));
  await turn();
  t.same(
    stream.requests.map(({ responseNonce, versionInfo }) => `${responseNonce} ${versionInfo}`),
    [' ', '1 v1', '2 v1'],
  );
  t.match(stream.requests[2]?.errorDetail?.message, /internal error: a bug/);
  t.equal(rig.counter('cds.update_success'), 1);
  t.equal(rig.counter('cds.update_rejected'), 1);
});

t.test('a server that never waits for answers is cut off', async (t) => {
  const rig = slowMux();
  rig.watch(EDS, ['a']);
  const stream = await opened(rig);
  for (let index = 0; index < 200 && !stream.isCancelled; index += 1) {
    stream.respond({ typeUrl: EDS, nonce: String(index), resources: [endpoints('a')] });
  }
  t.ok(stream.isCancelled);
});
