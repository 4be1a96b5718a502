// The same configuration and the same requests: `/stats` of both must list the same names, and
// counters and gauges must say the same.
import t from 'tap';
import { eventually } from '../support/eventually.ts';
import type { Json, TwinConfig } from '../support/twin-bootstrap.ts';
import type { WireAnswer } from '../support/wire-upstream.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { runOnBoth, type Twin, type TwinCase, withTwins } from '../support/with-twins.ts';

const TYPES = ['Counters', 'Gauges', 'Histograms', 'TextReadouts'];

/** Names that only Envoy has: of its own resolver, threads and inner clients, and of its admin listener. */
const ONLY_ENVOY = [
  /^Counters envoy\.overload_actions\./,
  /^\w+ (http|listener)\.admin\./,
  // Clusters that share a name ask for it once.
  /^\w+ dns\.cares\./,
  /^\w+ http\.async-client\./,
  /^\w+ thread_local_cluster_manager\./,
  /^Histograms listener\..*\.connections_accepted_per_socket_event$/,
  /^Histograms overload\.refresh_interval_delay$/,
];

/** Names that only we have, of what Envoy does not do. */
const ONLY_OURS = [
  'Counters filesystem.write_dropped',
  'Counters server.config_reload_rejected',
  'Counters server.config_reload_success',
  'Counters server.resources_taken_back',
  'Counters server.worker_deaths',
  // Envoy runs with --disable-hot-restart here.
  'Gauges server.hot_restart_generation',
];

/** Names whose values may differ, and why. */
const OWN_VALUES = [
  // What a process is made of.
  /server\.(memory_\w+|stats_recent_lookups|version|uptime)$/,
  // When log files are written.
  / filesystem\./,
  // Envoy loads a configuration twice.
  / runtime\.(load_success|override_dir_not_exists)$/,
  // Envoy waits for the client to close, we close our half at once.
  /downstream_cx_delayed_close_timeout$/,
  // A client that got the port of another one connects anew.
  /downstream_cx_(total|http1_total|destroy|destroy_remote)$/,
  // Field lines have other lengths when numbers in them have: dates, times, ports.
  /cx_[rt]x_bytes_total$/,
  // Envoy keeps read octets in a buffer.
  /rx_bytes_buffered$/,
];

const STRICT_DNS: Json = cluster('strict', 'STRICT_DNS', ['localhost', 1]);

const CONFIG: TwinConfig = {
  listeners: {
    main: {
      routes: [
        { match: { prefix: '/slow' }, route: { cluster: 'main', timeout: '0.1s' } },
        { match: { prefix: '/void' }, route: { cluster: 'void' } },
        { match: { prefix: '/dead' }, route: { cluster: 'dead' } },
        { match: { prefix: '/by-field' }, route: { cluster_header: 'x-cluster' } },
        { match: { prefix: '/go' }, redirect: { host_redirect: 'h.test' } },
        { match: { prefix: '/kept' }, route: { cluster: 'kept' } },
      ],
    },
    edge: { hcm: { use_remote_address: true, normalize_path: true } },
    underscores: {
      hcm: { common_http_protocol_options: { headers_with_underscores_action: 'DROP_HEADER' } },
    },
    strict: {
      hcm: { common_http_protocol_options: { headers_with_underscores_action: 'REJECT_REQUEST' } },
    },
  },
  clusters: { kept: {} },
  moreClusters: [
    { name: 'void', type: 'STATIC', load_assignment: { cluster_name: 'void' } },
    { ...cluster('dead', 'STATIC', ['127.0.0.1', 1]), alt_stat_name: 'dead:alt' },
    STRICT_DNS,
    cluster('logical', 'LOGICAL_DNS', ['localhost', 1]),
  ],
  // The end of the log says that everything is counted.
  log: {
    log_format: {
      text_format_source: { inline_string: '%REQ(:PATH)% %DOWNSTREAM_REMOTE_ADDRESS%\n' },
    },
  },
};

function cluster(
  name: string,
  type: string,
  [address, port_value]: readonly [string, number],
): Json {
  const endpoint = { address: { socket_address: { address, port_value } } };
  const endpoints = [{ lb_endpoints: [{ endpoint }] }];
  // Each lookup counts: there is one, however long the test takes.
  const dns_refresh_rate = '600s';
  return { name, type, dns_refresh_rate, load_assignment: { cluster_name: name, endpoints } };
}

