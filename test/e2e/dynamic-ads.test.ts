// A whole configuration from one server, changed while requests run: what is good of an update is
// used, the rest is refused in Envoy's words, and nothing that serves is harmed.
import t, { type Test } from 'tap';
import { adsBootstrap } from '../support/dynamic-bootstrap.ts';
import { startEchoUpstream } from '../support/echo-upstream.ts';
import { eventually } from '../support/eventually.ts';
import { assignment, edsCluster } from '../support/resource-files.ts';
import { SnapshotPlane } from '../support/snapshot-plane.ts';
import { type SpawnedServer, spawnServer } from '../support/spawn-server.ts';
import {
  httpListener,
  type Message,
  staticCluster,
  virtualHost,
} from '../support/static-bootstrap.ts';

const ADS = { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '5s' };

function routesTo(cluster: string): Message {
  const route = { match: { prefix: '/' }, route: { cluster } };
  return { name: 'routes', virtual_hosts: [virtualHost(['*'], [route])] };
}

function rdsListener(name: string): Message {
  const rds = { config_source: ADS, route_config_name: 'routes' };
  return httpListener(name, {}, { manager: { route_config: undefined, rds } });
}

async function answer(address: string): Promise<string> {
  const response = await fetch(`http://${address}/`, { headers: { connection: 'close' } });
  const text = await response.text();
  return text.startsWith('{') ? JSON.parse(text).upstream : String(response.status);
}

async function start(t: Test, flags: readonly string[]) {
  const plane = await SnapshotPlane.listen();
  const [a, b] = await Promise.all([startEchoUpstream('a'), startEchoUpstream('b')]);
  plane.set('cluster', [edsCluster('one', ADS), staticCluster('two', b.port)]);
  plane.set('endpoint', [assignment('one', [a.port])]);
  plane.set('listener', [rdsListener('in')]);
  plane.set('route', [routesTo('one')]);
  const proxy: SpawnedServer = await spawnServer(
    () => adsBootstrap(plane.plane.port, false, { source: ADS }),
    { flags },
  );
  t.teardown(async () => {
    proxy.kill('SIGKILL');
    await proxy.exited;
    plane.close();
    await Promise.all([a.close(), b.close()]);
  });
  return { plane, proxy, ports: { a: a.port, b: b.port } };
}

for (const concurrency of ['1', '4']) {
  t.test(`with ${concurrency} workers`, async (t) => {
    const { plane, proxy, ports } = await start(t, ['--concurrency', concurrency]);
    const address = await proxy.listener('in');
    t.equal(await answer(address), 'a', 'everything is there at the start');

    plane.set('endpoint', [assignment('one', [ports.b])]);
    await eventually(async () => (await answer(address)) === 'b');
    plane.set('route', [routesTo('two')]);
    plane.set('endpoint', [assignment('one', [ports.a])]);
    await eventually(async () => (await answer(address)) === 'b');
    t.same(plane.refusals, [], 'all of it was good');

    const broken = { ...staticCluster('broken', ports.a), connect_timeout: '0s' };
    plane.set('cluster', [staticCluster('three', ports.a), broken, staticCluster('two', ports.b)]);
    await eventually(() => plane.refusals.length === 1);
    t.match(plane.refusals[0], /^Error adding\/updating cluster\(s\) broken: connect_timeout: /);
    const clusters = await proxy.admin('/clusters');
    t.match(clusters, /^three::added_via_api::true$/m, 'the good one is used');
    t.match(clusters, /^xds::added_via_api::false$/m);
    t.notMatch(clusters, /^(?:one|broken)::/m);

    plane.set('listener', [rdsListener('in'), { ...rdsListener('second'), address: undefined }]);
    await eventually(() => plane.refusals.length === 2);
    t.match(
      plane.refusals[1],
      /^Error adding\/updating listener\(s\) second: .*address is necessary/,
    );
    t.equal(await answer(address), 'b', 'what served serves');

    const dump = JSON.parse(await proxy.admin('/config_dump?include_eds')).configs;
    const part = (type: string) =>
      dump.find((each: Message) => String(each['@type']).endsWith(`.${type}ConfigDump`));
    t.match(part('Clusters'), {
      version_info: 'v8',
      static_clusters: [{ cluster: { name: 'xds' } }],
      dynamic_active_clusters: [{ cluster: { name: 'three' } }, { cluster: { name: 'two' } }],
    });
    t.match(part('Listeners').dynamic_listeners, [
      { name: 'in', active_state: { version_info: 'v3', listener: { name: 'in' } } },
      { name: 'second', error_state: { details: /address is necessary/ } },
    ]);
    t.match(part('Routes').dynamic_route_configs, [{ route_config: { name: 'routes' } }]);

    const stats = await proxy.admin('/stats?filter=update_|connected_state|listener_added');
    t.match(stats, /^control_plane\.connected_state: 1$/m);
    t.match(stats, /^cluster_manager\.cds\.update_rejected: 1$/m);
    t.match(stats, /^listener_manager\.lds\.update_success: 1$/m);
    t.match(stats, /^listener_manager\.lds\.update_rejected: 1$/m);
  });
}
