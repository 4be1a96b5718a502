import t from 'tap';
import { RetryPolicySchema } from '../../../../proxy/api/gen/envoy/config/route/v3/route_components_pb.js';
import { compileRetryPolicy } from '../../../../proxy/config/compile/retry-policy.ts';
import type { ClusterConfig } from '../../../../proxy/model/cluster.ts';
import { clusterConfig, clusterLimits, endpointConfig } from '../../../support/cluster-config.ts';
import { compileJson } from '../../../support/compile-json.ts';
import { RANDOM } from '../../../support/lb-configs.ts';
import type { Json } from '../../../support/route-fixtures.ts';
import { type RigOptions, RouterRig } from '../../../support/router-rig.ts';

const LATEST = 0.999_999;

function retrying(policy: Json, options: RigOptions = {}): RouterRig {
  const retry_policy = { retry_on: '5xx', ...policy };
  return new RouterRig({ ...options, action: { retry_policy, ...options.action } });
}

function hosts(
  ...members: readonly Parameters<typeof endpointConfig>[0][]
): Partial<ClusterConfig> {
  const endpoints = members.map((each, index) => endpointConfig({ port: 8001 + index, ...each }));
  return { endpoints };
}

/** The longest waits before each of the attempts of a request that always fails, in ms. */
function waits(policy: Json): number[] {
  const rig = retrying({ num_retries: 8, ...policy }, { random: [LATEST] }).begin();
  const found: number[] = [];
  while (rig.client.length === 0) {
    rig.attempt(found.length).connect().respond(503);
    const before = rig.clock.nowMs();
    const begun = rig.attempts.length;
    while (rig.attempts.length === begun && rig.client.length === 0) rig.clock.advance(1);
    found.push(rig.clock.nowMs() - before);
  }
  return found.slice(0, -1);
}

/** A wait, rounded up to the wheel's ticks. */
function about(expectedMs: number): (found: number) => boolean {
  return (found) => found >= expectedMs - 1 && found <= expectedMs + 30;
}

t.test('back-off doubles from 25 ms up to ten times as much', async (t) => {
  const found = waits({});
  const expected = [25, 50, 100, 200, 250, 250, 250, 250];
  t.equal(found.length, expected.length);
  for (const [index, wait] of found.entries()) {
    t.ok(about(expected[index] ?? 0)(wait), `${index}: ${wait} ms is about ${expected[index]}`);
  }
});

t.test('back-off is as configured, and may be nothing at all', async (t) => {
  const retry_back_off = { base_interval: '1s', max_interval: '3s' };
  const found = waits({ retry_back_off, num_retries: 3 });
  t.ok(
    [1000, 2000, 3000].every((expected, index) => about(expected)(found[index] ?? 0)),
    `${found}`,
  );
  const rig = retrying({ retry_back_off }, { random: [0] }).begin();
  rig.attempt(0).connect().respond(500);
  rig.clock.advance(30);
  t.equal(rig.attempts.length, 2, 'full jitter begins with 0');
});

t.test('the upstream says how long it wants to be left alone', async (t) => {
  const rate_limited_retry_back_off = {
    reset_headers: [{ name: 'X-Reset', format: 'UNIX_TIMESTAMP' }, { name: 'retry-after' }],
    max_interval: '10s',
  };
  const waitFor = (random: number, fields: (nowS: number) => string[]): number => {
    const rig = retrying({ rate_limited_retry_back_off }, { random: [random] }).begin();
    const nowS = Math.floor(rig.clock.wallMs() / 1000);
    rig.attempt(0).connect().respond(503, fields(nowS));
    let waited = 0;
    while (rig.attempts.length < 2) {
      rig.clock.advance(10);
      waited += 10;
    }
    return waited;
  };
  const cases: readonly [string, number, (nowS: number) => string[], number][] = [
    ['seconds', 0, () => ['retry-after', '4'], 4000],
    ['and half as much again at most', LATEST, () => ['retry-after', '4'], 6000],
    ['a moment', 0, (nowS) => ['x-reset', `${nowS + 7}`], 7000],
    ['the first that can be read', 0, () => ['x-reset', 'soon', 'retry-after', '2'], 2000],
    ['a moment that is over', 0, (nowS) => ['x-reset', `${nowS - 7}`, 'retry-after', '3'], 3000],
    ['longer than believed', 0, () => ['retry-after', '11'], 0],
    ['rubbish', 0, () => ['retry-after', '-1'], 0],
  ];
  for (const [title, random, fields, expected] of cases) {
    const found = waitFor(random, fields);
    t.ok(about(expected)(found), `${title}: ${found}`);
  }
});

