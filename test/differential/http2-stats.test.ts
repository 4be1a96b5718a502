// Statistics of HTTP/2, downstream and upstream: the names, and what has changed after each kind of
// exchange. Octets are not compared: how fields are compressed is each proxy's own affair.
import t from 'tap';
import { dataFrame, frame, resetFrame, splitHeaders } from '../support/h2-frames.ts';
import type { Field } from '../support/h2-hpack.ts';
import type { Json, TwinConfig } from '../support/twin-bootstrap.ts';
import type { H2Step } from '../support/wire-h2-client.ts';
import type { WireAnswer } from '../support/wire-upstream.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type AnyTwinCase, withTwins } from '../support/with-twins.ts';
import { compareStats, missingNames } from './compare-stats.ts';

const head = (method: string, path: string, ...more: readonly Field[]): readonly Field[] => [
  [':method', method],
  [':scheme', 'http'],
  [':authority', 'a.test'],
  [':path', path],
  ...more,
];
const get = (path = '/', ...more: readonly Field[]) =>
  splitHeaders(1, head('GET', path, ...more), { endStream: true });
const POST = splitHeaders(1, head('POST', '/'));

type Frames = (streamId: number) => readonly Buffer[];

function visit(title: string, steps: readonly H2Step[], listener = 'main'): AnyTwinCase {
  return { title, listener, h2: { steps } };
}

function answered(title: string, frames: Frames, more: Partial<WireAnswer> = {}): AnyTwinCase {
  const answer = { text: '', frames: (id: number) => Buffer.concat(frames(id)), ...more };
  return { title: `upstream: ${title}`, answer, h2: { steps: [get()] } };
}

const head200 = (id: number, endStream = false, ...more: readonly Field[]) =>
  splitHeaders(id, [[':status', '200'], ...more], { endStream });
const many = (count: number): readonly Field[] =>
  Array.from({ length: count }, (_, index): Field => [`x${index}`, '1']);
const SILENT: WireAnswer = { text: '', frames: () => Buffer.alloc(0) };

const EXCHANGES: readonly AnyTwinCase[] = [
  visit('one request', [get()]),
  visit('a request to HTTP/1.1', [get()], 'toH1'),
  {
    title: 'a request from HTTP/1.1',
    send: 'GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n',
  },
  visit('a request on the same connection', [get()]),
  visit('a direct response', [get('/direct')]),
  visit('an early direct response', [splitHeaders(1, head('POST', '/direct'))]),
  visit('trailers', [POST, dataFrame(1, 'x'), splitHeaders(1, [['x', '1']], { endStream: true })]),
  visit('a malformed head', [get('/', ['X', '1'])]),
  visit('a malformed head, of a stream', [get('/', ['X', '1'])], 'streams'),
  visit('a head with too many fields', [get('/', ...many(97))]),
  visit('a head that is too large', [get('/', ['x', 'a'.repeat(62_000)])]),
  visit('a rejected underscore', [get('/', ['a_b', '1'])], 'reject'),
  visit('a dropped underscore', [get('/', ['a_b', '1'])], 'drop'),
  visit('a wrong content-length', [
    splitHeaders(1, head('POST', '/', ['content-length', '9'])),
    'asked',
    dataFrame(1, 'x', true),
  ]),
  visit('DATA on stream 0', [frame(0, 0, 0, Buffer.from('x'))]),
  visit('a fragment', [get('/a#b')]),
  visit('a timeout', [get('/slow')]),
  visit('an idle stream', [get()], 'idle'),
  {
    title: 'a reset request',
    answer: SILENT,
    h2: { steps: [POST, 'asked', resetFrame(1, 'CANCEL')], streams: [] },
  },
  { title: 'a client that leaves', answer: SILENT, h2: { steps: [POST, 'asked'], leaves: true } },
  answered('trailers', (id) => [
    head200(id),
    dataFrame(id, 'x'),
    splitHeaders(id, [['x', '1']], { endStream: true }),
  ]),
  answered('100 first', (id) => [splitHeaders(id, [[':status', '100']]), head200(id, true)]),
  answered('a malformed head', (id) => [head200(id, true, ['X', '1'])]),
  answered('too many fields', (id) => [head200(id, true, ...many(100))]),
  answered('reset by REFUSED_STREAM', (id) => [resetFrame(id, 'REFUSED_STREAM')]),
  answered('reset by CANCEL', (id) => [resetFrame(id, 'CANCEL')]),
  answered('reset by PROTOCOL_ERROR', (id) => [resetFrame(id, 'PROTOCOL_ERROR')]),
  answered('reset inside content', (id) => [
    head200(id),
    dataFrame(id, 'x'),
    resetFrame(id, 'CANCEL'),
  ]),
  answered('a wrong content-length', (id) => [
    head200(id, false, ['content-length', '9']),
    dataFrame(id, 'x', true),
  ]),
  answered('an end', () => [], { end: 'fin' }),
  answered('DATA on stream 0', () => [dataFrame(0, 'x')]),
  {
    ...answered('an early answer', (id) => [head200(id, true)], { at: 'head' }),
    h2: { steps: [POST] },
  },
];

const http2 = (options: Json): Json => ({ http2_protocol_options: options });
const common = (options: Json): Json => ({ common_http_protocol_options: options });
const routes = [{ match: { path: '/slow' }, route: { cluster: 'pooledH2', timeout: '0.05s' } }];
const base = { cluster: 'pooledH2', routes, router: { suppress_envoy_headers: true } };

const CONFIG: TwinConfig = {
  log: null,
  bootstrap: { stats_flush_interval: '0.05s' },
  // Without a limit of requests: Envoy counts a protocol error whenever it closes a connection itself.
  clusters: { pooledH2: { explicit_http_config: http2({}) } },
  listeners: {
    main: base,
    toH1: { ...base, cluster: 'main' },
    streams: { ...base, hcm: http2({ override_stream_error_on_invalid_http_message: true }) },
    reject: { ...base, hcm: common({ headers_with_underscores_action: 'REJECT_REQUEST' }) },
    drop: { ...base, hcm: common({ headers_with_underscores_action: 'DROP_HEADER' }) },
    idle: { ...base, hcm: { stream_idle_timeout: '0.05s' } },
  },
};

/**
 * Octets, what Envoy's library says of itself, and whether a stream whose head was malformed is
 * over before its connection is.
 */
const NOT_COMPARED = /_bytes_|\.nghttp2_|downstream_cx_destroy_(local_)?active_rq/;

t.test('counts HTTP/2 as Envoy', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, async (twins) => {
    const missing = await missingNames(twins);
    t.same(
      missing.filter((name) => !NOT_COMPARED.test(name)),
      [],
      'every name of an idle Envoy is there',
    );
    await compareStats(t, twins, EXCHANGES, NOT_COMPARED);
  });
});
