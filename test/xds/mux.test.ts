import { create, toBinary } from '@bufbuild/protobuf';
import { anyPack, DurationSchema } from '@bufbuild/protobuf/wkt';
import t from 'tap';
import { ResourceSchema } from '../../proxy/api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { packed } from '../support/control-plane.ts';
import { FakeMux, turn } from '../support/fake-mux.ts';
import { FakeXdsServer } from '../support/fake-xds-server.ts';

const CDS = TYPE_URLS.cluster;
const EDS = TYPE_URLS.endpoint;
const LDS = TYPE_URLS.listener;
const RDS = TYPE_URLS.route;
const cluster = (name: string) => packed('envoy.config.cluster.v3.Cluster', { name });
const endpoints = (clusterName: string) =>
  packed('envoy.config.endpoint.v3.ClusterLoadAssignment', { clusterName });
const routes = (name: string) => packed('envoy.config.route.v3.RouteConfiguration', { name });
const wrapped = (name: string, seconds: number | null, body: boolean) =>
  anyPack(
    ResourceSchema,
    create(ResourceSchema, {
      name,
      ...(seconds === null ? {} : { ttl: create(DurationSchema, { seconds: BigInt(seconds) }) }),
      ...(body ? { resource: endpoints(name) } : {}),
    }),
  );

async function opened(rig: FakeMux) {
  await turn();
  rig.server.last.open();
  return rig.server.last;
}

t.test('asks for types in the order of their first subscriptions, on every stream', async (t) => {
  const rig = new FakeMux();
  rig.watch(CDS);
  rig.watch(EDS, ['a']);
  rig.watch(LDS);
  rig.watch(RDS, ['r']);
  const first = await opened(rig);
  const order = [CDS, EDS, LDS, RDS];
  t.same(
    first.requests.map(({ typeUrl }) => typeUrl),
    order,
  );
  t.same(
    first.requests.map(({ node }) => node?.id ?? ''),
    ['node', '', '', ''],
  );
  t.same(
    first.requests.map(({ resourceNames }) => resourceNames),
    [[], ['a'], [], ['r']],
  );
  first.end();
  rig.clock.advance(500);
  const second = await opened(rig);
  t.same(
    second.requests.map(({ typeUrl }) => typeUrl),
    order,
  );
  t.equal(second.requests[0]?.node?.id, 'node', 'who it is must be said again');
});

t.test('says the node in every request unless told otherwise', async (t) => {
  const rig = new FakeMux({ saysNodeOnce: false });
  rig.watch(CDS);
  rig.watch(LDS);
  const { requests } = await opened(rig);
  t.same(
    requests.map(({ node }) => node?.id),
    ['node', 'node'],
  );
});

t.test('a burst of subscriptions is one request with the union of names', async (t) => {
  const rig = new FakeMux();
  const stream = await (async () => {
    rig.watch(EDS, ['a', 'b']);
    return opened(rig);
  })();
  const late = rig.watch(EDS, ['b', 'c']);
  for (let index = 0; index < 100; index += 1) rig.watch(EDS, [`n${index}`]);
  await turn();
  t.equal(stream.requests.length, 2);
  t.equal(stream.requests[1]?.resourceNames.length, 103);
  late.subscription.close();
  await turn();
  t.notOk(stream.requests[2]?.resourceNames.includes('c'));
  t.ok(stream.requests[2]?.resourceNames.includes('b'), 'somebody else wants it');
});

t.test('tells each watch of names only what concerns it', async (t) => {
  const rig = new FakeMux();
  const [a, b, both] = [rig.watch(EDS, ['a']), rig.watch(EDS, ['b']), rig.watch(EDS, ['a', 'b'])];
  const stream = await opened(rig);
  const resources = [endpoints('a'), endpoints('unasked')];
  stream.respond({ typeUrl: EDS, versionInfo: '1', nonce: 'n', resources });
  t.same([a?.told, b?.told, both?.told], [['a'], [], ['a']]);
  await turn();
  const { errorDetail, responseNonce, versionInfo } = stream.requests.at(-1) ?? {};
  t.same([versionInfo, responseNonce, errorDetail], ['1', 'n', undefined]);
});