t.test('content is sent again as it came, and only what came', async (t) => {
  const rig = retrying({}).begin(false).data('one ');
  rig.attempt(0).connect();
  rig.data('two ');
  rig.attempt(0).respond(503, [], false);
  rig.data('three ');
  rig.clock.advance(100);
  rig.attempt(1).connect();
  t.equal(rig.attempt(1).content, 'one two three ');
  rig.data('four', true);
  t.equal(rig.attempt(0).content, 'one two ', 'who failed hears nothing more');
  t.equal(rig.attempt(0).resetBy, 'local-reset');
  t.equal(rig.attempt(1).content, 'one two three four');
  t.ok(rig.attempt(1).isComplete);
});

t.test('more content than may be kept ends the retries, not the request', async (t) => {
  const rig = retrying({}).begin(false).data('x'.repeat(1000));
  rig.attempt(0).connect();
  rig.data('y', true);
  t.equal(rig.attempt(0).content.length, 1001);
  t.equal(rig.count('retry_or_shadow_abandoned'), 1);
  rig.attempt(0).respond(503);
  t.same(rig.client, ['503']);
  t.equal(rig.attempts.length, 1);
});

t.test('with no attempt under way it ends the request', async (t) => {
  const rig = retrying({}).begin(false).data('x'.repeat(1000));
  rig.attempt(0).connect().respond(503);
  rig.data('y');
  t.same(rig.client, ['507 request_payload_exceeded_retry_buffer_limit']);
  t.equal(rig.retrying, 0);
  t.equal(rig.clock.timers.armedCount, 0);
});

t.test('a client that was held back goes on when its upstream fails', async (t) => {
  const rig = retrying({}).begin(false);
  rig.attempt(0).connect().isSlow = true;
  rig.data('much');
  t.equal(rig.clientPauses, 1);
  rig.attempt(0).end();
  t.equal(rig.clientPauses, 0);
});

t.test('what was relayed is never repeated', async (t) => {
  const begun = retrying({}).begin();
  begun.attempt(0).connect().respond(200, [], false).data('half', false).end();
  t.same(begun.client, [
    '200',
    'half',
    'reset upstream_reset_after_response_started{remote_reset}',
  ]);
  t.equal(begun.attempts.length, 1);
  const informed = retrying({}).begin();
  informed.attempt(0).connect().informational().respond(503);
  t.same(informed.client, ['103', '503']);
});

t.test('the breaker counts a retry until it is answered', async (t) => {
  const rig = retrying({ num_retries: 3 }).begin();
  t.equal(rig.retrying, 0);
  rig.attempt(0).connect().respond(503);
  t.equal(rig.retrying, 1, 'while it waits');
  rig.clock.advance(500);
  t.equal(rig.retrying, 1, 'while it is under way');
  rig.attempt(1).connect().respond(200);
  t.equal(rig.retrying, 0);
  t.equal(rig.count('upstream_rq_retry_success'), 1);
  const gone = retrying({}).begin();
  gone.attempt(0).connect().respond(503);
  gone.stream.onStreamEnd();
  t.equal(gone.retrying, 0, 'or given up');
  t.equal(gone.clock.timers.armedCount, 0);
});

t.test('max_retries and a retry budget bound retries', async (t) => {
  const closed = retrying({}, { clusters: [{ limits: clusterLimits({ maxRetries: 0 }) }] }).begin();
  closed.attempt(0).connect().respond(503);
  t.same(closed.client, ['503']);
  t.same(closed.info.flags, ['UO']);
  t.equal(closed.count('upstream_rq_retry_overflow'), 1);
  const retryBudget = { percent: 20, minConcurrency: 1, intervalMs: 0 };
  const budget = { limits: clusterLimits({ maxRetries: 0, retryBudget }) };
  const open = retrying({}, { clusters: [budget] }).begin();
  open.attempt(0).connect().respond(503);
  open.clock.advance(500);
  t.equal(open.attempts.length, 2);
});

