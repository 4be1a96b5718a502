// envoy.filters.http.fault: what is injected, when, and what clients, logs and statistics see of it.
import http from 'node:http';
import t from 'tap';
import { type Json, type TwinConfig, type TwinListener, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type Twin, type TwinCase, withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';

const NAME = 'my.fault';
const ALL: Json = { numerator: 100 };
const fault = (config: Json): Json => typed('extensions.filters.http.fault.v3.HTTPFault', config);
const CHAIN: Json = { name: NAME, typed_config: fault({}) };

const abort = (http_status: number, percentage: Json = ALL): Json => ({
  abort: { http_status, percentage },
});
const delay = (fixed_delay: string): Json => ({ delay: { fixed_delay, percentage: ALL } });
const BY_FIELDS: Json = {
  abort: { header_abort: {}, percentage: ALL },
  delay: { header_delay: {}, percentage: ALL },
};

const FAULTS: Readonly<Record<string, Json>> = {
  abort: { ...abort(503), filter_metadata: { a: 'b', n: 1, nested: { c: [true, 'd'] } } },
  none: {},
  grpc: { abort: { grpc_status: 5, percentage: ALL } },
  never: { abort: { http_status: 500 }, delay: { fixed_delay: '9s' } },
  ppm: abort(500, { numerator: 999_999_999, denominator: 'MILLION' }),
  delay: { ...delay('0.03s'), filter_metadata: { waited: 'yes' } },
  patient: { ...delay('9s'), ...abort(500) },
  both: { ...delay('0.03s'), abort: { grpc_status: 14, percentage: ALL } },
  fields: BY_FIELDS,
  half: { abort: { header_abort: {}, percentage: { numerator: 0 } } },
  cluster: { ...abort(500), upstream_cluster: 'main' },
  other: { ...abort(500), upstream_cluster: 'other' },
  nodes: { ...abort(500), downstream_nodes: ['n1', 'n2'] },
  headers: {
    ...abort(500),
    headers: [
      { name: 'x-a', string_match: { exact: 'yes' } },
      { name: 'x-b', present_match: true },
    ],
  },
  max: { ...abort(500), max_active_faults: 0 },
  quiet: { ...abort(500), disable_downstream_cluster_stats: true },
  runtime: { ...abort(500), ...delay('0.02s'), abort_percent_runtime: 'mine.abort' },
  code: { ...abort(500), abort_http_status_runtime: 'mine.code' },
  instant: { ...delay('5s'), delay_duration_runtime: 'mine.none' },
  limit: { ...abort(500), max_active_faults_runtime: 'mine.none' },
  slow: { response_rate_limit: { fixed_limit: { limit_kbps: 1000 }, percentage: ALL } },
  throttle: { response_rate_limit: { header_limit: {}, percentage: ALL } },
};

const configured = (name: string): Json => ({
  typed_per_filter_config: { [NAME]: fault(FAULTS[name] as Json) },
});

const ROUTES: readonly Json[] = [
  {
    match: { prefix: '/timed' },
    route: { cluster: 'main', timeout: '0.2s' },
    typed_per_filter_config: { [NAME]: fault(delay('0.4s')) },
  },
  {
    match: { prefix: '/direct' },
    direct_response: { status: 200, body: { inline_string: 'own' } },
    ...configured('abort'),
  },
  {
    match: { prefix: '/direct-cluster' },
    direct_response: { status: 200 },
    ...configured('cluster'),
  },
  ...Object.keys(FAULTS).map((name) => ({
    match: { prefix: `/${name}` },
    route: { cluster: 'main' },
    ...configured(name),
  })),
];

const listener = (more: TwinListener = {}): TwinListener => ({
  filters: [CHAIN],
  routes: ROUTES,
  ...more,
});

const CONFIG: TwinConfig = {
  listeners: {
    main: listener(),
    // What the chain says counts where no route says anything.
    own: listener({
      filters: [
        { name: NAME, typed_config: fault({ ...abort(418), filter_metadata: { own: 1 } }) },
      ],
    }),
    tight: listener({ listener: { per_connection_buffer_limit_bytes: 16_384 } }),
    mapped: listener({
      hcm: {
        local_reply_config: {
          mappers: [
            {
              filter: { response_flag_filter: { flags: ['FI'] } },
              body: { inline_string: 'mapped' },
              headers_to_add: [{ header: { key: 'x-mapped', value: '%RESPONSE_FLAGS%' } }],
            },
          ],
        },
      },
    }),
  },
  bootstrap: {
    layered_runtime: {
      layers: [
        {
          name: 'static',
          static_layer: {
            'mine.abort': 0,
            'mine.code': 429,
            'mine.none': 0,
            'fault.http.c1.abort.http_status': 418,
            'fault.http.c2.abort.abort_percent': 0,
            'fault.http.c2.delay.fixed_duration_ms': 0,
            'fault.http.c3.delay.fixed_delay_percent': 0,
          },
        },
      ],
    },
  },
  log: {
    log_format: {
      text_format_source: {
        inline_string: `%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %DYNAMIC_METADATA(${NAME})% %BYTES_SENT% %UPSTREAM_HOST% %DOWNSTREAM_REMOTE_ADDRESS%\n`,
      },
    },
  },
};

const get = (path: string, lines = '', name = 'main'): TwinCase => ({
  title: `${name}: ${path} ${lines.trim().replaceAll('\r\n', ' ')}`.trimEnd(),
  listener: name,
  send: `GET ${path} HTTP/1.1\r\nhost: h.test\r\n${lines}\r\n`,
});

const GRPC = 'content-type: application/grpc\r\n';
const FROM = 'x-envoy-downstream-service-cluster';
const NODE = 'x-envoy-downstream-service-node';
const ABORT = 'x-envoy-fault-abort-request';
const DELAY = 'x-envoy-fault-delay-request';
const RATE = 'x-envoy-fault-throughput-response';

const FIELDS: readonly string[] = [
  '',
  ...['429', '200', '599', '199', '600', 'abc', '+429', '-1', ' 430 ', '4x', '', '0'].map(
    (value) => `${ABORT}: ${value}\r\n`,
  ),
  `${ABORT}: 429\r\n${ABORT}: 430\r\n`,
  `${ABORT}: 429\r\n${ABORT}-percentage: 0\r\n`,
  `${ABORT}: 429\r\n${ABORT}-percentage: 1000\r\n`,
  `${ABORT}: 429\r\n${ABORT}-percentage: many\r\n`,
  `${ABORT}: 429\r\nx-envoy-fault-abort-grpc-request: 3\r\n`,
  'x-envoy-fault-abort-grpc-request: 3\r\n',
  `x-envoy-fault-abort-grpc-request: 3\r\n${GRPC}`,
  `x-envoy-fault-abort-grpc-request: 99\r\n${GRPC}`,
  `${ABORT}: 429\r\n${GRPC}`,
  `${ABORT}: 504\r\n${GRPC}`,
  ...['20', '0', '20ms', '-20', ''].map((value) => `${DELAY}: ${value}\r\n`),
  `${DELAY}: 20\r\n${DELAY}-percentage: 0\r\n`,
  `${DELAY}: 20\r\n${ABORT}: 503\r\n`,
];

const CASES: readonly TwinCase[] = [
  ...['abort', 'none', 'grpc', 'never', 'ppm', 'delay', 'both', 'cluster', 'other', 'max'].flatMap(
    (name) => [get(`/${name}`), get(`/${name}`, GRPC)],
  ),
  ...['/direct', '/direct-cluster', '/runtime', '/code', '/instant', '/limit', '/'].map((path) =>
    get(path),
  ),
  ...FIELDS.map((lines) => get('/fields', lines)),
  get('/half', `${ABORT}: 429\r\n${ABORT}-percentage: 100\r\n`),
  ...['', `${NODE}: n2\r\n`, `${NODE}: n3\r\n`, `${NODE}: n3\r\n${NODE}: n1\r\n`].map((lines) =>
    get('/nodes', lines),
  ),
  ...['', 'x-a: yes\r\n', 'x-a: yes\r\nx-b: 1\r\n', 'x-a: no\r\nx-b: 1\r\n'].map((lines) =>
    get('/headers', lines),
  ),
  ...['c0', 'c1', 'c2', 'c3', 'a.b:c', ''].flatMap((name) => [
    get('/runtime', `${FROM}: ${name}\r\n`),
    get('/abort', `${FROM}: ${name}\r\n`),
    get('/delay', `${FROM}: ${name}\r\n`),
  ]),
  get('/quiet', `${FROM}: hidden\r\n`),
  get('/quiet', `${FROM}: c1\r\n`),
  ...['/slow', '/throttle'].map((path) => get(path)),
  ...['1', '1000', '0', 'fast'].map((value) => get('/throttle', `${RATE}: ${value}\r\n`)),
  get('/throttle', `${RATE}: 1000\r\n${RATE}-percentage: 0\r\n`),
  { ...get('/patient'), title: 'a client that leaves while it waits', halfClose: true },
  { ...get('/timed'), title: 'the route’s timeout begins behind the delay' },
  {
    ...get('/abort'),
    title: 'HEAD',
    send: 'HEAD /abort HTTP/1.1\r\nhost: h\r\n\r\n',
    methods: ['HEAD'],
  },
  ...['/other', '/none', '/abort', '/'].map((path) => get(path, '', 'own')),
  ...['/abort', '/both', '/grpc'].flatMap((path) => [
    get(path, '', 'mapped'),
    get(path, GRPC, 'mapped'),
  ]),
  {
    ...get('/delay', '', 'tight'),
    title: 'content beyond the limit waits with its request',
    send: `POST /delay HTTP/1.1\r\nhost: h.test\r\ncontent-length: 300000\r\n\r\n${'x'.repeat(300_000)}`,
    methods: ['POST'],
  },
  {
    ...get('/delay', '', 'tight'),
    title: 'trailers wait, too',
    send: `POST /delay HTTP/1.1\r\nhost: h.test\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-t: 1\r\n\r\n`,
    methods: ['POST'],
  },
];

/** The statuses of requests to a path, on a few connections. */
async function statuses(twin: Twin, path: string, count: number): Promise<Map<number, number>> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  const seen = new Map<number, number>();
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const options = { port: twin.ports['shares'] ?? 0, host: '127.0.0.1', agent, path };
      const request = http.get(options, (response) => {
        const status = response.statusCode ?? 0;
        seen.set(status, (seen.get(status) ?? 0) + 1);
        response.resume().on('end', resolve);
      });
      request.on('error', reject);
    });
  await Promise.all(Array.from({ length: count }, one));
  agent.destroy();
  return seen;
}

