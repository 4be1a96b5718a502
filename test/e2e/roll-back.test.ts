// A resource that ends workers is taken back: whoever told it hears why, and everything else serves.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { adsBootstrap } from '../support/dynamic-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { SnapshotPlane } from '../support/snapshot-plane.ts';
import { type SpawnedServer, spawnServer } from '../support/spawn-server.ts';
import { httpListener, type Message, virtualHost } from '../support/static-bootstrap.ts';

const HOOK = new URL('../support/poison-hook.js', import.meta.url);
const DEADLY = 'deadly poison';
/** Two tell; who replaces the first of them may have been told the same, and dies when it has begun. */
const MOST_DEATHS = 4;
const ADS = { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '5s' };
function bootstrap(port: number): Message {
  const { static_resources, dynamic_resources, ...rest } = adsBootstrap(port, false, {
    source: ADS,
  });
  const { ads_config } = dynamic_resources as Message;
  return {
    ...rest,
    dynamic_resources: { ads_config, lds_config: ADS },
    static_resources: { ...(static_resources as Message), listeners: [saying('static', 'one')] },
  };
}

/** A listener that answers everything with a text. */
function saying(name: string, text: string): Message {
  const route = {
    match: { prefix: '/' },
    direct_response: { status: 200, body: { inline_string: text } },
  };
  return httpListener(name, { virtual_hosts: [virtualHost(['*'], [route])] });
}

async function says(address: string): Promise<string> {
  const response = await fetch(`http://${address}/`, { headers: { connection: 'close' } });
  return response.text();
}

async function counter(proxy: SpawnedServer, name: string): Promise<number> {
  const text = await proxy.admin(`/stats?filter=^${name}$`);
  return Number(/: (\d+)/.exec(text)?.[1] ?? 0);
}

/** The file is written anew. */
function rewrite(proxy: SpawnedServer, change: (text: string) => string): void {
  const file = join(proxy.directory, 'bootstrap.json');
  writeFileSync(file, change(readFileSync(file, 'utf8')));
}

t.test('a version that ends workers is taken back, wherever it came from', async (t) => {
  const plane = await SnapshotPlane.listen();
  plane.set('listener', [saying('a', 'one'), saying('b', 'one')]);
  const flags = ['--concurrency', '2'];
  const proxy = await spawnServer(() => bootstrap(plane.plane.port), { flags, hook: HOOK });
  t.teardown(async () => {
    proxy.kill('SIGKILL');
    await proxy.exited;
    plane.close();
  });
  const a = await proxy.listener('a');
  const b = await proxy.listener('b');
  t.equal(await says(a), 'one');

  plane.set('listener', [saying('a', DEADLY), saying('b', 'two')]);
  await eventually(() => plane.refusals.length > 0);
  t.match(plane.refusals[0], /^Error adding\/updating listener\(s\) a: ended two workers/);
  t.notMatch(plane.refusals[0], / b: /, 'what came beside it is innocent');
  await eventually(async () => (await says(b)) === 'two');
  t.equal(await says(a), 'one', 'the version before it serves');
  t.match(proxy.stderr(), /listener 'a' version 'v2' ended two workers.*in use again/);
  t.equal(await counter(proxy, 'server.resources_taken_back'), 1);
  t.equal(await counter(proxy, 'listener_manager.lds.update_rejected'), 1);
  const deaths = () => counter(proxy, 'server.worker_deaths');
  const first = await deaths();
  t.ok(first >= 2 && first <= MOST_DEATHS, `after ${first} deaths`);
  t.match(await proxy.admin('/config_dump'), /"details": "ended two workers/);

  plane.set('listener', [saying('a', DEADLY), saying('b', 'three')]);
  await eventually(async () => (await says(b)) === 'three');
  await eventually(() => plane.refusals.length > 1);

  plane.set('listener', [saying('a', 'four'), saying('b', 'four')]);
  await eventually(async () => (await says(a)) === 'four');
  const later = await deaths();
  t.ok(later <= MOST_DEATHS, `the same is not tried again: ${later} deaths`);
  t.equal(await counter(proxy, 'server.resources_taken_back'), 1);
  t.notMatch(await proxy.admin('/config_dump'), /ended two workers/);

  const own = await proxy.listener('static');
  rewrite(proxy, (text) => text.replace('"one"', JSON.stringify(DEADLY)));
  await eventually(async () => (await counter(proxy, 'server.resources_taken_back')) === 2);
  await eventually(async () => (await says(own)) === 'one');
  rewrite(proxy, (text) => text.replace('"test"', '"other"'));
  await eventually(async () => (await counter(proxy, 'server.config_reload_rejected')) === 1);
  t.match(proxy.stderr(), /configuration refused.*listener 'static' ended two workers/);
  rewrite(proxy, (text) => text.replace(DEADLY, 'five'));
  await eventually(async () => (await says(own)) === 'five');
  const last = await deaths();
  t.ok(last >= 4 && last <= 2 * MOST_DEATHS - 1, `after ${last} deaths`);
  t.equal(await counter(proxy, 'server.resources_taken_back'), 2);
});
