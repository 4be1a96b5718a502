// Upgrades and CONNECT: what is let through, what becomes of it on the way, what is refused and how.
import t from 'tap';
import { closedPort } from '../support/dead-ports.ts';
import { dataFrame, FLAG, headersFrame, splitHeaders } from '../support/h2-frames.ts';
import type { Field } from '../support/h2-hpack.ts';
import { overHttp2 } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import {
  type AnyTwinCase,
  type H2TwinCase,
  type TwinCase,
  withTwins,
} from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';
import { COMPARED_LOG } from './http-log-format.ts';

const HELLO = 'hello from there';
const AGREES = `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n${HELLO}`;
const CONNECTED = `HTTP/1.1 200 OK\r\n\r\n${HELLO}`;
const EMPTY = 'content-length: 0\r\n\r\n';

interface More extends Partial<TwinCase> {
  readonly path?: string;
  readonly version?: string;
}

function upgrade(title: string, fields = '', more: More = {}): TwinCase {
  const { path = '/', version = '1.1', ...rest } = more;
  const asked = fields.includes('pgrade')
    ? fields
    : `Connection: Upgrade\r\nUpgrade: websocket\r\n${fields}`;
  return { title, send: `GET ${path} HTTP/${version}\r\nHost: a.test\r\n${asked}\r\n`, ...rest };
}

/** The upstream agrees and says something; the client has seen enough then. */
function agreed(title: string, fields = '', more: More = {}): TwinCase {
  return upgrade(title, fields, { answer: { text: AGREES }, leaveAfter: HELLO, ...more });
}

function answered(title: string, text: string, more: Partial<TwinCase> = {}): TwinCase {
  return upgrade(`WebSocket answered ${title}`, '', {
    answer: { text: `HTTP/1.1 ${text}` },
    ...more,
  });
}

