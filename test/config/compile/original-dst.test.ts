import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { ClusterSchema } from '../../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { compileCluster } from '../../../proxy/config/compile/cluster.ts';
import { compileJson, problemLines } from '../../support/compile-json.ts';

function compile(members: { [key: string]: JsonValue } = {}) {
  const json = { name: 'c', type: 'ORIGINAL_DST', lb_policy: 'CLUSTER_PROVIDED', ...members };
  return compileJson({ schema: ClusterSchema, json }, compileCluster);
}

function refusals(members: { [key: string]: JsonValue }): readonly string[] {
  return problemLines(compile(members).rejections);
}

t.test('fills in Envoy’s defaults', async (t) => {
  const { value, warnings } = compile();
  t.equal(value?.discovery, 'original-dst');
  t.same(value?.originalDst, { httpHeader: '', portOverride: null, cleanupIntervalMs: 5000 });
  t.same(warnings, [], 'it needs no endpoints');
});

t.test('takes the destination from a header and replaces the port', async (t) => {
  const fields = { use_http_header: true, upstream_port_override: 15008 };
  t.same(compile({ original_dst_lb_config: fields, cleanup_interval: '60s' }).value?.originalDst, {
    httpHeader: 'x-envoy-original-dst-host',
    portOverride: 15008,
    cleanupIntervalMs: 60_000,
  });
  const named = { use_http_header: true, http_header_name: 'X-Dst' };
  t.equal(compile({ original_dst_lb_config: named }).value?.originalDst?.httpHeader, 'x-dst');
});

t.test('refuses what Envoy refuses, in its words', async (t) => {
  t.match(refusals({ lb_policy: 'ROUND_ROBIN' }), [
    /^lb_policy: cluster: LB policy ROUND_ROBIN is not valid for Cluster type ORIGINAL_DST\. Only 'CLUSTER_PROVIDED'/,
  ]);
  t.match(refusals({ load_assignment: { cluster_name: 'c' } }), [
    /^load_assignment: ORIGINAL_DST clusters must have no load assignment configured$/,
  ]);
  t.match(refusals({ original_dst_lb_config: { http_header_name: 'x' } }), [
    /http_header_name: ORIGINAL_DST cluster: invalid config http_header_name=x and use_http_header is false/,
  ]);
  t.match(refusals({ type: 'STATIC' }), [/^lb_policy: cluster manager: cluster provided LB/]);
});