async function faultStats(twin: Twin): Promise<readonly string[]> {
  const response = await fetch(`${twin.admin}/stats?filter=\\.fault\\.`);
  return (await response.text()).split('\n').filter((line) => line.startsWith('http.'));
}

t.test('injects what Envoy injects', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, async (twins) => {
    await compareCases(t, twins, CASES);
    t.same(await faultStats(twins.ours), await faultStats(twins.envoy), 'statistics');
  });
});

/** Of a share of one half. */
const DRAWS = 800;
/** Chance alone is off by so much in one run of 10^10. */
const TOLERANCE = 98;
const DELAY_MS = 150;
/** Envoy's loop takes the time it began with for now. */
const GRAIN_MS = 10;

t.test('shares and delays are what is asked for', { skip: withoutEnvoy }, async (t) => {
  const share = (name: string, percentage: Json): Json => ({
    match: { prefix: `/${name}` },
    direct_response: { status: 200 },
    typed_per_filter_config: { [NAME]: fault(abort(500, percentage)) },
  });
  const late: Json = {
    match: { prefix: '/late' },
    direct_response: { status: 200 },
    typed_per_filter_config: { [NAME]: fault(delay(`${DELAY_MS / 1000}s`)) },
  };
  const routes = [
    share('percent', { numerator: 50 }),
    share('ten-thousand', { numerator: 5000, denominator: 'TEN_THOUSAND' }),
    share('million', { numerator: 500_000, denominator: 'MILLION' }),
    late,
  ];
  const config: TwinConfig = {
    listeners: { shares: { filters: [CHAIN], routes, logs: [] } },
    log: null,
  };
  await withTwins(config, async ({ ours, envoy }) => {
    for (const path of ['/percent', '/ten-thousand', '/million']) {
      for (const twin of [ours, envoy]) {
        const aborted = (await statuses(twin, path, DRAWS)).get(500) ?? 0;
        t.ok(Math.abs(aborted - DRAWS / 2) <= TOLERANCE, `${path}: ${aborted} of ${DRAWS}`);
      }
    }
    for (const twin of [ours, envoy]) {
      const startMs = performance.now();
      t.same([...(await statuses(twin, '/late', 1))], [[200, 1]]);
      t.ok(performance.now() - startMs >= DELAY_MS - GRAIN_MS, 'not before its time');
    }
  });
});
