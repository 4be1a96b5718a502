// What a server told is explained like what stands in a file, with where it came from.
import t from 'tap';
import { ADS, adsBootstrap, rdsListener, routeTable } from '../support/dynamic-bootstrap.ts';
import { DynamicSide, playToUs } from '../support/dynamic-twins.ts';
import { eventually } from '../support/eventually.ts';
import { assignment, edsCluster } from '../support/resource-files.ts';

async function explain(side: DynamicSide, path: string, more = ''): Promise<string> {
  const port = (await side.address()).split(':')[1];
  const url = encodeURIComponent(`http://h.test:${port}${path}`);
  return side.admin(`/explain?url=${url}${more}`);
}

t.test('routes, listeners, clusters and endpoints of a server are explained', async (t) => {
  const side = await DynamicSide.listen('ours', false);
  t.teardown(() => side.close());
  const { plane } = side;
  await playToUs(side, adsBootstrap(side.relay.port), async () => {
    await plane.asked('cluster');
    plane.push('cluster', [edsCluster('one', ADS)]);
    await plane.asked('endpoint', 'one');
    await plane.set('endpoint', [assignment('one', [7001, 7002])]);
    await plane.asked('listener');
    plane.push('listener', [rdsListener('in')]);
    await plane.asked('route', 'routes');
    await plane.set('route', [routeTable('routes', { '/a': 'one', '/b': 'gone' })]);
    await side.serving();

    const text = await explain(side, '/a');
    t.match(text, /LDS in v3 from xds$/m, 'the listener');
    t.match(text, /LDS in v3 from xds: filter_chains\[0\]/, 'a part of it');
    t.match(text, /RDS routes v4 from xds: virtual_hosts\[0\]\.routes\[0\]/, 'the route');
    t.match(text, /CDS one v1 from xds/, 'the cluster');
    t.match(text, /127\.0\.0\.1:7001, .*EDS one v2 from xds$/m, 'an endpoint');
    const json = JSON.parse(await explain(side, '/a', '&format=json'));
    t.match(json.listener.origin, {
      resource: { type: 'LDS', name: 'in', version: 'v3', server: 'xds' },
    });

    t.match(await explain(side, '/b'), /answered with 503: there is no such cluster/);
    await plane.set('route', [routeTable('routes', { '/a': 'xds' })]);
    await eventually(async () => (await side.get('/b')) === '404');
    const next = await explain(side, '/a');
    t.match(next, /RDS routes v5 from xds/, 'the newest table');
    t.match(next, /static_resources\.clusters\[0\]|:\d+$/m, 'and a cluster of the bootstrap');
  });
});