t.test('a retry avoids hosts that were tried', async (t) => {
  const retry_host_predicate = [
    {
      name: 'envoy.retry_host_predicates.previous_hosts',
      typed_config: {
        '@type':
          'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
      },
    },
  ];
  const policy = { retry_host_predicate, num_retries: 2 };
  const clusters = [{ ...hosts({}, {}, {}, {}), loadBalancer: RANDOM }];
  const rig = retrying({ ...policy, host_selection_retry_max_attempts: 50 }, { clusters }).begin();
  for (const index of [0, 1, 2]) {
    rig.attempt(index).connect().respond(503);
    rig.clock.advance(500);
  }
  const ports = rig.attempts.map(({ host }) => host.address.port);
  t.equal(new Set(ports).size, 3, `${ports}`);
  t.equal(rig.info.attemptedHosts?.length, 3);
  t.equal(rig.info.attemptCount, 3);
});

t.test('a retry avoids canaries, and hosts with some metadata', async (t) => {
  const predicate = (kind: string, config: Json): Json => ({
    name: `envoy.retry_host_predicates.${kind}`,
    typed_config: { '@type': `type.googleapis.com/envoy.extensions.retry.host.${kind}`, ...config },
  });
  const canary = predicate('omit_canary_hosts.v3.OmitCanaryHostsPredicate', {});
  const metadata = predicate('omit_host_metadata.v3.OmitHostMetadataConfig', {
    metadata_match: { filter_metadata: { 'envoy.lb': { stage: 'test' } } },
  });
  const cases: readonly [Json, Parameters<typeof endpointConfig>[0]][] = [
    [canary, { isCanary: true }],
    [metadata, { metadata: { 'envoy.lb': { stage: 'test' } } }],
    [metadata, { metadata: { 'envoy.lb': { stage: ['a', 'test'] } } }],
  ];
  for (const [each, avoided] of cases) {
    const policy = { retry_host_predicate: [each], host_selection_retry_max_attempts: 3 };
    for (const order of [
      [avoided, {}],
      [{}, avoided],
    ]) {
      const rig = retrying(policy, { clusters: [hosts(...order)] }).begin();
      rig.attempt(0).connect().respond(503);
      rig.clock.advance(500);
      const { endpoint } = rig.attempt(1).host;
      t.notOk(endpoint.isCanary || Object.keys(endpoint.metadata).length > 0);
    }
  }
});

t.test('the route’s timeout runs over attempts and what is between them', async (t) => {
  const rig = retrying({ num_retries: 9 }, { action: { timeout: '1s' } }).begin();
  while (rig.client.length === 0) {
    rig.attempts.at(-1)?.connect().respond(503);
    rig.clock.advance(300);
  }
  t.same(rig.client, ['504 response_timeout']);
  t.equal(rig.clock.timers.armedCount, 0);
  t.equal(rig.retrying, 0);
});

t.test('an attempt that takes too long is given up', async (t) => {
  const rig = retrying({ per_try_timeout: '1s' }).begin();
  rig.clock.advance(1500);
  t.equal(rig.attempts.length, 1, 'it counts from the connection');
  rig.attempt(0).connect();
  rig.clock.advance(1500);
  t.equal(rig.attempt(0).resetBy, 'local-reset');
  t.equal(rig.count('upstream_rq_per_try_timeout'), 1);
  rig.attempt(1).connect().respond(200, [], false);
  rig.clock.advance(5000);
  rig.attempt(1).data('late', true);
  t.same(rig.client, ['200', 'late'], 'a response that has begun may take its time');
});

t.test('an attempt that falls silent is given up, even in its response', async (t) => {
  const rig = retrying({ per_try_idle_timeout: '1s' }).begin();
  rig.attempt(0).connect().respond(200, [], false);
  for (const text of ['a', 'b']) {
    rig.clock.advance(900);
    rig.attempt(0).data(text, false);
  }
  rig.clock.advance(1100);
  t.same(rig.client, ['200', 'a', 'b', 'reset upstream_per_try_idle_timeout']);
});