const WEBSOCKET: readonly TwinCase[] = [
  agreed('a WebSocket'),
  agreed('its fields', 'Sec-WebSocket-Key: abc\r\nSec-WebSocket-Version: 13\r\n'),
  agreed('lower case', 'connection: upgrade\r\nupgrade: websocket\r\n'),
  agreed('upper case', 'CONNECTION: UPGRADE\r\nUPGRADE: WEBSOCKET\r\n'),
  agreed(
    'an upgrade among other options',
    'Connection: keep-alive, Upgrade, x\r\nx: 1\r\nUpgrade: websocket\r\n',
  ),
  agreed('an upgrade with content-length 0', 'Content-Length: 0\r\n'),
  agreed('an upgrade with te', 'TE: trailers\r\n'),
  agreed('100 and then 101', '', { answer: { text: `HTTP/1.1 100 Continue\r\n\r\n${AGREES}` } }),
  agreed('a type that the route allows', 'Connection: upgrade\r\nUpgrade: OTHER\r\n', {
    path: '/other',
  }),
  upgrade('a type that the route forbids', '', { path: '/forbidden' }),
  upgrade('a type that nobody allows', 'Connection: upgrade\r\nUpgrade: other\r\n'),
  upgrade('two types', 'Connection: upgrade\r\nUpgrade: websocket, other\r\n'),
  upgrade('two Upgrade lines', 'Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: other\r\n'),
  upgrade('h2c', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\n'),
  upgrade('Upgrade without the option', 'Upgrade: websocket\r\n'),
  upgrade('the option without Upgrade', 'Connection: upgrade\r\n'),
  upgrade('an upgrade to a direct response', '', { path: '/direct' }),
  upgrade('an upgrade to an unknown cluster', '', { path: '/nowhere' }),
  upgrade('an upgrade where no host answers', '', { path: '/dead' }),
  upgrade('an upgrade of content', 'Content-Length: 3\r\n', { path: '/forbidden' }),
  {
    ...upgrade('an allowed upgrade with content'),
    send: `${upgrade('', 'Content-Length: 3\r\n').send}abc`,
  },
  upgrade('an upgrade in HTTP/1.0', '', { version: '1.0' }),
];

const ANSWERS: readonly TwinCase[] = [
  ...['200 OK', '201 Created', '302 Found', '403 Forbidden', '404 Not Found', '500 X', '503 X'].map(
    (status) => answered(status, `${status}\r\ncontent-length: 5\r\n\r\nhello`),
  ),
  answered('204', '204 No Content\r\n\r\n'),
  answered('401 without content', `401 X\r\n${EMPTY}`),
  answered('426 in chunks', '426 X\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'),
  answered('103 and then 403', `103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 403 X\r\n${EMPTY}`),
  answered('101 without Upgrade', '101 Switching Protocols\r\n\r\nabc'),
  answered('nothing and FIN', '', { answer: { text: '', end: 'fin' } }),
  {
    ...upgrade('another type answered 200', 'Connection: upgrade\r\nUpgrade: other\r\n', {
      path: '/other',
    }),
  },
];

function connect(
  title: string,
  authority: string,
  more: Partial<TwinCase> & { fields?: string } = {},
): TwinCase {
  const { fields = '', ...rest } = more;
  const send = `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${fields}\r\n`;
  return { title: `CONNECT: ${title}`, send, methods: ['CONNECT'], ...rest };
}

function through(title: string, text: string, fields = ''): TwinCase {
  return connect(title, 'forward.test:80', { answer: { text }, leaveAfter: HELLO, fields });
}

const CONNECT: readonly TwinCase[] = [
  through('200', CONNECTED),
  through('with content-length 0', CONNECTED, 'Content-Length: 0\r\n'),
  through('with connection options', CONNECTED, 'Connection: close\r\nProxy-Connection: a\r\n'),
  through(
    '200 with transfer-encoding',
    CONNECTED.replace('\r\n\r\n', '\r\ntransfer-encoding: chunked\r\n\r\n'),
  ),
  through(
    '200 with content-length',
    CONNECTED.replace('\r\n\r\n', '\r\ncontent-length: 3\r\n\r\n'),
  ),
  connect('403', 'forward.test:80', {
    answer: { text: 'HTTP/1.1 403 X\r\ncontent-length: 2\r\n\r\nno' },
  }),
  connect('503', 'forward.test:80', { answer: { text: `HTTP/1.1 503 X\r\n${EMPTY}` } }),
  connect('no route', 'unknown.test:80'),
  connect('forbidden by the route', 'forbidden.test:80'),
  connect('not allowed at all', 'forward.test:80', { listener: 'none' }),
  connect('allowed by the route alone', 'tcp.test:80', { listener: 'none', leaveAfter: '200 OK' }),
  connect('content', 'forward.test:80', { fields: 'Content-Length: 3\r\n' }),
  connect('a refused connection', 'dead.test:80'),
  {
    ...connect('ended in TCP', 'tcp.test:80', { leaveAfter: HELLO }),
    send: [connect('', 'tcp.test:80').send as string, 'GET /in HTTP/1.1\r\nhost: in\r\n\r\n'],
    answer: { text: HELLO },
  },
  {
    title: 'POST ended in TCP',
    send: 'POST /post HTTP/1.1\r\nHost: a.test\r\nContent-Length: 30\r\n\r\nGET /in HTTP/1.1\r\nhost: in\r\n\r\n',
    answer: { text: HELLO, end: 'fin' },
  },
  { title: 'GET where POST ends in TCP', send: 'GET /post HTTP/1.1\r\nHost: a.test\r\n\r\n' },
];

const KEYED: readonly Field[] = [
  ['sec-websocket-key', 'abc'],
  ['sec-websocket-version', '13'],
];

function extended(title: string, path = '/', more: Partial<H2TwinCase> = {}): H2TwinCase {
  const fields: readonly Field[] = [
    [':method', 'CONNECT'],
    [':protocol', 'websocket'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'a.test'],
    ...KEYED,
  ];
  const steps = [headersFrame(1, fields, FLAG.END_HEADERS)];
  return { title: `extended CONNECT: ${title}`, listener: 'h2', h2: { steps }, ...more };
}

function extendedAnswered(title: string, text: string): H2TwinCase {
  return extended(title, '/', { answer: { text: `HTTP/1.1 ${text}` } });
}

const HTTP2: readonly AnyTwinCase[] = [
  {
    ...extended('a WebSocket', '/', { answer: { text: AGREES } }),
    h2: { steps: [...extended('').h2.steps, 'answered'], leaves: true },
  },
  extended('forbidden by the route', '/forbidden'),
  extended('a direct response', '/direct'),
  extended('where no host answers', '/dead'),
  ...['200 OK', '302 Found', '403 X', '500 X'].map((status) =>
    extendedAnswered(status, `${status}\r\ncontent-length: 5\r\n\r\nhello`),
  ),
  agreed('h1 to h2: a WebSocket', 'Sec-WebSocket-Key: abc\r\n', {
    listener: 'toH2',
    answer: {
      text: '',
      frames: (id) =>
        Buffer.concat([
          splitHeaders(
            id,
            [
              [':status', '200'],
              ['sec-websocket-accept', 'x'],
            ],
            { endStream: false },
          ),
          dataFrame(id, HELLO),
        ]),
    },
  }),
  upgrade('h1 to h2: refused', '', {
    listener: 'toH2',
    answer: {
      text: '',
      frames: (id) =>
        Buffer.concat([
          splitHeaders(
            id,
            [
              [':status', '403'],
              ['content-length', '2'],
            ],
            { endStream: false },
          ),
          dataFrame(id, 'no', true),
        ]),
    },
  }),
];

const TCP = { upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: {} }] };
const FORBIDS = (type: string) => ({ upgrade_configs: [{ upgrade_type: type, enabled: false }] });

