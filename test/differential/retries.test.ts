// Retries, timeouts and hedging beside Envoy's: what clients, upstreams and logs see, and what is
// counted.
import t from 'tap';
import {
  httpListener,
  type Message,
  staticCluster,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import {
  type PlayCase,
  type PlayConfig,
  playLog,
  withPlayedTwins,
} from '../support/with-played-twins.ts';

const LOG =
  '%RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS% %UPSTREAM_CLUSTER% ' +
  '%UPSTREAM_REQUEST_ATTEMPT_COUNT% %BYTES_RECEIVED% %BYTES_SENT%';
/** Short, so that tests are; random, so that nothing depends on it. */
const BACK_OFF: Message = { base_interval: '0.001s', max_interval: '0.002s' };

function to(
  name: string,
  retry: Message | null,
  action: Message = {},
  rest: Message = {},
): Message {
  const policy = retry === null ? {} : { retry_policy: { retry_back_off: BACK_OFF, ...retry } };
  return {
    ...{ name, match: { path_separated_prefix: `/${name}` } },
    route: { cluster: 'main', ...policy, ...action },
    ...rest,
  };
}

const on = (retry_on: string, more: Message = {}): Message => ({ retry_on, ...more });

const ROUTES: readonly Message[] = [
  to('none', null),
  to('5xx', on('5xx')),
  to('three', on('5xx', { num_retries: 3 })),
  to('zero', on('5xx', { num_retries: 0 })),
  to('gateway', on('gateway-error')),
  to('reset', on('reset')),
  to('before', on('reset-before-request')),
  to('connect', on('connect-failure')),
  to('dead', on('connect-failure', { num_retries: 2 }), { cluster: 'dead' }),
  to('dead-before', on('reset-before-request', { num_retries: 2 }), { cluster: 'dead' }),
  to('conflict', on('retriable-4xx')),
  to('limited', on('envoy-ratelimited')),
  to('codes', on('retriable-status-codes', { retriable_status_codes: [418, 425] })),
  to(
    'headers',
    on('retriable-headers', {
      retriable_headers: [{ name: 'x-again', string_match: { exact: 'yes' } }],
    }),
  ),
  to(
    'status-header',
    on('retriable-headers', {
      retriable_headers: [{ name: ':status', string_match: { prefix: '42' } }],
    }),
  ),
  to(
    'some',
    on('5xx', { retriable_request_headers: [{ name: 'x-idempotent', present_match: true }] }),
  ),
  to('grpc', on('cancelled,unavailable')),
  to('words', on(' 5xx , nonsense,reset')),
  to('per-try', on('5xx', { per_try_timeout: '0.15s', num_retries: 1 })),
  to('per-try-only', { per_try_timeout: '0.15s' }),
  to('per-try-idle', on('5xx', { per_try_idle_timeout: '0.15s' })),
  to('timeout', on('5xx', { num_retries: 5 }), { timeout: '0.25s' }),
  to('waits', on('5xx', { retry_back_off: { base_interval: '60s' } }), { timeout: '0.2s' }),
  to('hedge', on('5xx', { per_try_timeout: '0.6s', num_retries: 2 }), {
    hedge_policy: { hedge_on_per_try_timeout: true },
  }),
  to('overflow', on('5xx', { num_retries: 2 }), { cluster: 'narrow' }),
  to('large', on('5xx'), {}, { request_body_buffer_limit: 2000000 }),
  to('large-once', on('5xx'), {}, { per_request_buffer_limit_bytes: 2000000 }),
  to('small', on('5xx'), {}, { request_body_buffer_limit: 10 }),
  to('small-once', on('5xx'), {}, { per_request_buffer_limit_bytes: 10 }),
  to('zero-limit', on('5xx'), {}, { request_body_buffer_limit: 0 }),
  to(
    'both-limits',
    on('5xx'),
    {},
    {
      per_request_buffer_limit_bytes: 10,
      request_body_buffer_limit: 2000000,
    },
  ),
  to(
    'rate-limited',
    on('5xx', {
      rate_limited_retry_back_off: {
        reset_headers: [{ name: 'x-later' }, { name: 'retry-after', format: 'SECONDS' }],
        max_interval: '1s',
      },
    }),
  ),
  to(
    'headed',
    on('5xx', { num_retries: 2 }),
    { timeout: '3s' },
    {
      request_headers_to_add: [{ header: { key: 'x-added', value: 'once' } }],
    },
  ),
];

const post = (path: string, body: string, play: string): Omit<PlayCase, 'title'> => ({
  ...{ method: 'POST', path, body, play },
});

const CASES: readonly PlayCase[] = [
  { title: 'no policy', path: '/none', play: '503;200' },
  { title: '5xx', path: '/5xx', play: '500;200' },
  { title: '5xx with content', ...post('/5xx', 'content', '503;200') },
  { title: '5xx is no 4xx', path: '/5xx', play: '404' },
  { title: '5xx and a reset', path: '/5xx', play: 'reset;200' },
  { title: 'limit', path: '/5xx', play: '500;503' },
  { title: 'limit and a reset', path: '/5xx', play: 'reset;reset' },
  { title: 'three', path: '/three', play: '500;501;reset;200' },
  { title: 'four are too many', path: '/three', play: '500;501;502;503' },
  { title: 'zero retries', path: '/zero', play: '500;200' },
  { title: 'gateway error', path: '/gateway', play: '502;200' },
  { title: 'gateway error is no 500', path: '/gateway', play: '500;200' },
  { title: 'reset', path: '/reset', play: 'reset;200' },
  { title: 'reset with content', ...post('/reset', 'content', 'reset;200') },
  { title: 'reset is no 503', path: '/reset', play: '503;200' },
  { title: 'reset in a response', path: '/reset', play: 'cut' },
  { title: 'reset before request', path: '/before', play: 'reset;200' },
  { title: 'connect failure is no reset', path: '/connect', play: 'reset;200' },
  { title: 'dead', path: '/dead' },
  { title: 'dead before request', path: '/dead-before' },
  { title: 'conflict', path: '/conflict', play: '409;200' },
  { title: 'conflict is no 404', path: '/conflict', play: '404;200' },
  { title: 'rate limited by Envoy', path: '/limited', play: '429 x-envoy-ratelimited=true;200' },
  {
    title: 'rate limited and no word of it',
    path: '/5xx',
    play: '503 x-envoy-ratelimited=true;200',
  },
  { title: 'a code', path: '/codes', play: '418;200' },
  { title: 'another code', path: '/codes', play: '419;200' },
  { title: 'too early', path: '/codes', play: '425;200' },
  { title: 'too early for early data', path: '/codes', fields: ['early-data: 1'], play: '425;200' },
  { title: 'a field', path: '/headers', play: '200 x-again=yes;200' },
  { title: 'another value', path: '/headers', play: '200 x-again=no;200' },
  { title: 'a status as a field', path: '/status-header', play: '429;200' },
  { title: 'requests of some kind', path: '/some', fields: ['x-idempotent: 1'], play: '500;200' },
  { title: 'requests of another kind', path: '/some', play: '500;200' },
  { title: 'gRPC', path: '/grpc', play: '200 grpc-status=14;200 grpc-status=0' },
  { title: 'gRPC otherwise', path: '/grpc', play: '200 grpc-status=13;200' },
  { title: 'words', path: '/words', play: 'reset;200' },
  { title: 'by the client', path: '/none', fields: ['x-envoy-retry-on: 5xx'], play: '500;200' },
  {
    ...{ title: 'by the client, often', path: '/none', play: '500;501;502;200' },
    fields: ['x-envoy-retry-on: 5xx,reset', 'x-envoy-max-retries: 3'],
  },
  {
    ...{ title: 'client and policy', path: '/gateway', play: '409;502;200' },
    fields: ['x-envoy-retry-on: retriable-4xx', 'x-envoy-max-retries: 2'],
  },
  {
    ...{ title: 'codes of the client', path: '/codes', play: '420;421;200' },
    fields: ['x-envoy-retriable-status-codes: 420, 421', 'x-envoy-max-retries: 2'],
  },
  {
    ...{ title: 'fields of the client', path: '/headers', play: '200 x-other=1;200' },
    fields: ['x-envoy-retriable-header-names: X-Other,x-more'],
  },
  {
    ...{ title: 'gRPC of the client', path: '/none', play: '200 grpc-status=8;200' },
    fields: ['x-envoy-retry-grpc-on: resource-exhausted'],
  },
  { title: 'per try', path: '/per-try', play: 'hang;200' },
  { title: 'per try, twice', path: '/per-try', play: 'hang;hang' },
  { title: 'per try without retries', path: '/per-try-only', play: 'hang' },
  { title: 'per try idle', path: '/per-try-idle', play: 'hang;200' },
  { title: 'per try idle, twice', path: '/per-try-idle', play: 'hang;hang' },
  {
    ...{ title: 'per try of the client', path: '/5xx', play: 'hang;200' },
    fields: ['x-envoy-upstream-rq-per-try-timeout-ms: 100'],
  },
  { title: 'the route’s timeout', path: '/timeout', play: '500;hang' },
  { title: 'the route’s timeout in the back-off', path: '/waits', play: '500' },
  {
    ...{ title: 'the client’s timeout', path: '/none', play: 'hang' },
    fields: ['x-envoy-upstream-rq-timeout-ms: 100'],
  },
  {
    ...{ title: 'another answer to it', path: '/none', play: 'hang' },
    fields: [
      'connection: close',
      'x-envoy-upstream-rq-timeout-ms: 100',
      'x-envoy-upstream-rq-timeout-alt-response: 1',
    ],
  },
  { title: 'hedged', path: '/hedge', play: 'hang;200' },
  { title: 'hedged, the first wins', path: '/hedge', play: 'late 900;hang' },
  { title: 'hedged, a bad answer', path: '/hedge', play: 'late 1500;500;200' },
  {
    ...{ title: 'hedged by the client', path: '/per-try', play: 'hang;200' },
    fields: ['x-envoy-hedge-on-per-try-timeout: true'],
  },
  { title: 'no breaker for retries', path: '/overflow', play: '503;200' },
  { title: 'with fields', path: '/headed', host: 'counted.test', play: '503;503;200' },
  { title: 'with fields, in vain', path: '/headed', host: 'counted.test', play: '503;503;503' },
  { title: 'a policy of the virtual host', path: '/plain', host: 'counted.test', play: '503;200' },
  { title: 'counted resets', path: '/headed', host: 'counted.test', play: 'reset;reset;reset' },
  { title: 'too far off', path: '/rate-limited', play: '503 retry-after=100;200' },
  { title: 'no time', path: '/rate-limited', play: '503 retry-after=soon;200' },
  { title: 'rate limited', path: '/rate-limited', play: '503 retry-after=0 x-later=1;200' },
  { title: 'much content', ...post('/large', 'x'.repeat(1_500_000), '503;200') },
  { title: 'much content, older', ...post('/large-once', 'x'.repeat(1_500_000), '503;200') },
  { title: 'much content, both', ...post('/both-limits', 'x'.repeat(1_500_000), '503;200') },
  { title: 'a small limit', ...post('/small', 'x'.repeat(100), '503;200') },
  { title: 'a small limit, older', ...post('/small-once', 'x'.repeat(100), '503;200') },
  { title: 'a limit of nothing', ...post('/zero-limit', 'x'.repeat(100), '503;200') },
  { title: 'too much content', ...post('/5xx', 'x'.repeat(1_500_000), '503;200') },
];

const CLUSTERS = ['main', 'narrow'] as const;

const CONFIG: PlayConfig = {
  upstreams: CLUSTERS,
  listeners: (places) => {
    const counted = {
      include_request_attempt_count: true,
      include_attempt_count_in_response: true,
      include_is_timeout_retry_header: true,
      virtual_clusters: [
        { name: 'get', headers: [{ name: ':method', string_match: { exact: 'GET' } }] },
      ],
      retry_policy: { retry_on: '5xx', retry_back_off: BACK_OFF },
    };
    const hosts = [
      virtualHost(['*'], ROUTES),
      {
        ...virtualHost(['counted.test'], [...ROUTES, to('plain', null)], counted),
        name: 'counted',
      },
    ];
    const manager = {
      access_log: [playLog(places, LOG)],
      internal_address_config: {
        cidr_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }],
      },
      use_remote_address: true,
    };
    return [httpListener('main', { virtual_hosts: hosts }, { manager })];
  },
  clusters: ({ ports }) => [
    staticCluster('main', ports['main'] ?? 0),
    {
      ...staticCluster('narrow', ports['narrow'] ?? 0),
      circuit_breakers: { thresholds: [{ max_retries: 0 }] },
    },
    staticCluster('dead', 1),
  ],
};

const STATS =
  /^(?:cluster\.(?:main|narrow|dead)\.(?:upstream_rq_(?:\d|completed|total|retry|timeout|per_try)|retry|internal\.)|vhost\.|http\.main\.(?:rq_|downstream_rq_(?:\d|total|completed)))/;

t.test('retries and timeouts are as Envoy’s', { skip: withoutEnvoy }, async (t) => {
  await withPlayedTwins(CONFIG, async (ours, envoy) => {
    const [found, wanted] = await Promise.all([ours.run(CASES), envoy.run(CASES)]);
    for (const [index, { title }] of CASES.entries()) t.same(found[index], wanted[index], title);
    t.same(await ours.stats(STATS), await envoy.stats(STATS), 'statistics');
  });
});
