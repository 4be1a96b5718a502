// /clusters as text and JSON.
import t from 'tap';
import { withAdmin } from '../support/with-admin.ts';

t.test('each cluster and host has the lines of Envoy, in its order', async (t) => {
  await withAdmin(async ({ ask }) => {
    const lines = (await ask('/clusters?filter=c1')).body.split('\n');
    t.same(lines.slice(0, 14), [
      'c1::observability_name::alt',
      'c1::outlier::success_rate_average::60',
      'c1::outlier::success_rate_ejection_threshold::40.5',
      'c1::outlier::local_origin_success_rate_average::-1',
      'c1::outlier::local_origin_success_rate_ejection_threshold::-1',
      'c1::default_priority::max_connections::5',
      'c1::default_priority::max_pending_requests::6',
      'c1::default_priority::max_requests::7',
      'c1::default_priority::max_retries::8',
      'c1::high_priority::max_connections::1024',
      'c1::high_priority::max_pending_requests::1024',
      'c1::high_priority::max_requests::1024',
      'c1::high_priority::max_retries::3',
      'c1::added_via_api::false',
    ]);
    const host = lines.filter((line) => line.startsWith('c1::127.0.0.1:9000::'));
    t.same(
      host.map((line) => line.slice('c1::127.0.0.1:9000::'.length)),
      [
        ...['cx_active::1', 'cx_connect_fail::0', 'cx_total::2', 'rq_active::0', 'rq_error::0'],
        ...['rq_pending_active::0', 'rq_success::4', 'rq_timeout::0', 'rq_total::4'],
        ...['hostname::', 'health_flags::healthy', 'weight::1', 'region::r1', 'zone::'],
        ...['sub_zone::', 'canary::false', 'priority::0', 'success_rate::-1'],
        'local_origin_success_rate::-1',
      ],
    );
    t.ok(lines.includes('c1::[::1]:9001::health_flags::/failed_outlier_check/failed_eds_health'));
    t.notOk(lines.some((line) => line.startsWith('c2')));
  });
});

t.test('JSON leaves defaults out', async (t) => {
  await withAdmin(async ({ ask }) => {
    const { cluster_statuses: clusters } = JSON.parse((await ask('/clusters?format=json')).body);
    t.match(clusters[0].circuit_breakers.thresholds, [
      { max_connections: 5 },
      { priority: 'HIGH', max_connections: 1024 },
    ]);
    const [first, second] = clusters[0].host_statuses;
    t.same(first.address, { socket_address: { address: '127.0.0.1', port_value: 9000 } });
    t.same(first.stats[0], { name: 'cx_connect_fail' });
    t.same(first.stats[1], { value: '2', name: 'cx_total' });
    t.same(first.stats[6], { type: 'GAUGE', value: '1', name: 'cx_active' });
    t.same(first.locality, { region: 'r1' });
    t.match(second, {
      hostname: 'h2',
      priority: 1,
      health_status: { eds_health_status: 'UNHEALTHY', failed_outlier_check: true },
      success_rate: { value: 12.5 },
    });
    t.same(clusters[1].host_statuses, undefined);
    t.equal(clusters[1].added_via_api, true);
  });
});

t.test('a filter that is no regex is refused', async (t) => {
  await withAdmin(async ({ ask }) => {
    const answer = await ask('/clusters?filter=(');
    t.equal(answer.status, 400);
    t.equal(answer.body, 'Invalid re2 regex');
  });
});
