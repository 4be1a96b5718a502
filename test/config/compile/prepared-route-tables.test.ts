import { fromJson, type JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { ListenerSchema } from '../../../proxy/api/gen/envoy/config/listener/v3/listener_pb.js';
import { apiRegistry } from '../../../proxy/api/registry.ts';
import { compileListener } from '../../../proxy/config/compile/listener.ts';
import { prepareRouteTables } from '../../../proxy/config/compile/prepared-route-tables.ts';
import { ProblemSink } from '../../../proxy/config/schema/compile-context.ts';
import type { HttpConnectionManagerConfig } from '../../../proxy/model/http-connection-manager.ts';
import type { ListenerConfig } from '../../../proxy/model/listener.ts';
import { testEnvironment, typed } from '../../support/compile-json.ts';

function listener(routes: readonly JsonValue[]) {
  const manager = typed(
    'extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    {
      stat_prefix: 's',
      route_config: {
        name: 'r',
        virtual_hosts: [{ name: 'v', domains: ['*'], routes: [...routes] }],
      },
      http_filters: [
        { name: 'router', typed_config: typed('extensions.filters.http.router.v3.Router') },
      ],
    },
  );
  const json: JsonValue = {
    name: 'l',
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    filter_chains: [{ filters: [{ name: 'hcm', typed_config: manager }] }],
  };
  return fromJson(ListenerSchema, json, { registry: apiRegistry });
}

const GOOD = Array.from({ length: 300 }, (_, index) => ({
  match: { prefix: `/p${index}` },
  direct_response: { status: 200 },
}));

/** The paths of all routes, as the listener's manager has them. */
function routeNames(config: ListenerConfig | null): readonly unknown[] {
  const manager = config?.filterChains[0]?.filters[0]?.config as HttpConnectionManagerConfig;
  return manager.routeTable.virtualHosts.flatMap(({ routes }) =>
    routes.map(({ match }) => match.path),
  );
}

t.test('a listener takes the table that was compiled ahead of it', async (t) => {
  const environment = testEnvironment();
  const [ahead, alone] = [listener(GOOD), listener(GOOD)];
  let steps = 0;
  for (const _step of prepareRouteTables(ahead, environment)) steps += 1;
  t.ok(steps > 3, `in ${steps} steps`);
  const compile = (message: typeof ahead) => {
    const sink = new ProblemSink(environment);
    return { config: compileListener(message, sink.context()), sink };
  };
  t.same(routeNames(compile(ahead).config), routeNames(compile(alone).config));
  t.equal(routeNames(compile(ahead).config).length, GOOD.length);
});

t.test('what is wrong with it is said under the listener’s own path, each time', async (t) => {
  const environment = testEnvironment();
  const message = listener([...GOOD, { match: { prefix: '/' } }]);
  const expected = new ProblemSink(environment);
  compileListener(message, expected.context());
  for (const _step of prepareRouteTables(message, environment));
  const sink = new ProblemSink(environment);
  t.equal(compileListener(message, sink.context()), null);
  t.ok(sink.rejections.length > 0);
  t.same(sink.rejections, expected.rejections);
});

t.test('a table for other surroundings is not taken', async (t) => {
  const message = listener(GOOD);
  for (const _step of prepareRouteTables(message, testEnvironment()));
  const sink = new ProblemSink(testEnvironment());
  t.not(compileListener(message, sink.context()), null);
});
