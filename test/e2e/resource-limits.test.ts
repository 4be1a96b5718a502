// When there are too many: connections over a limit, descriptors that ran out, a thousand clients
// that do nothing.
import { execFileSync } from 'node:child_process';
import t, { type Test } from 'tap';
import { eventually } from '../support/eventually.ts';
import { fastest, timed } from '../support/fastest.ts';
import { cpuMs, openDescriptors } from '../support/process-facts.ts';
import type { RawPeer } from '../support/raw-peer.ts';
import { onEnvoy } from '../support/spawn-server.ts';
import { type Rig, withRig } from '../support/with-rig.ts';

/** Two thirds are there before the first client, a thousand at once need most of the rest. */
const HEAP_MIB = 96;
/** What each client left behind, 4 KiB and more, would not fit. */
const CROWDS = 12;
const REQUEST = 'GET /kept HTTP/1.1\r\nhost: a\r\n\r\n';

function runtime(values: Readonly<Record<string, number>>) {
  return { layered_runtime: { layers: [{ name: 'static', static_layer: values }] } };
}

/** Opens a connection that is served; it stays open. */
async function served(rig: Rig, listener = 'main'): Promise<RawPeer> {
  const client = await rig.client(listener);
  client.write(REQUEST);
  await client.response();
  return client;
}

/** Opens a connection that is closed at once, without a word. */
async function turnedAway(t: Test, rig: Rig, listener = 'main'): Promise<void> {
  const client = await rig.client(listener);
  client.write(REQUEST);
  await client.ended();
  t.equal(client.bytesRead, 0);
}

t.test('connections over the limit of their listener are accepted and closed', async (t) => {
  const limits = { 'envoy.resource_limits.listener.main.connection_limit': 2 };
  const options = { bootstrap: runtime(limits), listeners: { other: {} } };
  await withRig(options, async (rig) => {
    const [first] = [await served(rig), await served(rig)];
    await turnedAway(t, rig);
    await turnedAway(t, rig);
    await rig.probe('other');
    first.close();
    await rig.reaches('http.main.downstream_cx_active', 1);
    await rig.probe();
    const counted = [...(await rig.stats('downstream_cx_overflow'))];
    t.equal(
      counted.reduce((sum, [, count]) => sum + count, 0),
      2,
    );
  });
});

t.test('connections over the limit of the process', { skip: onEnvoy }, async (t) => {
  const limits = { 'overload.global_downstream_max_connections': 3 };
  await withRig({ bootstrap: runtime(limits), listeners: { other: {} } }, async (rig) => {
    await served(rig);
    const second = await served(rig, 'other');
    await served(rig);
    await turnedAway(t, rig);
    await turnedAway(t, rig, 'other');
    second.close();
    await rig.reaches('http.other.downstream_cx_active', 0);
    await rig.probe();
    const counted = [...(await rig.stats('downstream_global_cx_overflow'))];
    t.equal(
      counted.reduce((sum, [, count]) => sum + count, 0),
      2,
    );
  });
});

t.test('descriptors that ran out', { skip: onEnvoy }, async (t) => {
  await withRig({ mayComplain: true }, async (rig) => {
    await rig.probe();
    // Lowered behind its back: its own limit, half of the descriptors, comes too late.
    const limit = openDescriptors(rig.server.pid) + 40;
    execFileSync('prlimit', ['--pid', String(rig.server.pid), `--nofile=${limit}`]);
    let held = 0;
    rig.upstream.on('/held', async (_head, peer) => {
      held += 1;
      await peer.ended(60_000);
    });
    const clients: RawPeer[] = [];
    for (let index = 0; index < 80; index += 1) {
      const client = await rig.client();
      client.write('GET /held HTTP/1.1\r\nhost: a\r\n\r\n');
      clients.push(client);
    }
    // Each is served, answered with 503, or turned away; none is left without a word for ever.
    // (The admin interface has no descriptors either: nobody asks it now.)
    await eventually(() => {
      const over = clients.filter(({ end, bytesRead }) => end !== null || bytesRead > 0).length;
      return held + over === clients.length;
    });
    const before = cpuMs(rig.server.pid);
    const start = performance.now();
    await clients[0]?.silence(500);
    const share = (cpuMs(rig.server.pid) - before) / (performance.now() - start);
    t.ok(held > 0 && held < clients.length, `${held} were served`);
    t.ok(share < 0.5, `no busy loop: ${share} of a CPU`);
    for (const client of clients) client.close();
    const recovered = performance.now();
    await eventually(async () => {
      const { head } = await rig.get('/after').catch(() => ({ head: null }));
      return head?.status === 200;
    });
    t.ok(performance.now() - recovered < 1000, 'serves again within a second');
  });
});

t.test('a thousand clients that come and go', { skip: onEnvoy }, async (t) => {
  await withRig({ heapMib: HEAP_MIB }, async (rig) => {
    await crowd(rig, 200);
    const { pid } = rig.server;
    const descriptors = openDescriptors(pid);
    for (let count = 0; count < CROWDS; count += 1) await crowd(rig, 1000);
    await eventually(() => openDescriptors(pid) <= descriptors);
    t.pass('no descriptor is left behind');
    await rig.probe();
    t.pass('nor so much memory that there is none left');
  });
});

/** Half a request each, a full one of somebody else's in between, and away. */
async function crowd(rig: Rig, size: number): Promise<void> {
  const clients = await Promise.all(Array.from({ length: size }, () => rig.client()));
  for (const [index, client] of clients.entries()) {
    client.write(index % 2 === 0 ? 'GET /half HTTP/1.1\r\nho' : 'POST /x HTTP/1.1\r\nhost: a\r\n');
  }
  await rig.reaches('http.main.downstream_rq_active', size, 10_000);
  const took = await fastest(1000, () => timed(() => rig.probe()));
  if (took >= 1000) throw new Error(`slow clients hold others up for ${took} ms`);
  for (const [index, client] of clients.entries()) {
    if (index % 3 === 0) client.reset();
    else client.close();
  }
  await rig.reaches('http.main.downstream_cx_active', 0, 10_000);
}