const answer = (status: string, fields = ''): { answer: WireAnswer } => ({
  answer: { text: `HTTP/1.1 ${status}\r\n${fields}content-length: 2\r\n\r\nok` },
});

const get = (target: string, rest: Partial<TwinCase> = {}, fields = ''): TwinCase => ({
  title: target,
  send: `GET ${target} HTTP/1.1\r\nhost: h.test\r\n${fields}\r\n`,
  ...rest,
});

const post = (fields: string, body: string, rest: Partial<TwinCase> = {}): TwinCase => ({
  title: fields,
  send: `POST /post HTTP/1.1\r\nhost: h.test\r\n${fields}\r\n\r\n${body}`,
  ...rest,
});

const CASES: readonly TwinCase[] = [
  get('/ok'),
  get('/missing', answer('404 Not Found')),
  get('/failing', answer('500 Internal Server Error')),
  get('/canary', answer('200 OK', 'x-envoy-upstream-canary: true\r\n')),
  get('/slow', { answer: { text: '' } }),
  get('/void'),
  get('/dead'),
  get('/by-field', {}, 'x-cluster: none\r\n'),
  get('/go'),
  get('/direct'),
  get('/kept/1'),
  get('/kept/2'),
  get('/cut', { answer: { text: 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok', end: 'reset' } }),
  get('/nonsense', { answer: { text: 'nonsense\r\n\r\n' } }),
  post('content-length: 3', 'abc'),
  post('transfer-encoding: chunked', '3\r\nabc\r\n0\r\n\r\n'),
  { title: 'no host', send: 'GET / HTTP/1.1\r\n\r\n' },
  { title: 'no HTTP', send: 'rubbish\r\n\r\n' },
  get('/upgrade', {}, 'connection: upgrade\r\nupgrade: websocket\r\n'),
  {
    title: 'expectation',
    send: [
      'POST /post HTTP/1.1\r\nhost: h.test\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n',
      'abc',
    ],
  },
  get('/large', {}, `x-large: ${'x'.repeat(70_000)}\r\n`),
  get('/outside', { listener: 'edge' }, 'x-forwarded-for: 1.2.3.4\r\n'),
  get('/inside', { listener: 'edge' }),
  get('/a/%00', { listener: 'edge' }),
  get('/a', { listener: 'underscores' }, 'x_a: 1\r\nx_b: 1\r\n'),
  get('/a', { listener: 'strict' }, 'x_a: 1\r\n'),
];

/** Values by type and name; `listener.<address>` by the listener's name. */
async function statsOf(twin: Twin): Promise<ReadonlyMap<string, string>> {
  const stats = new Map<string, string>();
  for (const type of TYPES) {
    const text = await (await fetch(`${twin.admin}/stats?type=${type}`)).text();
    for (const line of twin.mask(text).split('\n')) {
      const [name, value] = line.split(': ', 2);
      if (name !== undefined && value !== undefined) stats.set(`${type} ${name}`, value);
    }
  }
  return stats;
}

/** Every name on its own line, with the value where both must have the same. */
function comparable(stats: ReadonlyMap<string, string>): readonly string[] {
  return [...stats]
    .filter(([name]) => !ONLY_OURS.includes(name) && !ONLY_ENVOY.some((only) => only.test(name)))
    .map(([name, value]) => {
      const isOwn = name.startsWith('Histograms') || OWN_VALUES.some((own) => own.test(name));
      return isOwn ? name : `${name}: ${value}`;
    })
    .sort();
}

t.test('lists the same statistics with the same values', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, async (twins) => {
    const { ours, envoy } = twins;
    const compare = async (when: string) => {
      const wanted = async () => comparable(await statsOf(envoy));
      const isSame = async () => comparable(await statsOf(ours)).join() === (await wanted()).join();
      // A connection's end is counted when both sides have seen it.
      await eventually(isSame, 2_000).catch(() => t.comment(`different ${when}`));
      t.same(comparable(await statsOf(ours)), await wanted(), when);
    };
    await compare('before the first request');
    await runOnBoth(twins, CASES);
    await compare('afterwards');
    const own = await statsOf(ours);
    for (const name of ONLY_OURS) t.ok(own.has(name), name);
  });
});
