import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { ClusterSchema } from '../../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { DEFAULT_LOCALITY } from '../../../proxy/config/compile/lb-policy-parts.ts';
import { compileLoadBalancer } from '../../../proxy/config/compile/load-balancer.ts';
import type { LoadBalancerConfig } from '../../../proxy/model/load-balancing.ts';
import { compileJson, problemLines, testEnvironment, typed } from '../../support/compile-json.ts';

type Json = { [key: string]: JsonValue };

const POLICIES = 'extensions.load_balancing_policies';
const CONSISTENT = { usesHostname: false, balanceFactorPercent: 0, isLocalityWeighted: false };

function compile(members: Json, environment = testEnvironment()) {
  const source = { schema: ClusterSchema, json: { name: 'c', ...members }, environment };
  return compileJson(source, compileLoadBalancer);
}

function balancer(members: Json, environment = testEnvironment()): LoadBalancerConfig | null {
  const { value, rejections } = compile(members, environment);
  t.same(problemLines(rejections), []);
  return value;
}

function refusals(members: Json): readonly string[] {
  return problemLines(compile(members).rejections);
}

/** A load_balancing_policy with these entries. */
function policies(...configs: JsonValue[]): Json {
  const entries = configs.map((typed_config, index) => ({
    typed_extension_config: { name: `p${index}`, typed_config },
  }));
  return { lb_policy: 'RANDOM', load_balancing_policy: { policies: entries } };
}

t.test('lb_policy with Envoy’s defaults', async (t) => {
  const locality = DEFAULT_LOCALITY;
  t.same(balancer({}), { kind: 'round-robin', locality, slowStart: null });
  t.same(balancer({ lb_policy: 'RANDOM' }), { kind: 'random', locality });
  t.same(balancer({ lb_policy: 'LEAST_REQUEST' }), {
    ...{ kind: 'least-request', choiceCount: 2, activeRequestBias: 1 },
    ...{ locality, slowStart: null },
  });
  t.same(balancer({ lb_policy: 'RING_HASH' }), {
    ...{ kind: 'ring-hash', minimumRingSize: 1024, maximumRingSize: 8_388_608 },
    ...{ hashFunction: 'xx-hash', consistent: CONSISTENT },
  });
  t.same(balancer({ lb_policy: 'MAGLEV' }), {
    ...{ kind: 'maglev', tableSize: 65_537, consistent: CONSISTENT },
  });
});

t.test('options of least request, with what runtime says', async (t) => {
  const least_request_lb_config = {
    choice_count: 5,
    active_request_bias: { default_value: 0.5, runtime_key: 'bias' },
  };
  const least = { lb_policy: 'LEAST_REQUEST', least_request_lb_config };
  t.match(balancer(least), { choiceCount: 5, activeRequestBias: 0.5 });
  const environment = testEnvironment({ runtime: new Map([['bias', 2]]) });
  t.match(balancer(least, environment), { activeRequestBias: 2 });
  const bias = { active_request_bias: { default_value: -1, runtime_key: 'x' } };
  t.match(refusals({ lb_policy: 'LEAST_REQUEST', least_request_lb_config: bias }), [
    /^least_request_lb_config\.active_request_bias: must not be negative, is -1$/,
  ]);
  const type = `${POLICIES}.least_request.v3.LeastRequest`;
  t.match(balancer(policies(typed(type, { choice_count: 3 }))), { choiceCount: 3 });
  const scans = typed(type, { selection_method: 'FULL_SCAN' });
  t.match(balancer(policies(scans)), { choiceCount: 0 });
});

t.test('options of consistent hashing in both forms', async (t) => {
  const common_lb_config = {
    consistent_hashing_lb_config: { use_hostname_for_hashing: true, hash_balance_factor: 150 },
  };
  const ring_hash_lb_config = { minimum_ring_size: 10, hash_function: 'MURMUR_HASH_2' };
  const old = balancer({ lb_policy: 'RING_HASH', ring_hash_lb_config, common_lb_config });
  const consistent = { ...CONSISTENT, usesHostname: true, balanceFactorPercent: 150 };
  t.match(old, { minimumRingSize: 10, hashFunction: 'murmur-hash-2', consistent });
  const options = { use_hostname_for_hashing: true, hash_balance_factor: 150 };
  const ring = typed(`${POLICIES}.ring_hash.v3.RingHash`, {
    ...{ minimum_ring_size: 10, hash_function: 'MURMUR_HASH_2' },
    consistent_hashing_lb_config: options,
  });
  t.same(balancer(policies(ring)), old);
  const older = typed(`${POLICIES}.ring_hash.v3.RingHash`, options);
  t.match(balancer(policies(older)), { consistent });
  const maglev = typed(`${POLICIES}.maglev.v3.Maglev`, {
    table_size: 31,
    locality_weighted_lb_config: {},
  });
  t.match(balancer(policies(maglev)), { tableSize: 31, consistent: { isLocalityWeighted: true } });
});

t.test('rings and tables of impossible size are refused', async (t) => {
  const ring_hash_lb_config = { minimum_ring_size: 20, maximum_ring_size: 10 };
  t.match(refusals({ lb_policy: 'RING_HASH', ring_hash_lb_config }), [
    /^ring_hash_lb_config\.minimum_ring_size: ring hash: minimum_ring_size \(20\) > maximum_ring_size \(10\)$/,
  ]);
  t.match(refusals({ lb_policy: 'MAGLEV', maglev_lb_config: { table_size: 10 } }), [
    /^maglev_lb_config\.table_size: The table size of maglev must be prime number$/,
  ]);
});

t.test(
  'load_balancing_policy takes the place of lb_policy; its first known entry counts',
  async (t) => {
    const unknown = typed(`${POLICIES}.pick_first.v3.PickFirst`);
    const roundRobin = typed(`${POLICIES}.round_robin.v3.RoundRobin`);
    t.match(balancer(policies(unknown, roundRobin)), { kind: 'round-robin' });
    t.match(refusals(policies(unknown)), [
      /^load_balancing_policy\.policies: cluster: didn't find a registered load balancer factory implementation for cluster: 'c' with names from \[p0\]/,
    ]);
    t.match(refusals({ load_balancing_policy: {} }), [/with names from \[\]/]);
    t.match(refusals({ lb_policy: 'LOAD_BALANCING_POLICY_CONFIG' }), [
      /^load_balancing_policy: cluster: field load_balancing_policy need to be set/,
    ]);
  },
);