t.test('an endpoint that a response leaves out is not gone', async (t) => {
  const rig = new FakeMux();
  const a = rig.watch(EDS, ['a', 'b']);
  const stream = await opened(rig);
  stream.respond({
    typeUrl: EDS,
    versionInfo: '1',
    nonce: '1',
    resources: [endpoints('a'), endpoints('b')],
  });
  stream.respond({ typeUrl: EDS, versionInfo: '2', nonce: '2', resources: [endpoints('b')] });
  stream.respond({ typeUrl: EDS, versionInfo: '3', nonce: '3', resources: [] });
  t.same(a.told, ['a b', 'b'], 'an empty response tells nobody anything');
  await turn();
  t.equal(stream.requests.at(-1)?.versionInfo, '3', 'and is acknowledged');
});

t.test(
  'an empty response removes all clusters, and duplicates are shown as they came',
  async (t) => {
    const rig = new FakeMux();
    const all = rig.watch(CDS);
    const stream = await opened(rig);
    stream.respond({
      typeUrl: CDS,
      versionInfo: '1',
      nonce: '1',
      resources: [cluster('a'), cluster('a')],
    });
    stream.respond({ typeUrl: CDS, versionInfo: '2', nonce: '2', resources: [] });
    t.same(all.told, ['a a', '']);
    t.ok(all.updates.every(({ isWhole }) => isWhole));
  },
);

t.test('refuses with the nonce, keeps the version, and accepts the next', async (t) => {
  const rig = new FakeMux();
  const all = rig.watch(CDS);
  const stream = await opened(rig);
  stream.respond({ typeUrl: CDS, versionInfo: '1', nonce: 'a', resources: [cluster('a')] });
  await turn();
  all.refusal = `no good ${'ö'.repeat(3000)}`;
  stream.respond({ typeUrl: CDS, versionInfo: '2', nonce: 'b', resources: [cluster('b')] });
  await turn();
  const nack = stream.requests.at(-1);
  t.same([nack?.versionInfo, nack?.responseNonce, nack?.errorDetail?.code], ['1', 'b', 13]);
  const message = nack?.errorDetail?.message ?? '';
  t.match(message, /^no good ö+\.\.\.\(truncated\)$/);
  t.ok(Buffer.byteLength(message) <= 4096 + '...(truncated)'.length);
  all.refusal = '';
  stream.respond({ typeUrl: CDS, versionInfo: '3', nonce: 'c', resources: [cluster('c')] });
  await turn();
  const ack = stream.requests.at(-1);
  t.same([ack?.versionInfo, ack?.responseNonce, ack?.errorDetail], ['3', 'c', undefined]);
  t.equal(rig.counter('watch.update_rejected'), 1);
  t.equal(rig.counter('watch.update_success'), 2);
  t.equal(rig.counter('watch.update_attempt'), 4);
  const { textReadouts } = rig.stats.snapshot();
  t.equal(textReadouts['watch.version_text'], '3');
});

t.test('a sink that throws is a refusal, not the end', async (t) => {
  const rig = new FakeMux();
  rig.watch(CDS).onEach = () => {
    throw new Error('our own fault');
  };
  const stream = await opened(rig);
  stream.respond({ typeUrl: CDS, versionInfo: '1', nonce: 'a', resources: [cluster('a')] });
  await turn();
  t.equal(stream.requests.at(-1)?.errorDetail?.message, 'internal error: our own fault');
});

t.test('mixed types and what is no protobuf are refused, and told to nobody', async (t) => {
  const rig = new FakeMux();
  const all = rig.watch(CDS);
  const stream = await opened(rig);
  stream.respond({
    typeUrl: CDS,
    versionInfo: '1',
    nonce: 'a',
    resources: [cluster('a'), routes('r')],
  });
  await turn();
  const text = `${RDS} does not match the message-wide type URL ${CDS} in DiscoveryResponse`;
  t.equal(stream.requests.at(-1)?.errorDetail?.message, text);
  const broken = { ...cluster('a'), value: Uint8Array.of(0x0a, 0x7f) };
  stream.respond({ typeUrl: CDS, versionInfo: '2', nonce: 'b', resources: [broken] });
  await turn();
  const unreadable = 'Unable to unpack as envoy.config.cluster.v3.Cluster';
  t.equal(stream.requests.at(-1)?.errorDetail?.message, unreadable);
  t.same(all.told, []);
  t.same(all.failures, ['rejected', 'rejected'], 'nobody goes on waiting');
});

