// The health_check filter: who is answered by the proxy, with what, and what is counted.
import t from 'tap';
import { type Json, type TwinConfig, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type TwinCase, type Twins, withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';
import { compareStats, missingNames } from './compare-stats.ts';

const LOG_FORMAT =
  '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS% %DOWNSTREAM_REMOTE_ADDRESS%\n';

const listener = (members: Json) => ({
  hcm: {
    http_filters: [
      {
        name: 'health',
        typed_config: typed('extensions.filters.http.health_check.v3.HealthCheck', {
          headers: [{ name: ':path', string_match: { exact: '/health' } }],
          ...members,
        }),
      },
      {
        name: 'envoy.filters.http.router',
        typed_config: typed('extensions.filters.http.router.v3.Router'),
      },
    ],
  },
});
const ofClusters = (percents: Readonly<Record<string, number>>) =>
  listener({
    pass_through_mode: false,
    cluster_min_healthy_percentages: Object.fromEntries(
      Object.entries(percents).map(([name, value]) => [name, { value }]),
    ),
  });
const endpoint = (port: number, health_status: string): Json => ({
  endpoint: { address: { socket_address: { address: '192.0.2.1', port_value: port } } },
  health_status,
});
const cluster = (name: string, ...statuses: readonly string[]): Json => ({
  name,
  type: 'STATIC',
  load_assignment: {
    cluster_name: name,
    endpoints: [{ lb_endpoints: statuses.map((status, index) => endpoint(index + 1, status)) }],
  },
});

const CONFIG: TwinConfig = {
  log: { log_format: { text_format_source: { inline_string: LOG_FORMAT } } },
  bootstrap: { node: { id: 'i', cluster: 'the-service' } },
  moreClusters: [
    cluster('empty'),
    cluster('half', 'HEALTHY', 'UNHEALTHY'),
    cluster('degraded', 'HEALTHY', 'DEGRADED'),
  ],
  listeners: {
    main: listener({ pass_through_mode: false }),
    through: listener({ pass_through_mode: true }),
    cached: listener({ pass_through_mode: true, cache_time: '3600s' }),
    all: listener({ pass_through_mode: false, headers: [] }),
    several: listener({
      pass_through_mode: false,
      headers: [
        { name: ':path', string_match: { prefix: '/h' } },
        { name: 'x-check', present_match: true },
      ],
    }),
    healthy: ofClusters({ main: 100 }),
    missing: ofClusters({ nowhere: 0 }),
    empty: ofClusters({ empty: 1 }),
    'empty-0': ofClusters({ empty: 0 }),
    'half-50': ofClusters({ half: 50 }),
    'half-51': ofClusters({ half: 50.5 }),
    degraded: ofClusters({ degraded: 75 }),
    'half-60': ofClusters({ half: 60 }),
  },
};

function ask(listenerName: string, path: string, method = 'GET', rest = ''): TwinCase {
  return {
    title: `${listenerName}: ${method} ${path}${rest === '' ? '' : ' …'}`,
    listener: listenerName,
    methods: [method],
    send: `${method} ${path} HTTP/1.1\r\nhost: h.test\r\nconnection: close\r\n${rest}${rest.includes('\r\n\r\n') ? '' : '\r\n'}`,
    answer: { text: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-envoy-degraded: t\r\n\r\nok' },
  };
}

const CASES: readonly TwinCase[] = [
  ...Object.keys(CONFIG.listeners).flatMap((name) => [ask(name, '/health'), ask(name, '/other')]),
  ask('main', '/health', 'HEAD'),
  ask('main', '/health', 'POST', 'content-length: 3\r\n\r\nabc'),
  ask('main', '/health', 'POST', 'transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\na: b\r\n\r\n'),
  ask('through', '/health', 'HEAD'),
  ask('through', '/health', 'POST', 'content-length: 3\r\n\r\nabc'),
  ask('cached', '/health', 'POST', 'content-length: 3\r\n\r\nabc'),
  ask('several', '/health', 'GET', 'x-check: 1\r\n'),
];

async function onBoth({ ours, envoy }: Twins, path: string): Promise<void> {
  for (const { admin } of [ours, envoy]) await fetch(`${admin}${path}`, { method: 'POST' });
}

t.test('health checks', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, async (twins) => {
    t.same(await missingNames(twins), []);
    await compareCases(t, twins, CASES);
    const counted = CASES.filter(({ title }) => !/half|\/other/.test(title));
    await compareStats(t, twins, counted, /_cx_|bytes/);
    await onBoth(twins, '/healthcheck/fail');
    // While it fails Envoy closes late; that is not what this is about.
    const failing = CASES.filter(({ title }) => /^(main: GET|cached: GET .health)/.test(title));
    await compareCases(t, twins, failing, (outcome) => ({ ...outcome, ending: '' }));
    await onBoth(twins, '/healthcheck/ok');
    await compareCases(t, twins, failing);
  });
});