function connectRoute(host: string, action: object) {
  const authority = { name: ':authority', string_match: { prefix: host } };
  return {
    match: { connect_matcher: {}, headers: [authority] },
    route: { cluster: 'main', ...action },
  };
}

const ROUTES = [
  { match: { path: '/forbidden' }, route: { cluster: 'main', ...FORBIDS('websocket') } },
  {
    match: { path: '/other' },
    route: { cluster: 'main', upgrade_configs: [{ upgrade_type: 'Other' }] },
  },
  { match: { path: '/nowhere' }, route: { cluster: 'nowhere' } },
  { match: { path: '/dead' }, route: { cluster: 'dead' } },
  {
    match: { path: '/post' },
    route: {
      cluster: 'main',
      upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: { allow_post: true } }],
    },
  },
  connectRoute('forward.', {}),
  connectRoute('tcp.', TCP),
  connectRoute('dead.', { cluster: 'dead', ...TCP }),
  connectRoute('forbidden.', FORBIDS('CONNECT')),
];
const UPGRADES = [{ upgrade_type: 'websocket' }, { upgrade_type: 'CONNECT' }];

const FILTERS = 'type.googleapis.com/envoy.extensions.filters.http';
const ROUTER = { name: 'router', typed_config: { '@type': `${FILTERS}.router.v3.Router` } };

/** Says to both sides that it was passed. */
function marks(value: string) {
  const append_action = 'APPEND_IF_EXISTS_OR_ADD';
  const append = [{ append: { header: { key: 'x-passed', value }, append_action } }];
  return { request_mutations: append, response_mutations: append };
}

function mark(name: string, value: string, members: object = {}) {
  const typed_config = {
    '@type': `${FILTERS}.header_mutation.v3.HeaderMutation`,
    mutations: marks(value),
  };
  return { name, typed_config, ...members };
}

