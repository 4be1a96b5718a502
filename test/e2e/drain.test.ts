// Ending politely while the process lives on: what is in flight finishes, and every connection ends
// with its next response.
import t from 'tap';
import { DEFAULT_SERVER_OPTIONS } from '../../proxy/server/options.ts';
import { bootstrapOf } from '../support/bootstrap-text.ts';
import { eventually } from '../support/eventually.ts';
import { type RawPeer, rawConnect } from '../support/raw-peer.ts';
import { withProxy } from '../support/with-proxy.ts';
import { parseEcho, withRig } from '../support/with-rig.ts';

const get = (target: string) => `GET ${target} HTTP/1.1\r\nhost: a\r\n\r\n`;

t.test(
  'a failed health check ends connections with their responses, until it is taken back',
  async (t) => {
    await withRig({}, async (rig) => {
      const client = await rig.client();
      client.write(get('/before'));
      t.equal((await client.response()).head.get('connection'), null);
      await rig.server.admin('/healthcheck/fail', 'POST');
      client.write(get('/failed'));
      const last = await client.response();
      t.match(parseEcho(last), { target: '/failed' });
      t.equal(last.head.get('connection'), 'close');
      t.equal(await client.ended(), 'fin');
      t.equal(await rig.stat('http.main.downstream_cx_drain_close'), 1);
      await rig.probe();
      await rig.server.admin('/healthcheck/ok', 'POST');
      t.equal((await rig.get('/after')).head.get('connection'), null);
    });
  },
);

t.test('drained listeners finish what is in flight', async (t) => {
  await withRig({ flags: ['--drain-strategy', 'immediate'] }, async (rig) => {
    let holder: RawPeer | null = null;
    rig.upstream.on('/held', (_head, peer) => {
      holder = peer;
    });
    const idle = await rig.client();
    idle.write(get('/idle'));
    await idle.response();
    const busy = await rig.client();
    busy.write(get('/held'));
    await eventually(() => holder !== null);
    await rig.server.admin('/drain_listeners?graceful', 'POST');
    const upstream = holder as unknown as RawPeer;
    upstream.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nheld');
    const held = await busy.response();
    t.equal(held.body, 'held');
    t.equal(held.head.get('connection'), 'close');
    t.equal(await busy.ended(), 'fin');
    idle.write(get('/late'));
    const late = await idle.response();
    t.match(parseEcho(late), { target: '/late' }, 'an idle connection is good for one more');
    t.equal(late.head.get('connection'), 'close');
  });
});

t.test('without grace listeners only stop listening', async (t) => {
  await withRig({ listeners: { other: {} } }, async (rig) => {
    const client = await rig.client();
    client.write(get('/before'));
    await client.response();
    const address = await rig.server.listener('main');
    await rig.server.admin('/drain_listeners', 'POST');
    await rig.reaches('listener_manager.listener_stopped', 2);
    client.write(get('/after'));
    t.match(parseEcho(await client.response()), { target: '/after' });
    await t.rejects(rig.client(), { code: 'ECONNREFUSED' }, address);
  });
});

const client = (port: number) => rawConnect(`127.0.0.1:${port}`);
const route = (body: string) => ({ ...bootstrapOf({ body }) });

t.test('listeners that come after that do not begin to listen', async (t) => {
  const proxy = await withProxy(route('one'));
  t.teardown(() => proxy.stop());
  proxy.primary.drainListeners({ inboundOnly: false, afterMs: 0, keepsListening: false });
  const more = route('two') as { static_resources: { listeners: object[] } };
  const { listeners } = more.static_resources;
  listeners.push({ ...listeners[0], name: 'more' });
  t.ok(await proxy.reload(more));
  t.same(
    proxy.primary.workforce.listeners.map(({ name, addresses }) => [name, addresses.length]),
    [
      ['main', 0],
      ['more', 0],
    ],
  );
});

t.test('connections of a replaced listener go on until their turn comes, or the end', async (t) => {
  const drain = { ...DEFAULT_SERVER_OPTIONS.drain, timeS: 4_000_000 };
  const proxy = await withProxy(route('old'), { drain });
  t.teardown(() => proxy.stop());
  const peer = await client(proxy.port);
  peer.write(get('/direct'));
  t.equal((await peer.response()).body, 'old');
  // Not only its filter chains: another listener altogether.
  const changed = route('new') as { static_resources: { listeners: object[] } };
  Object.assign(changed.static_resources.listeners[0] as object, { traffic_direction: 'INBOUND' });
  t.ok(await proxy.reload(changed));
  t.equal(await proxy.stat('listener_manager.total_listeners_draining'), 1);
  peer.write(get('/direct'));
  const still = await peer.response();
  t.same([still.body, still.head.get('connection')], ['old', null], 'at first hardly any ends');
  peer.close();
  await eventually(
    async () => (await proxy.stat('listener_manager.total_listeners_draining')) === 0,
  );
});

t.test(
  'at the drain time nothing is left of a filter chain that an update took away',
  async (t) => {
    const drain = { ...DEFAULT_SERVER_OPTIONS.drain, timeS: 1 };
    const proxy = await withProxy(route('old'), { drain });
    t.teardown(() => proxy.stop());
    const [idle, busy] = [await client(proxy.port), await client(proxy.port)];
    idle.write(get('/direct'));
    await idle.response();
    busy.write('GET /direct HTTP/1.1\r\nhost: a\r\n');
    await eventually(async () => (await proxy.stat('http.in.downstream_cx_active')) === 2);
    t.ok(await proxy.reload(route('new')));
    const draining = () => proxy.stat('listener_manager.total_filter_chains_draining');
    t.equal(await draining(), 1);
    t.equal(await proxy.stat('listener_manager.listener_in_place_updated'), 1);
    t.equal(await idle.ended(), 'fin', 'who is idle ends politely');
    await busy.ended();
    await eventually(async () => (await draining()) === 0);
  },
);
