import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { bootstrapOf } from '../support/bootstrap-text.ts';
import { ADS, adsBootstrap } from '../support/dynamic-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { KEPT } from '../support/kept-connections.ts';
import { type TestProxy, withProxy } from '../support/with-proxy.ts';

/** Of a process that had nothing. */
const NOTHING = {
  ...{ epoch: 0, firstStartedMs: 0, ticketSecret: '', changed: {}, admin: null },
  sockets: new Map(),
};

async function upstream(body: string): Promise<{ readonly port: number; readonly server: Server }> {
  const server = createServer(KEPT, (_, response) => response.end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, server };
}

async function get(port: number, path: string): Promise<string> {
  // Each on a connection of its own: one that drains may still answer for the old configuration.
  const headers = { connection: 'close' };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
  return `${response.status} ${await response.text()}`;
}

t.test('serves a bootstrap, and counts what it served', async (t) => {
  const { port: upstreamPort, server } = await upstream('from upstream');
  const proxy = await withProxy(bootstrapOf({ upstreamPort }));
  t.equal(await get(proxy.port, '/direct'), '200 direct');
  t.equal(await get(proxy.port, '/x'), '200 from upstream');
  t.equal(await proxy.stat('http.in.downstream_rq_total'), 2);
  t.equal(await proxy.stat('cluster.service.upstream_rq_200'), 1);
  t.equal(await proxy.stat('server.live'), 1);
  await proxy.stop();
  server.close();
});

t.test('refuses a bootstrap whose port is taken, and says which', async (t) => {
  const first = await withProxy(bootstrapOf());
  const taken = bootstrapOf({ port: first.port });
  await t.rejects(withProxy(taken), {
    message: `error adding listener 'main': cannot bind '127.0.0.1:${first.port}': Address already in use`,
  });
  await first.stop();
});

t.test('follows nobody as long as no server says what there is', async (t) => {
  const { port, server } = await upstream('no management server');
  const source = { ...ADS, initial_fetch_timeout: '0.05s' };
  const bootstrap = adsBootstrap(port, false, { source });
  await t.rejects(withProxy(bootstrap, {}, NOTHING), {
    message:
      'no server said in time which clusters there are\nno server said in time which listeners there are',
  });
  const alone = await withProxy(bootstrap);
  t.equal(await alone.stat('server.live'), 1, 'who follows nobody serves what it knows');
  await alone.stop();
  server.closeAllConnections();
  server.close();
});

t.test('goes on with what operators changed in the process that it follows', async (t) => {
  const changed = {
    runtime: [['fault.share', '7']] as const,
    isHealthFailed: true,
    logLevels: { main: 'error' } as const,
  };
  const layered_runtime = { layers: [{ name: 'admin', admin_layer: {} }] };
  const inheritance = { ...NOTHING, changed };
  const proxy = await withProxy({ ...bootstrapOf(), layered_runtime }, {}, inheritance);
  t.match(JSON.parse(await admin(proxy, 'GET', '/runtime')), {
    entries: { 'fault.share': { final_value: '7' } },
  });
  t.equal(await admin(proxy, 'GET', '/ready'), 'DRAINING\n');
  t.match(await admin(proxy, 'POST', '/logging'), 'main: error');
  t.same(proxy.operators.all(), changed, 'and so does the process after it');
  await admin(proxy, 'POST', '/healthcheck/ok');
  await admin(proxy, 'POST', '/runtime_modify?fault.share=');
  t.equal(await admin(proxy, 'GET', '/ready'), 'LIVE\n');
  t.same(proxy.operators.all(), { ...changed, runtime: [], isHealthFailed: false });
  await proxy.stop();

  const without = await withProxy(
    bootstrapOf(),
    {},
    { ...NOTHING, changed: { runtime: changed.runtime } },
  );
  t.match(
    without.log.join('\n'),
    /warning main what \/runtime_modify .* no admin layer: fault.share/,
  );
  await without.stop();
});

async function admin({ adminAddress }: TestProxy, method: string, path: string): Promise<string> {
  return (await fetch(`http://${adminAddress}${path}`, { method })).text();
}

