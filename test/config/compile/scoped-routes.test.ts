import t from 'tap';
import { ScopedRouteConfigurationsListSchema } from '../../../proxy/api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { compileScopeSet } from '../../../proxy/config/compile/scoped-routes.ts';
import { compileJson, problemLines } from '../../support/compile-json.ts';

const ROUTES = { name: 'own', virtual_hosts: [{ name: 'v', domains: ['*'], routes: [] }] };

function scopes(...scoped_route_configurations: readonly { readonly [field: string]: never }[]) {
  const json = { scoped_route_configurations: [...scoped_route_configurations] };
  return compileJson({ schema: ScopedRouteConfigurationsListSchema, json }, compileScopeSet);
}

const scope = (name: string, key: string, members: object) =>
  ({ name, key: { fragments: [{ string_key: key }] }, ...members }) as never;

t.test('told scopes have a table of their own, or the name of one', (t) => {
  const { value, rejections } = scopes(
    scope('a', 'x', { route_configuration: ROUTES }),
    scope('b', 'y', { route_configuration_name: 'r' }),
  );
  t.same(rejections, []);
  t.match(value?.told, [
    { name: 'a', key: ['x'], table: { name: 'own' }, routeName: '' },
    { name: 'b', key: ['y'], table: null, routeName: 'r' },
  ]);
  t.end();
});

t.test('what is wrong with one is said with its name: their order is nobody’s', (t) => {
  const vhds = { vhds: { config_source: { ads: {} } } };
  const { value, rejections } = scopes(
    scope('a', 'x', { route_configuration: ROUTES }),
    scope('b', 'y', { route_configuration: { ...ROUTES, ...vhds } }),
  );
  t.equal(value, null);
  t.match(problemLines(rejections), [/^scopes\["b"\]\.route_configuration\.vhds: /]);
  t.end();
});
