import { create } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import t from 'tap';
import { ClusterSchema } from '../../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { decodeMessage } from '../../../proxy/config/schema/decode-message.ts';
import { ProblemWalk } from '../../../proxy/config/schema/problems.ts';
import {
  allSupport,
  checkSupport,
  type SupportTables,
} from '../../../proxy/config/schema/support.ts';
import { EXTENSIONS } from '../../../proxy/filters/extensions.ts';

const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

function check(tables: SupportTables, json: unknown): { problems: string[]; warnings: string[] } {
  const message = decodeMessage(ClusterSchema, json, new ProblemWalk());
  const walk = new ProblemWalk();
  checkSupport(ClusterSchema, message, { tables, walk });
  const text = ({ path, reason }: { path: string; reason: string }): string => `${path}: ${reason}`;
  return { problems: walk.rejections.map(text), warnings: walk.warnings.map(text) };
}

const tables: SupportTables = {
  'envoy.config.cluster.v3.Cluster': {
    name: 'honoured',
    type: { partly: 'some' },
    alt_stat_name: { accepted: 'nobody asks' },
    circuit_breakers: 'honoured',
    outlier_detection: { accepted: 'not looked at' },
    health_checks: 'honoured',
    connect_timeout: 'honoured',
    typed_extension_protocol_options: 'honoured',
  },
  'envoy.config.cluster.v3.CircuitBreakers': { thresholds: 'honoured' },
};

t.test('refuses each field that is set and not listed, by name', (t) => {
  const { problems } = check(tables, {
    name: 'a',
    type: 'STATIC',
    connect_timeout: '1s',
    lb_policy: 'RANDOM',
    circuit_breakers: { thresholds: [{ max_requests: 1 }], per_host_thresholds: [{}] },
  });
  t.same(problems, [
    "lb_policy: 'lb_policy' is a field of Envoy that Outrigger does not support yet",
    "circuit_breakers.thresholds[0].max_requests: 'max_requests' is a field of Envoy that Outrigger does not support yet",
    "circuit_breakers.per_host_thresholds: 'per_host_thresholds' is a field of Envoy that Outrigger does not support yet",
  ]);
  t.end();
});

t.test('does not mind fields that are given their default', (t) => {
  t.same(check(tables, { name: 'a', lb_policy: 'ROUND_ROBIN', health_checks: [] }).problems, []);
  t.end();
});

t.test('warns of what has no effect, and does not look inside', (t) => {
  const { problems, warnings } = check(tables, {
    alt_stat_name: 'x',
    outlier_detection: { interval: '1s' },
  });
  t.same(problems, []);
  t.same(warnings, [
    "alt_stat_name: 'alt_stat_name' has no effect: nobody asks",
    "outlier_detection: 'outlier_detection' has no effect: not looked at",
  ]);
  t.end();
});

t.test('says why it refuses what has a reason of its own', (t) => {
  const own: SupportTables = {
    'envoy.config.cluster.v3.Cluster': {
      name: 'honoured',
      outlier_detection: { refused: 'hosts are never ejected' },
      typed_extension_protocol_options: 'honoured',
    },
  };
  const bridge = 'envoy.extensions.filters.http.grpc_http1_bridge.v3.Config';
  const { problems } = check(own, {
    outlier_detection: { interval: '1s' },
    typed_extension_protocol_options: { a: { '@type': `x/${bridge}` } },
  });
  t.equal(
    problems[1],
    "outlier_detection: 'outlier_detection' is not supported: hosts are never ejected",
  );
  t.match(
    problems[0],
    `typed_extension_protocol_options["a"]: '${bridge}' is not supported: gRPC answers are not`,
  );
  t.equal(problems.length, 2);
  t.end();
});

t.test('refuses a typed configuration without a table as a whole', (t) => {
  const options = { a: { '@type': `x/${OPTIONS}`, auto_config: {} } };
  t.same(check(tables, { typed_extension_protocol_options: options }).problems, [
    `typed_extension_protocol_options["a"]: '${OPTIONS}' is an extension of Envoy that Outrigger does not support yet`,
  ]);
  const more = { ...tables, [OPTIONS]: { explicit_http_config: 'honoured' as const } };
  t.same(check(more, { typed_extension_protocol_options: options }).problems, [
    `typed_extension_protocol_options["a"].auto_config: 'auto_config' is a field of Envoy that Outrigger does not support yet`,
  ]);
  t.end();
});

t.test('leaves an Any that is empty, well-known or broken to the rules', (t) => {
  const message = create(ClusterSchema, {
    name: 'a',
    typedExtensionProtocolOptions: {
      a: create(AnySchema),
      b: create(AnySchema, { typeUrl: 'x/google.protobuf.Empty' }),
      c: create(AnySchema, { typeUrl: `x/${OPTIONS}`, value: Uint8Array.of(0xff) }),
    },
  });
  const walk = new ProblemWalk();
  checkSupport(ClusterSchema, message, { tables: { ...tables, [OPTIONS]: {} }, walk });
  t.same(walk.rejections, []);
  t.end();
});

t.test('joins the tables of the core and of every extension', (t) => {
  const all = allSupport({ core: { a: 'honoured' } }, EXTENSIONS);
  t.same(all['core'], { a: 'honoured' });
  t.ok(all['envoy.extensions.filters.http.router.v3.Router']);
  t.ok(all['envoy.extensions.access_loggers.file.v3.FileAccessLog']);
  t.end();
});
