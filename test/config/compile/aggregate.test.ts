import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { ClusterSchema } from '../../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { compileCluster } from '../../../proxy/config/compile/cluster.ts';
import { compileJson, problemLines, typed } from '../../support/compile-json.ts';

type Json = { [key: string]: JsonValue };

const AGGREGATE = {
  name: 'envoy.clusters.aggregate',
  typed_config: typed('extensions.clusters.aggregate.v3.ClusterConfig', {
    clusters: ['a', 'b'],
  }),
};
const PROVIDED = typed('extensions.load_balancing_policies.cluster_provided.v3.ClusterProvided');

function compile(members: Json) {
  const json = { name: 'c', lb_policy: 'CLUSTER_PROVIDED', ...members };
  const { value, rejections } = compileJson({ schema: ClusterSchema, json }, compileCluster);
  return { value, problems: problemLines(rejections) };
}

function listOf(typed_config: JsonValue): Json {
  return { policies: [{ typed_extension_config: { name: 'p', typed_config } }] };
}

t.test('an aggregate names its members and picks itself', async (t) => {
  for (const over of [{}, { lb_policy: 'ROUND_ROBIN', load_balancing_policy: listOf(PROVIDED) }]) {
    const { value, problems } = compile({ cluster_type: AGGREGATE, ...over });
    t.same(problems, []);
    t.match(value, { discovery: 'aggregate', memberClusters: ['a', 'b'] });
  }
});

t.test('what Envoy refuses is refused with its words', async (t) => {
  const refused = (members: Json, text: RegExp) => {
    const { value, problems } = compile(members);
    t.equal(value, null);
    t.match(problems.join('\n'), text);
  };
  refused(
    { cluster_type: AGGREGATE, lb_policy: 'ROUND_ROBIN' },
    /cluster provided LB not specified but cluster 'c' provided one/,
  );
  refused({ cluster_type: { name: 'foo' } }, /cluster factory implementation for name: 'foo'/);
  const lb_subset_config = { subset_selectors: [{ keys: ['a'] }] };
  refused(
    { cluster_type: AGGREGATE, lb_subset_config },
    /cannot be combined with lb_subset_config/,
  );
  refused({ type: 'STATIC' }, /cluster provided LB specified but cluster 'c' did not provide one/);
  refused(
    { type: 'STATIC', lb_policy: 'ROUND_ROBIN', load_balancing_policy: listOf(PROVIDED) },
    /cluster provided LB specified/,
  );
});
