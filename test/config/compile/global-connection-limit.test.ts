import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { BootstrapSchema } from '../../../proxy/api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { compileGlobalConnectionLimit } from '../../../proxy/config/compile/global-connection-limit.ts';
import { compileJson, problemLines, typed } from '../../support/compile-json.ts';

const MONITOR = {
  name: 'envoy.resource_monitors.global_downstream_max_connections',
  typed_config: typed(
    'extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
    { max_active_downstream_connections: '1000' },
  ),
};

function compile(monitors: JsonValue[]) {
  const json = { overload_manager: { resource_monitors: monitors } };
  return compileJson({ schema: BootstrapSchema, json }, (message, context) =>
    compileGlobalConnectionLimit(message, context),
  );
}

t.test('the monitor says the limit', (t) => {
  t.equal(compile([MONITOR]).value, 1000);
  t.equal(compile([]).value, null);
  t.end();
});

t.test('refuses other monitors, and two of one kind', (t) => {
  const reasons = (...monitors: JsonValue[]) => problemLines(compile(monitors).rejections);
  const other = { name: 'x', typed_config: typed('extensions.filters.http.router.v3.Router') };
  t.match(reasons(other), [
    /^overload_manager\.resource_monitors\[0\]\.typed_config: only the monitor of global downstream connections/,
  ]);
  t.match(reasons({ name: 'x' }), [
    /^overload_manager\.resource_monitors\[0\]: Didn't find a registered implementation for 'x' with type URL: ''/,
  ]);
  t.same(reasons(MONITOR, MONITOR), [
    `overload_manager.resource_monitors[1]: Duplicate resource monitor ${MONITOR.name}`,
  ]);
  t.end();
});