t.test('a type that nobody asked for is ignored', async (t) => {
  const rig = new FakeMux();
  rig.watch(CDS);
  const stream = await opened(rig);
  stream.respond({ typeUrl: 'type.googleapis.com/no.such.Type', versionInfo: '1', nonce: 'a' });
  await turn();
  t.equal(stream.requests.length, 1);
  t.match(rig.lines.at(-1), /^warning Ignoring the message for type URL .*no current subscribers/);
});

t.test('octets that are no message end the stream, and the next one begins', async (t) => {
  const rig = new FakeMux();
  rig.watch(CDS);
  const stream = await opened(rig);
  stream.rubbish(Uint8Array.of(0xff, 0xff));
  t.ok(stream.isCancelled);
  rig.clock.advance(500);
  t.equal(rig.server.streams.length, 2);
});

t.test('keeps versions over streams but not nonces; a name given up needs no asking', async (t) => {
  const rig = new FakeMux();
  rig.watch(CDS);
  const gone = rig.watch(EDS, ['a']);
  const stream = await opened(rig);
  stream.respond({ typeUrl: CDS, versionInfo: '7', nonce: 'x', resources: [cluster('a')] });
  gone.subscription.close();
  await turn();
  t.same(stream.requests.at(-1)?.resourceNames, [], 'the last name is taken back');
  stream.end();
  rig.clock.advance(500);
  const next = await opened(rig);
  t.equal(next.requests.length, 1);
  t.same([next.requests[0]?.versionInfo, next.requests[0]?.responseNonce], ['7', '']);
});

t.test('a watch that comes late is told what is known, also after the last one went', async (t) => {
  const rig = new FakeMux();
  const first = rig.watch(EDS, ['a']);
  const stream = await opened(rig);
  stream.respond({ typeUrl: EDS, versionInfo: '1', nonce: '1', resources: [endpoints('a')] });
  await turn();
  const second = rig.watch(EDS, ['a']);
  t.same(second.told, [], 'never inside subscribe');
  await turn();
  t.same(second.told, ['a']);
  first.subscription.close();
  second.subscription.close();
  const third = rig.watch(EDS, ['a']);
  await turn();
  t.same(third.told, ['a'], 'it came within the same turn');
  third.subscription.close();
  await turn();
  const fourth = rig.watch(EDS, ['a']);
  await turn();
  t.same(fourth.told, [], 'given up: the server is asked');
  t.same(stream.requests.at(-1)?.resourceNames, ['a']);
});

t.test('what comes between two watches of a name is told to the second', async (t) => {
  const rig = new FakeMux();
  const first = rig.watch(EDS, ['a', 'b']);
  const stream = await opened(rig);
  first.subscription.close();
  const resources = [endpoints('a'), endpoints('b')];
  stream.respond({ typeUrl: EDS, versionInfo: '1', nonce: '1', resources });
  const second = rig.watch(EDS, ['a']);
  await turn();
  t.same(second.told, ['a']);
});

t.test('a name that is given up before it could be told is not told', async (t) => {
  const rig = new FakeMux();
  rig.watch(EDS, ['a', 'b']);
  const stream = await opened(rig);
  const resources = [endpoints('a'), endpoints('b')];
  stream.respond({ typeUrl: EDS, versionInfo: '1', nonce: '1', resources });
  await turn();
  const late = rig.watch(EDS, ['a']);
  late.subscription.setNames(new Set(['b']));
  await turn();
  t.same(late.told, ['b']);
});

t.test('while a type is paused nothing is said of it, then all at once', async (t) => {
  const rig = new FakeMux();
  const resume = rig.mux.pause(EDS);
  rig.watch(CDS);
  const watch = rig.watch(EDS, ['a']);
  const stream = await opened(rig);
  t.same(
    stream.requests.map(({ typeUrl }) => typeUrl),
    [CDS],
  );
  const resumeAlso = rig.mux.pause(EDS);
  resume();
  resume();
  await turn();
  t.equal(stream.requests.length, 1, 'paused twice, resumed once');
  watch.subscription.setNames(new Set(['b', 'c']));
  resumeAlso();
  await turn();
  t.same(stream.requests[1]?.resourceNames, ['b', 'c']);
});

