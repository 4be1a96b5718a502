// A restart while the management server is away, and what becomes of it when it is back.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { holdPort } from '../support/dead-ports.ts';
import { adsBootstrap } from '../support/dynamic-bootstrap.ts';
import { startEchoUpstream } from '../support/echo-upstream.ts';
import { eventually } from '../support/eventually.ts';
import { assignment, edsCluster } from '../support/resource-files.ts';
import { SnapshotPlane } from '../support/snapshot-plane.ts';
import {
  httpListener,
  type Message,
  staticCluster,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { type TestProxy, withProxy } from '../support/with-proxy.ts';

const ADS = { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '300s' };
const directory = mkdtempSync(join(tmpdir(), 'outrigger-state-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));

function rdsListener(name: string): Message {
  const rds = { config_source: ADS, route_config_name: 'routes' };
  return httpListener(name, {}, { manager: { route_config: undefined, rds } });
}

function routesTo(cluster: string): Message {
  const route = { match: { prefix: '/' }, route: { cluster } };
  return { name: 'routes', virtual_hosts: [virtualHost(['*'], [route])] };
}

function portOf(proxy: TestProxy, name: string): number {
  const { listeners } = proxy.primary.workforce;
  const address = listeners.find((listener) => listener.name === name)?.addresses[0];
  return Number(address?.split(':').at(-1) ?? 0);
}

async function upstreamOf(proxy: TestProxy, listener: string): Promise<string> {
  const headers = { connection: 'close' };
  const response = await fetch(`http://127.0.0.1:${portOf(proxy, listener)}/`, { headers });
  return ((await response.json()) as { readonly upstream: string }).upstream;
}

t.test('starts from what was accepted last, and follows the server when it is back', async (t) => {
  const [a, b] = await Promise.all([startEchoUpstream('a'), startEchoUpstream('b')]);
  const plane = await SnapshotPlane.listen();
  const { port } = plane.plane;
  plane.set('cluster', [edsCluster('one', ADS)]);
  plane.set('endpoint', [assignment('one', [a.port])]);
  plane.set('listener', [rdsListener('in'), rdsListener('old')]);
  plane.set('route', [routesTo('one')]);
  const options = { stateDir: join(directory, 'state') };
  const first = await withProxy(adsBootstrap(port, false, { source: ADS }), options);
  t.equal(await upstreamOf(first, 'in'), 'a');
  t.equal(await first.stat('server.state_in_use'), 0);
  await first.stop();
  plane.close();
  await holdPort(port);

  const beganMs = performance.now();
  const second = await withProxy(adsBootstrap(port, false, { source: ADS }), options);
  t.comment(`started within ${Math.round(performance.now() - beganMs)} ms`);
  t.equal(await upstreamOf(second, 'in'), 'a', 'nobody waits for the server');
  t.equal(await second.stat('server.state_in_use'), 4);
  t.match(second.log.join('\n'), /2 of .*Listener, saved \d+ s ago, are in use until/);

  const back = await SnapshotPlane.listen(port);
  back.set('cluster', [edsCluster('one', ADS), staticCluster('two', b.port)]);
  back.set('endpoint', [assignment('one', [b.port])]);
  back.set('listener', [rdsListener('in'), rdsListener('new')]);
  back.set('route', [routesTo('one')]);
  await eventually(async () => (await upstreamOf(second, 'in')) === 'b');
  await eventually(() => portOf(second, 'new') !== 0 && portOf(second, 'old') === 0);
  await eventually(async () => (await second.stat('server.state_in_use')) === 0);
  t.same(back.refusals, []);
  await second.stop();
  back.close();

  const third = await withProxy(adsBootstrap(port, false, { source: ADS }), options);
  t.equal(await upstreamOf(third, 'new'), 'b', 'what it said last is what is kept');
  t.equal(portOf(third, 'old'), 0);
  await third.stop();
  await Promise.all([a.close(), b.close()]);
});
