// Ending politely while the process lives on: what is in flight finishes, and every connection ends
// with its next response.
import t from 'tap';
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
    let answer: () => void = () => undefined;
    rig.upstream.on('/held', (_head, peer) => {
      answer = () => peer.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nheld');
    });
    const idle = await rig.client();
    idle.write(get('/idle'));
    await idle.response();
    const busy = await rig.client();
    busy.write(get('/held'));
    await rig.reaches('cluster.main.upstream_rq_active', 1);
    await rig.server.admin('/drain_listeners?graceful', 'POST');
    answer();
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