t.test('an acknowledgement can be withheld; what comes meanwhile is told', async (t) => {
  const rig = new FakeMux({ isIncremental: true });
  const all = rig.watch(CDS);
  const stream = await opened(rig);
  const resume = rig.mux.pause(CDS);
  for (const nonce of ['a', 'b']) {
    const resources = [
      create(ResourceSchema, { name: nonce, version: '1', resource: cluster(nonce) }),
    ];
    stream.respondDelta({ typeUrl: CDS, nonce, resources });
  }
  await turn();
  t.same([all.told, stream.deltaRequests.length], [['a', 'b'], 1]);
  resume();
  await turn();
  t.same(
    stream.deltaRequests.slice(1).map(({ responseNonce }) => responseNonce),
    ['a', 'b'],
  );
});

t.test('what came while one response took long is taken, all of it', async (t) => {
  const rig = new FakeMux();
  const told: string[] = [];
  let finish: (refusal: string) => void = () => undefined;
  const request = { typeUrl: CDS, names: new Set(['*']), fetchTimeoutMs: 0, stats: null };
  rig.mux.subscribe(request, {
    onUpdate: ({ version }) => {
      told.push(version);
      if (version !== '1') return '';
      return new Promise<string>((resolve) => {
        finish = resolve;
      });
    },
    onFailure: () => undefined,
  });
  const stream = await opened(rig);
  for (const version of ['1', '2', '3', '4']) {
    stream.respond({ typeUrl: CDS, versionInfo: version, nonce: version, resources: [] });
  }
  t.same(told, ['1']);
  finish('');
  await turn();
  t.same(told, ['1', '2', '3', '4']);
  t.equal(stream.requests.at(-1)?.responseNonce, '4');
});

t.test('initial_fetch_timeout is told once, and what comes later is taken', async (t) => {
  const rig = new FakeMux();
  const slow = rig.watch(EDS, ['a'], 15_000);
  const quick = rig.watch(EDS, ['b'], 15_000);
  const stream = await opened(rig);
  stream.respond({ typeUrl: EDS, versionInfo: '1', nonce: '1', resources: [endpoints('b')] });
  rig.clock.advance(14_900);
  t.same(slow.failures, []);
  rig.clock.advance(40_000);
  t.same([slow.failures, quick.failures], [['fetch-timeout'], []]);
  t.equal(rig.counter('watch.init_fetch_timeout'), 1);
  stream.respond({ typeUrl: EDS, versionInfo: '2', nonce: '2', resources: [endpoints('a')] });
  t.same(slow.told, ['a']);
});

t.test('backs off with jitter from 0.5 to 30 s, and anew after an answer', async (t) => {
  const rig = new FakeMux({ random: { next: () => 0.999, uuid: () => '' } });
  rig.watch(CDS);
  await turn();
  const delays: number[] = [];
  for (let attempt = 1; attempt <= 9; attempt += 1) {
    rig.server.last.end();
    const from = rig.clock.nowMs();
    while (rig.server.streams.length === attempt) rig.clock.advance(8);
    delays.push(Math.round((rig.clock.nowMs() - from) / 100) / 10);
  }
  t.same(delays, [0.5, 1, 2, 4, 8, 16, 30, 30, 30]);
  rig.server.last.open();
  rig.server.last.respond({ typeUrl: CDS, versionInfo: '1', nonce: '1' });
  rig.server.last.end();
  rig.clock.advance(520);
  t.equal(rig.server.streams.length, 11);
});

t.test('the fallback is tried in turn until the primary has answered', async (t) => {
  const [primary, fallback] = [new FakeXdsServer('primary'), new FakeXdsServer('fallback')];
  const rig = new FakeMux({ servers: [primary, fallback] });
  rig.watch(CDS);
  primary.last.end();
  rig.clock.advance(30_000);
  fallback.last.open();
  fallback.last.respond({ typeUrl: CDS, versionInfo: '1', nonce: '1' });
  fallback.last.end();
  rig.clock.advance(30_000);
  t.same([primary.streams.length, fallback.streams.length], [2, 1]);
  primary.last.open();
  t.equal(primary.last.requests[0]?.versionInfo, '', 'versions of another server mean nothing');
  primary.last.respond({ typeUrl: CDS, versionInfo: '9', nonce: '1' });
  for (let index = 0; index < 3; index += 1) {
    primary.last.end();
    rig.clock.advance(30_000);
  }
  t.same([primary.streams.length, fallback.streams.length], [5, 1]);
});

