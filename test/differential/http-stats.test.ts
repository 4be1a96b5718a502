// Statistics of listeners, connection managers and clusters: the names of an idle proxy, and what
// has changed after each kind of exchange.
import t from 'tap';
import type { Json, TwinConfig } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type TwinCase, withTwins } from '../support/with-twins.ts';
import { compareStats, missingNames } from './compare-stats.ts';

const HOST = 'Host: a.test\r\n';
const LAST = `${HOST}Connection: close\r\n`;
const OK = 'HTTP/1.1 200 OK\r\n';

function get(title: string, more: Partial<TwinCase> = {}): TwinCase {
  return { title, send: `GET / HTTP/1.1\r\n${LAST}\r\n`, ...more };
}

function at(title: string, path: string, lines = ''): TwinCase {
  return get(title, { send: `GET ${path} HTTP/1.1\r\n${LAST}${lines}\r\n` });
}

function answered(
  title: string,
  text: string,
  end: 'nothing' | 'fin' | 'reset' = 'nothing',
): TwinCase {
  return get(title, { answer: { text, end } });
}

const SLASH = `GET /a%2fb HTTP/1.1\r\n${LAST}\r\n`;
const UNDERSCORE = `GET / HTTP/1.1\r\n${LAST}a_b: 1\r\n\r\n`;

/** Each is run alone between two looks at the statistics. */
const EXCHANGES: readonly TwinCase[] = [
  get('one request'),
  get('two requests on a connection', {
    send: `GET / HTTP/1.1\r\n${HOST}\r\nGET / HTTP/1.1\r\n${LAST}\r\n`,
    responses: 2,
  }),
  at('a connection for the pool', '/pooled'),
  at('a pooled connection', '/pooled'),
  at('a malformed request', '/', 'x y: 1\r\n'),
  at('a head that is too large', '/', `x: ${'a'.repeat(62_000)}\r\n`),
  at('a head with too many fields', '/', 'x: a\r\n'.repeat(120)),
  get('HTTP/1.0', { send: `GET / HTTP/1.0\r\n${HOST}\r\n` }),
  get('no Host', { send: 'GET / HTTP/1.1\r\n\r\n' }),
  at('no route', '/', ''),
  at('a direct response', '/direct'),
  at('a redirect', '/redirect'),
  at('no cluster', '/gone'),
  at('a refused connection', '/refused'),
  at('a refused connection of gRPC', '/refused', 'Content-Type: application/grpc\r\n'),
  at('a fragment', '/a#b'),
  at('an upgrade', '/', 'Connection: upgrade\r\nUpgrade: x\r\n'),
  get('CONNECT', { send: 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', methods: ['CONNECT'] }),
  get('an absolute target', {
    listener: 'relative',
    send: `GET http://b/x HTTP/1.1\r\n${LAST}\r\n`,
  }),
  get('a rejected slash', { listener: 'slashReject', send: SLASH }),
  get('a redirected slash', { listener: 'slashRedirect', send: SLASH }),
  get('a rejected underscore', { listener: 'underscoreReject', send: UNDERSCORE }),
  get('a dropped underscore', { listener: 'underscoreDrop', send: UNDERSCORE }),
  get('as many requests as a connection may have', {
    listener: 'two',
    send: `GET /direct HTTP/1.1\r\n${HOST}\r\n`.repeat(2),
    responses: 2,
  }),
  get('expect', {
    send: `POST / HTTP/1.1\r\n${LAST}Content-Length: 3\r\nExpect: 100-continue\r\n\r\nhel`,
    methods: ['POST'],
  }),
  at('a timeout', '/slow'),
  answered('status 500', 'HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n'),
  answered('status 304', 'HTTP/1.1 304 X\r\n\r\n'),
  answered('status 999', 'HTTP/1.1 999 X\r\ncontent-length: 0\r\n\r\n'),
  answered('100 first', `HTTP/1.1 100 C\r\n\r\n${OK}content-length: 0\r\n\r\n`),
  answered('a cut answer', `${OK}content-length: 9\r\n\r\nhel`, 'fin'),
  answered('a reset answer', `${OK}content-length: 9\r\n\r\nhel`, 'reset'),
  answered('no answer', '', 'fin'),
  answered('no answer but a reset', '', 'reset'),
  answered('rubbish', 'xx\r\n\r\n'),
  answered('surplus', `${OK}content-length: 2\r\n\r\nokmore`),
  answered('connection: close', `${OK}connection: close\r\ncontent-length: 2\r\n\r\nok`),
  answered('an answer until the end', `${OK}\r\nok`, 'fin'),
  get('a client that leaves', {
    send: `POST / HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\nhel`,
    methods: ['POST'],
    halfClose: 'asked',
    answer: { text: '' },
  }),
  get('an early answer', {
    send: `POST / HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\nhel`,
    methods: ['POST'],
    answer: { text: `${OK}content-length: 2\r\n\r\nok`, at: 'head' },
  }),
  get('an early direct response', {
    send: `POST /direct HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\nhel`,
    methods: ['POST'],
  }),
];

const http1 = (options: Json): Json => ({ http_protocol_options: options });
const common = (options: Json): Json => ({ common_http_protocol_options: options });

const CONFIG: TwinConfig = {
  log: null,
  validate: false,
  bootstrap: { stats_flush_interval: '0.05s' },
  clusters: { pooled: {} },
  moreClusters: [
    {
      name: 'refused',
      type: 'STATIC',
      load_assignment: {
        cluster_name: 'refused',
        endpoints: [
          {
            lb_endpoints: [
              {
                endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: 1 } } },
              },
            ],
          },
        ],
      },
    },
  ],
  listeners: {
    main: {
      // The digits of a time are octets too.
      router: { suppress_envoy_headers: true },
      routes: [
        { match: { path: '/redirect' }, redirect: { host_redirect: 'b.test' } },
        { match: { path: '/gone' }, route: { cluster: 'gone' } },
        { match: { path: '/refused' }, route: { cluster: 'refused' } },
        { match: { path: '/pooled' }, route: { cluster: 'pooled' } },
        { match: { path: '/slow' }, route: { cluster: 'main', timeout: '0.05s' } },
      ],
    },
    relative: { hcm: http1({ allow_absolute_url: false }) },
    slashReject: { hcm: { path_with_escaped_slashes_action: 'REJECT_REQUEST' } },
    slashRedirect: { hcm: { path_with_escaped_slashes_action: 'UNESCAPE_AND_REDIRECT' } },
    underscoreReject: { hcm: common({ headers_with_underscores_action: 'REJECT_REQUEST' }) },
    underscoreDrop: {
      router: { suppress_envoy_headers: true },
      hcm: common({ headers_with_underscores_action: 'DROP_HEADER' }),
    },
    two: { hcm: common({ max_requests_per_connection: 2 }) },
  },
};

t.test('counts what Envoy counts', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, async ({ ours, envoy }) => {
    t.same(await missingNames({ ours, envoy }), [], 'every name of an idle Envoy is there');
    await compareStats(t, { ours, envoy }, EXCHANGES);
  });
});
