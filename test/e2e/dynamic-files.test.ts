// Listeners, clusters, endpoints and routes out of files that are swapped while requests run.
import t, { type Test } from 'tap';
import { startEchoUpstream } from '../support/echo-upstream.ts';
import { eventually } from '../support/eventually.ts';
import { assignment, edsCluster, ResourceFiles } from '../support/resource-files.ts';
import { type SpawnedServer, spawnServer } from '../support/spawn-server.ts';
import {
  httpListener,
  type Message,
  staticCluster,
  virtualHost,
} from '../support/static-bootstrap.ts';

const NODE = { id: 'test', cluster: 'test' };

/** A route table that sends everything to one cluster. */
function routesTo(name: string, cluster: string): Message {
  const route = { match: { prefix: '/' }, route: { cluster } };
  return { name, virtual_hosts: [virtualHost(['*'], [route])] };
}

function rdsListener(name: string, config_source: Message): Message {
  const rds = { config_source, route_config_name: 'routes' };
  const manager = { route_config: undefined, rds };
  return httpListener(name, {}, { manager });
}

async function get(address: string, path = '/'): Promise<{ status: number; upstream: string }> {
  const response = await fetch(`http://${address}${path}`, { headers: { connection: 'close' } });
  const text = await response.text();
  const { upstream = '' } = text.startsWith('{') ? JSON.parse(text) : {};
  return { status: response.status, upstream };
}

interface Rig {
  readonly files: ResourceFiles;
  readonly proxy: SpawnedServer;
  readonly ports: Readonly<Record<'a' | 'b', number>>;
}

async function start(
  t: Test,
  flags: readonly string[],
  prepare: (files: ResourceFiles, ports: Rig['ports']) => Message,
): Promise<Rig> {
  const [a, b] = await Promise.all([startEchoUpstream('a'), startEchoUpstream('b')]);
  const ports = { a: a.port, b: b.port };
  let files: ResourceFiles | null = null;
  const proxy = await spawnServer(
    (directory) => {
      files = new ResourceFiles(directory);
      return { node: NODE, ...prepare(files, ports) };
    },
    { flags },
  );
  t.teardown(async () => {
    proxy.kill('SIGKILL');
    await proxy.exited;
    await Promise.all([a.close(), b.close()]);
  });
  return { files: files as unknown as ResourceFiles, proxy, ports };
}

for (const concurrency of ['1', '4']) {
  t.test(`with ${concurrency} workers`, async (t) => {
    const { files, proxy, ports } = await start(
      t,
      ['--concurrency', concurrency],
      (files, ports) => {
        files.write('lds', [rdsListener('in', files.source('rds'))]);
        files.write('rds', [routesTo('routes', 'one')]);
        files.write('cds', [edsCluster('one', files.source('eds')), staticCluster('two', ports.b)]);
        files.write('eds', [assignment('one', [ports.a])]);
        return {
          dynamic_resources: { lds_config: files.source('lds'), cds_config: files.source('cds') },
        };
      },
    );
    const address = await proxy.listener('in');
    t.same(await get(address), { status: 200, upstream: 'a' }, 'everything is there at the start');

    files.write('eds', [assignment('one', [ports.b])]);
    await eventually(async () => (await get(address)).upstream === 'b');
    t.pass('endpoints move');

    files.write('eds', [assignment('one', [ports.a])]);
    files.write('rds', [routesTo('routes', 'two')]);
    await eventually(async () => (await get(address)).upstream === 'b');
    t.pass('routes move');

    files.write('rds', [routesTo('routes', 'one')]);
    await eventually(async () => (await get(address)).upstream === 'a');
    files.write('cds', [staticCluster('two', ports.b)]);
    await eventually(async () => (await get(address)).status === 503);
    t.pass('a cluster that is gone answers 503');

    files.write('lds', []);
    await eventually(async () => !(await proxy.admin('/listeners')).includes('in::'));
    t.pass('a listener that is gone is not bound');
  });
}