const CHAINS = {
  http_filters: [mark('a', 'main a'), mark('b', 'main b'), ROUTER],
  upgrade_configs: [
    { upgrade_type: 'websocket', filters: [mark('b', 'websocket b'), mark('c', 'c'), ROUTER] },
    { upgrade_type: 'other', enabled: false, filters: [mark('d', 'other d'), ROUTER] },
    { upgrade_type: 'CONNECT', filters: [mark('off', 'off', { disabled: true }), ROUTER] },
    { upgrade_type: 'plain' },
  ],
};
const SAYS = {
  b: {
    '@type': `${FILTERS}.header_mutation.v3.HeaderMutationPerRoute`,
    mutations: marks('route b'),
  },
  off: { '@type': 'type.googleapis.com/envoy.config.route.v3.FilterConfig', config: {} },
};
const CHAIN_ROUTES = [
  { match: { path: '/says' }, route: { cluster: 'main' }, typed_per_filter_config: SAYS },
  { ...connectRoute('says.', {}), typed_per_filter_config: SAYS },
  ...ROUTES,
];
const ON_CHAINS = { listener: 'chains' };

const OWN_FILTERS: readonly TwinCase[] = [
  agreed('filters of its own', '', ON_CHAINS),
  agreed('what a route says to them by name', '', { ...ON_CHAINS, path: '/says' }),
  upgrade('refused, others’ filters', '', { ...ON_CHAINS, path: '/forbidden' }),
  upgrade('without a route’s word, others’ filters', 'Connection: upgrade\r\nUpgrade: other\r\n', {
    ...ON_CHAINS,
  }),
  agreed('allowed by the route alone', 'Connection: upgrade\r\nUpgrade: Other\r\n', {
    ...ON_CHAINS,
    path: '/other',
  }),
  agreed('without filters of its own', 'Connection: upgrade\r\nUpgrade: plain\r\n', ON_CHAINS),
  upgrade('to a direct response', '', { ...ON_CHAINS, path: '/direct' }),
  connect('filters of its own', 'forward.test:80', {
    ...ON_CHAINS,
    answer: { text: CONNECTED },
    leaveAfter: HELLO,
  }),
  connect('one that the route switches on', 'says.test:80', {
    ...ON_CHAINS,
    answer: { text: CONNECTED },
    leaveAfter: HELLO,
  }),
  connect('no route', 'unknown.test:80', ON_CHAINS),
  { title: 'no upgrade at all', send: 'GET /says HTTP/1.1\r\nHost: a.test\r\n\r\n', ...ON_CHAINS },
];

t.test('tunnels are what they are with Envoy', { skip: withoutEnvoy }, async (t) => {
  const port = await closedPort();
  const address = { socket_address: { address: '127.0.0.1', port_value: port } };
  const http2 = { codec_type: 'HTTP2', http2_protocol_options: { allow_connect: true } };
  const config = {
    log: COMPARED_LOG,
    validate: false,
    listeners: {
      main: { hcm: { upgrade_configs: UPGRADES }, routes: ROUTES },
      none: { routes: ROUTES },
      chains: { hcm: CHAINS, routes: CHAIN_ROUTES },
      h2: { hcm: { ...http2, upgrade_configs: UPGRADES }, routes: ROUTES },
      toH2: { hcm: { upgrade_configs: UPGRADES }, cluster: 'overH2' },
    },
    clusters: { overH2: overHttp2({ allow_connect: true }) },
    moreClusters: [
      {
        name: 'dead',
        load_assignment: {
          cluster_name: 'dead',
          endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
        },
      },
    ],
    masks: [[new RegExp(`:${port}\\b`, 'g'), ':{dead}'] as const],
  };
  await withTwins(config, async (twins) => {
    await t.test('upgrades', (t) => compareCases(t, twins, WEBSOCKET));
    await t.test('what upstreams answer to them', (t) => compareCases(t, twins, ANSWERS));
    await t.test('CONNECT', (t) => compareCases(t, twins, CONNECT));
    await t.test('filters of upgrades', (t) => compareCases(t, twins, OWN_FILTERS));
    await t.test('over HTTP/2', (t) => compareCases(t, twins, HTTP2));
  });
});