t.test('swaps in a changed configuration, and keeps the old one when it is bad', async (t) => {
  const proxy = await withProxy(bootstrapOf({ body: 'one' }));
  t.equal(await get(proxy.port, '/direct'), '200 one');
  t.ok(await proxy.reload(bootstrapOf({ body: 'two' })));
  t.equal(await get(proxy.port, '/direct'), '200 two');
  t.notOk(await proxy.reload('static_resources: { listener: [] }'));
  t.equal(await get(proxy.port, '/direct'), '200 two');
  t.match(
    proxy.log.join('\n'),
    /error config configuration refused[\s\S]*did you mean 'listeners'/,
  );
  t.equal(await proxy.stat('server.config_reload_rejected'), 1);
  t.equal(await proxy.stat('server.config_reload_success'), 1);
  await proxy.stop();
});

t.test('stops serving a listener that a reload removes', async (t) => {
  const proxy = await withProxy(bootstrapOf());
  t.ok(await proxy.reload('static_resources: {}'));
  await eventually(() =>
    get(proxy.port, '/direct').then(
      () => false,
      () => true,
    ),
  );
  t.equal(await proxy.stat('listener_manager.listener_removed'), 1);
  await proxy.stop();
});

t.test('keeps a listener whose new address is taken, and moves it when it is free', async (t) => {
  const other = await withProxy(bootstrapOf());
  const proxy = await withProxy(bootstrapOf({ body: 'one' }));
  t.ok(await proxy.reload(bootstrapOf({ body: 'two', port: other.port })));
  t.equal(await get(proxy.port, '/direct'), '200 one');
  t.match(proxy.log.join('\n'), /error updating listener 'main', it stays as it was: cannot bind/);
  await other.stop();
  t.ok(await proxy.reload(bootstrapOf({ body: 'two', port: other.port })));
  t.equal(await get(other.port, '/direct'), '200 two');
  await proxy.stop();
});

t.test('renames a listener in place', async (t) => {
  const first = await withProxy(bootstrapOf());
  const { port } = first;
  await first.stop();
  const proxy = await withProxy(bootstrapOf({ port }));
  const renamed = JSON.stringify(bootstrapOf({ port })).replace('"name":"main"', '"name":"other"');
  t.ok(await proxy.reload(renamed));
  t.equal(await get(port, '/direct'), '200 direct');
  t.equal(proxy.primary.workforce.listeners[0]?.name, 'other');
  await proxy.stop();
});

t.test('speaks for itself on the admin interface', async (t) => {
  const proxy = await withProxy(bootstrapOf());
  const adminPort = Number(proxy.adminAddress?.split(':')[1]);
  t.equal(await get(adminPort, '/ready'), '200 LIVE\n');
  t.match(await get(adminPort, '/listeners'), `main::127.0.0.1:${proxy.port}`);
  t.match(await get(adminPort, '/clusters'), 'service::127.0.0.1:1::health_flags::healthy');
  t.match(
    await get(adminPort, '/config_dump'),
    '"@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump"',
  );
  t.match(await get(adminPort, '/server_info'), '"state": "LIVE"');
  await fetch(`http://127.0.0.1:${adminPort}/healthcheck/fail`, { method: 'POST' });
  t.equal(await get(adminPort, '/ready'), '503 DRAINING\n');
  await proxy.stop();
});

t.test('finishes requests in flight before it ends', async (t) => {
  const held: ServerResponse[] = [];
  const server = createServer(KEPT, (_, response) => held.push(response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const upstreamPort = (server.address() as AddressInfo).port;
  const proxy = await withProxy(bootstrapOf({ upstreamPort }));
  const answer = get(proxy.port, '/late');
  await eventually(() => held.length === 1);
  t.equal(await proxy.stat('cluster.service.upstream_rq_active'), 1);
  const ended = proxy.primary.shutdown(5_000);
  t.equal(proxy.primary.state(), 'DRAINING');
  held[0]?.end('late');
  t.equal(await answer, '200 late');
  await ended;
  await proxy.stop();
  server.close();
});
