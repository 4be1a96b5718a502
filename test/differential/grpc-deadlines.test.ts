// How long streams and gRPC calls may last: max_stream_duration of routes and connection managers,
// max_grpc_timeout, and what upstreams are told of it.
import t from 'tap';
import { chunkedText, grpcFrame } from '../support/grpc-wire.ts';
import type { Json, TwinConfig } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type TwinCase, withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';
import { COMPARED_LOG } from './http-log-format.ts';

const GRPC = 'content-type: application/grpc\r\n';
const CHUNKED = 'transfer-encoding: chunked\r\n\r\n';

const route = (path: string, action: Json): Json => ({
  match: { prefix: path },
  route: { cluster: 'main', ...action },
});

const ROUTES: readonly Json[] = [
  route('/stream/short', { max_stream_duration: { max_stream_duration: '0.4s' } }),
  route('/stream/long', { max_stream_duration: { max_stream_duration: '60s' }, timeout: '0.4s' }),
  route('/stream/none', { max_stream_duration: { max_stream_duration: '0s' } }),
  route('/stream/empty', { max_stream_duration: {} }),
  route('/header/any', { max_stream_duration: { grpc_timeout_header_max: '0s' } }),
  route('/header/max', {
    max_stream_duration: { max_stream_duration: '30s', grpc_timeout_header_max: '0.4s' },
  }),
  route('/header/offset', {
    max_stream_duration: {
      grpc_timeout_header_max: '20s',
      grpc_timeout_header_offset: '3s',
    },
  }),
  route('/grpc/max', { max_grpc_timeout: '0.4s' }),
  route('/grpc/any', { max_grpc_timeout: '0s', timeout: '0.4s' }),
  route('/grpc/offset', { max_grpc_timeout: '20s', grpc_timeout_offset: '3s' }),
  route('/plain', { timeout: '20s' }),
];

const LISTENERS = { main: {}, bounded: { max_stream_duration: '0.5s' } };

/** The upstream answers at once: what is compared is what it was told. */
function told(path: string, timeout: string, fields = GRPC): TwinCase {
  const line = timeout === '' ? '' : `grpc-timeout: ${timeout}\r\n`;
  const head = `POST ${path} HTTP/1.1\r\nhost: a.test\r\n${fields}${line}`;
  return {
    title: `${path} with ${timeout || 'no deadline'}${fields === GRPC ? '' : ', not gRPC'}`,
    listener: 'main',
    send: `${head}content-length: 0\r\n\r\n`,
    methods: ['POST'],
  };
}

/** The upstream begins no answer, or does not end it. */
function late(each: TwinCase, listener: string, answer = ''): TwinCase {
  const how = answer === '' ? 'no answer' : 'half an answer';
  return {
    ...each,
    listener,
    title: `${each.title}: ${how} on ${listener}`,
    answer: { text: answer },
  };
}

const HALF = `HTTP/1.1 200 OK\r\n${GRPC}${CHUNKED}${chunkedText([grpcFrame('a')]).slice(0, -5)}`;

const TOLD = [
  ...['/stream/long', '/stream/none', '/stream/empty', '/plain'].flatMap((path) => [
    told(path, ''),
    told(path, '9S'),
    told(path, '9S', ''),
  ]),
  ...[
    '1H',
    '2M',
    '30S',
    '4000m',
    '5000001u',
    '6000000001n',
    '99999999H',
    '5x',
    'S',
    '',
    '+5S',
    '-5S',
    '000000005S',
    ' 5S',
    '5 S',
    '100000000S',
    '5.0S',
  ].map((timeout) => told('/header/any', timeout)),
  ...['/header/offset', '/grpc/offset'].flatMap((path) =>
    ['4S', '30S', ''].map((timeout) => told(path, timeout)),
  ),
  // With max_stream_duration nothing is left of such a deadline; see the end-to-end tests.
  ...['1S', '3S'].map((timeout) => told('/grpc/offset', timeout)),
  ...['/grpc/any', '/grpc/max'].flatMap((path) => [told(path, '10S'), told(path, '10S', '')]),
];

const LATE = [
  told('/stream/short', ''),
  told('/stream/short', '', ''),
  told('/stream/short', '9S'),
  told('/header/any', '400m'),
  told('/header/any', '400m', ''),
  told('/header/max', '9S'),
  told('/grpc/max', '9S'),
  told('/grpc/any', '400m'),
  told('/grpc/any', '', ''),
].flatMap((each) => [late(each, 'main'), late(each, 'main', HALF)]);

const BOUNDED = [
  ...[told('/plain', ''), told('/plain', '', ''), told('/stream/empty', '9S')],
  ...[told('/stream/short', ''), told('/header/any', '400m'), told('/grpc/any', '')],
].flatMap((each) => [late(each, 'bounded'), late(each, 'bounded', HALF)]);

/** The request is not complete when the time is over: 408, and no other request behind it. */
const INCOMPLETE: readonly TwinCase[] = ['/stream/short', '/plain'].map((path) => ({
  title: `${path}: half a request`,
  listener: 'bounded',
  send: `POST ${path} HTTP/1.1\r\nhost: a.test\r\n${GRPC}content-length: 9\r\n\r\nhal`,
  methods: ['POST'],
}));

const CONFIG: TwinConfig = {
  log: COMPARED_LOG,
  listeners: Object.fromEntries(
    Object.entries(LISTENERS).map(([name, common]) => [
      name,
      { routes: ROUTES, hcm: { common_http_protocol_options: common } },
    ]),
  ),
};

t.test('streams and calls last as long as with Envoy', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, async (twins) => {
    await compareCases(t, twins, [...TOLD, ...LATE, ...BOUNDED, ...INCOMPLETE]);
  });
});