t.test('requests beyond the rate wait for a token', async (t) => {
  const rig = new FakeMux({ rate: { maxTokens: 2, fillRate: 10 } });
  for (const type of [CDS, LDS]) rig.watch(type);
  rig.watch(EDS, ['a']);
  rig.watch(RDS, ['r']);
  const stream = await opened(rig);
  t.equal(stream.requests.length, 2);
  t.equal(rig.gauge('control_plane.pending_requests'), 2);
  t.equal(rig.counter('control_plane.rate_limit_enforced'), 1);
  rig.clock.advance(110);
  t.equal(stream.requests.length, 3);
  rig.clock.advance(110);
  t.equal(stream.requests.length, 4);
  t.equal(rig.gauge('control_plane.pending_requests'), 0);
});

t.test('waits for room in the stream', async (t) => {
  const rig = new FakeMux();
  rig.watch(CDS);
  rig.watch(LDS);
  await turn();
  const stream = rig.server.last;
  stream.hasRoom = false;
  stream.open();
  t.equal(stream.requests.length, 1);
  stream.drain();
  t.equal(stream.requests.length, 2);
});

t.test('a resource whose time is over is gone unless a heartbeat came', async (t) => {
  const rig = new FakeMux();
  const watch = rig.watch(EDS, ['a', 'b', 'c']);
  const stream = await opened(rig);
  const resources = [wrapped('a', 3, true), wrapped('b', 3, true), wrapped('c', null, true)];
  stream.respond({ typeUrl: EDS, versionInfo: '1', nonce: '1', resources });
  rig.clock.advance(2000);
  stream.respond({
    typeUrl: EDS,
    versionInfo: '1',
    nonce: '2',
    resources: [wrapped('b', 3, false)],
  });
  rig.clock.advance(1500);
  t.same(watch.told, ['a b c', '-a'], 'a heartbeat tells nobody anything');
  rig.clock.advance(2000);
  t.same(watch.told, ['a b c', '-a', '-b']);
});

t.test(
  'logs what an operator must act on at once, and a server that is away now and then',
  async (t) => {
    const rig = new FakeMux();
    rig.watch(CDS);
    const stream = await opened(rig);
    stream.end(16, 'authentication failure');
    const text =
      'StreamAggregatedResources gRPC config stream to xds_cluster closed: 16, authentication failure';
    t.ok(rig.lines.includes(`warning ${text}`));
    for (let index = 0; index < 5; index += 1) {
      rig.clock.advance(2000);
      rig.server.last.end(16, 'authentication failure');
    }
    t.equal(rig.lines.filter((line) => line === `warning ${text}`).length, 1);
  },
);

t.test('after its end nobody is told anything', async (t) => {
  const rig = new FakeMux();
  const watch = rig.watch(CDS, undefined, 1000);
  const stream = await opened(rig);
  rig.mux.close();
  t.ok(stream.isCancelled);
  stream.respond({ typeUrl: CDS, versionInfo: '1', nonce: '1', resources: [cluster('a')] });
  rig.clock.advance(60_000);
  t.same([watch.told, watch.failures, rig.server.streams.length], [[], [], 1]);
  t.equal(rig.gauge('control_plane.connected_state'), 0);
});

t.test('a response without a version or nonce is a response', async (t) => {
  const rig = new FakeMux();
  const watch = rig.watch(CDS);
  const stream = await opened(rig);
  stream.respond({
    typeUrl: CDS,
    resources: [cluster('a')],
    controlPlane: { $typeName: 'envoy.config.core.v3.ControlPlane', identifier: 'cp-1' },
  });
  await turn();
  t.same(watch.told, ['a']);
  t.equal(stream.requests.length, 2);
  t.equal(rig.stats.snapshot().textReadouts['control_plane.identifier'], 'cp-1');
  t.equal(toBinary(ResourceSchema, create(ResourceSchema)).length, 0);
});
