// Versions that turn out to be of no use after they served, over the whole proxy in one process.
import t from 'tap';
import type { ResourceKind } from '../../proxy/model/resource.ts';
import { ADS, adsBootstrap } from '../support/dynamic-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { rawExchange } from '../support/raw-exchange.ts';
import { SnapshotPlane } from '../support/snapshot-plane.ts';
import { httpListener, type Message, virtualHost } from '../support/static-bootstrap.ts';
import { withProxy } from '../support/with-proxy.ts';

function table(name: string, body: string): Message {
  const direct_response = { status: 200, body: { inline_string: body } };
  const route = { match: { prefix: '/' }, direct_response };
  return { name, virtual_hosts: [virtualHost(['*'], [route])] };
}

function scope(route_configuration_name: string): Message {
  return { name: 'A', key: { fragments: [{ string_key: 'a' }] }, route_configuration_name };
}

function scopedListener(): Message {
  const scoped_routes = {
    name: 'scopes',
    scope_key_builder: { fragments: [{ header_value_extractor: { name: 'x-s', index: 0 } }] },
    rds_config_source: ADS,
    scoped_rds: { scoped_rds_config_source: ADS },
  };
  return httpListener('in', {}, { manager: { route_config: undefined, scoped_routes } });
}

t.test('what is told by name is taken back, and its server hears why', async (t) => {
  const plane = await SnapshotPlane.listen();
  const { dynamic_resources, static_resources, ...rest } = adsBootstrap(plane.plane.port);
  const { ads_config } = dynamic_resources as Message;
  const listeners = [scopedListener()];
  plane.set('route', [table('one', '1'), table('two', '2')]);
  plane.set('scopedRoute', [scope('one')]);
  const proxy = await withProxy({
    ...rest,
    dynamic_resources: { ads_config },
    static_resources: { ...(static_resources as Message), listeners },
  });
  t.teardown(async () => {
    await proxy.stop();
    plane.close();
  });
  const request = 'GET / HTTP/1.1\r\nhost: h\r\nx-s: a\r\nconnection: close\r\n\r\n';
  const answers = (body: string) =>
    eventually(async () => (await rawExchange(`127.0.0.1:${proxy.port}`, request)).body === body);
  const { configuration, publisher } = proxy.primary;
  const takeBack = async (kind: ResourceKind): Promise<string> => {
    const before = plane.refusals.length;
    publisher.rollBack(configuration.store.ofKind(kind).map(({ resource }) => resource));
    await eventually(() => plane.refusals.length > before);
    return plane.refusals.at(-1) ?? '';
  };

  await answers('1');
  plane.set('scopedRoute', [scope('two')]);
  await answers('2');
  t.match(await takeBack('scopes'), /^ended two workers/);
  await answers('1');
  t.pass('the table that the scope named before is asked for again');

  plane.set('route', [table('one', '11'), table('two', '2')]);
  await answers('11');
  t.match(await takeBack('route'), /^ended two workers/);
  await answers('1');
  plane.set('route', [table('one', '111'), table('two', '2')]);
  await answers('111');
});