t.test('a hedged request takes the first good response', async (t) => {
  const hedge_policy = { hedge_on_per_try_timeout: true };
  const hedged = () =>
    retrying({ per_try_timeout: '1s', num_retries: 2 }, { action: { hedge_policy } }).begin();
  const first = hedged();
  first.attempt(0).connect({ id: 11 });
  first.clock.advance(1200);
  first.attempt(1).connect({ id: 12 });
  first.attempt(0).respond(200);
  t.same(first.client, ['200']);
  t.equal(first.attempt(1).resetBy, 'local-reset');
  t.equal(first.info.upstreamConnectionId, 11, 'the log names the one that answered');
  const second = hedged();
  second.attempt(0).connect();
  second.clock.advance(1200);
  second.attempt(1).connect();
  second.attempt(0).respond(503);
  t.same(second.client, [], 'a bad one is not taken while another is under way');
  second.attempt(1).respond(200);
  t.same(second.client, ['200']);
  const none = hedged();
  none.attempt(0).connect();
  none.clock.advance(1200);
  none.attempt(1).connect();
  none.attempt(0).end();
  t.same(none.client, []);
  none.attempt(1).end();
  none.clock.advance(900);
  none.attempt(2).connect().end();
  t.match(none.client, [/^503 upstream_reset_before/]);
  t.equal(none.clock.timers.armedCount, 0);
});

t.test('a cluster that is gone by then has no host', async (t) => {
  const rig = retrying({}).begin();
  rig.attempt(0).connect().respond(503);
  rig.clusters.apply({ upserted: [], removed: ['c'] });
  rig.clock.advance(500);
  t.same(rig.client, ['503 no_healthy_upstream']);
});

t.test('without a policy nothing is kept and nothing is timed but the route', async (t) => {
  const rig = new RouterRig().begin(false).data('content', true);
  t.equal(rig.clock.timers.armedCount, 1);
  rig.attempt(0).connect().respond(503);
  t.same(rig.client, ['503']);
  t.equal(rig.clock.timers.armedCount, 0);
});

t.test('a cluster’s policy wins over its route’s, but for the time of attempts', async (t) => {
  const by = (json: Json) =>
    compileJson({ schema: RetryPolicySchema, json }, compileRetryPolicy).value;
  const clusterSaying = (retry_policy: Json): Partial<ClusterConfig> => ({
    http: {
      ...clusterConfig().http,
      policies: { retry: by(retry_policy), hashPolicies: [], mirrors: [] },
    },
  });
  const never = retrying({}, { clusters: [clusterSaying({})] }).begin();
  never.attempt(0).connect().respond(503);
  t.same(never.client, ['503']);
  const often = new RouterRig({
    clusters: [clusterSaying({ retry_on: '5xx', num_retries: 2, per_try_timeout: '1s' })],
  }).begin();
  often.attempt(0).connect().respond(503);
  often.clock.advance(100);
  often.attempt(1).connect();
  often.clock.advance(2000);
  t.equal(often.attempt(1).resetBy, null, 'the cluster gives attempts no time of their own');
  often.attempt(1).respond(200);
  t.same(often.client, ['200']);
});

t.test('a retry avoids priorities that were tried, until none is left', async (t) => {
  const retry_priority = (update_frequency: number): Json => ({
    name: 'envoy.retry_priorities.previous_priorities',
    typed_config: {
      '@type':
        'type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig',
      update_frequency,
    },
  });
  const clusters = [hosts({ priority: 0 }, { priority: 1 }, { priority: 2 })];
  const tried = (update_frequency: number): readonly number[] => {
    const policy = { retry_priority: retry_priority(update_frequency), num_retries: 7 };
    const rig = retrying(policy, { clusters }).begin();
    while (rig.client.length === 0) {
      rig.attempts.at(-1)?.connect().respond(503);
      rig.clock.advance(500);
    }
    return rig.attempts.map(({ host }) => host.endpoint.priority);
  };
  t.same(tried(1), [0, 1, 2, 0, 1, 2, 0, 1]);
  t.same(tried(2), [0, 0, 1, 1, 2, 2, 0, 0]);
});
