// What becomes of streams: answers of HTTP/2 upstreams, well formed and not, resets from either side
// and their codes, upstreams that go away.
import t from 'tap';
import { dataFrame, frame, goawayFrame, resetFrame, splitHeaders } from '../support/h2-frames.ts';
import { encodeFields, type Field } from '../support/h2-hpack.ts';
import type { H2Step } from '../support/wire-h2-client.ts';
import type { WireAnswer } from '../support/wire-upstream.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type H2TwinCase, withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';
import { COMPARED_LOG } from './http-log-format.ts';

const head = (method: string, path = '/'): readonly Field[] => [
  [':method', method],
  [':scheme', 'http'],
  [':authority', 'a.test'],
  [':path', path],
];
const GET = splitHeaders(1, head('GET'), { endStream: true });
const HEAD = splitHeaders(1, head('HEAD'), { endStream: true });
const POST = splitHeaders(1, head('POST'));

type Frames = (streamId: number) => readonly Buffer[];

const status = (code: string, ...fields: readonly Field[]): readonly Field[] => [
  [':status', code],
  ...fields,
];

/** A head that ends the stream. */
const only =
  (fields: readonly Field[]): Frames =>
  (id) => [splitHeaders(id, fields, { endStream: true })];

/** A head with content. */
const withData =
  (fields: readonly Field[], ...data: readonly string[]): Frames =>
  (id) => [
    splitHeaders(id, fields),
    ...data.map((piece, index) => dataFrame(id, piece, index === data.length - 1)),
  ];

function answered(
  title: string,
  frames: Frames,
  more: { readonly steps?: readonly H2Step[]; readonly answer?: Partial<WireAnswer> } = {},
): H2TwinCase {
  const answer: WireAnswer = {
    text: '',
    frames: (id) => Buffer.concat(frames(id)),
    ...more.answer,
  };
  return { title: `upstream: ${title}`, answer, h2: { steps: more.steps ?? [GET] } };
}

const many = (count: number): readonly Field[] =>
  Array.from({ length: count }, (_, index): Field => [`x${index}`, '1']);
const SIZED: readonly Field[] = [['content-length', '2']];

const WELL_FORMED: readonly H2TwinCase[] = [
  answered('a head alone', only(status('200'))),
  answered('an empty DATA', withData(status('200'), '')),
  answered('DATA in pieces', withData(status('200'), 'a', '', 'b')),
  answered('HEAD', only(status('200', ['content-length', '5'])), { steps: [HEAD] }),
  answered('HEAD with an empty DATA', withData(status('200', ['content-length', '5']), ''), {
    steps: [HEAD],
  }),
  answered('204 with an empty DATA', withData(status('204'), '')),
  answered('304 with its length', only(status('304', ['content-length', '7']))),
  answered('as many fields as may be', only(status('200', ...many(99)))),
  answered('a head of 61 kB', only(status('200', ['x', 'a'.repeat(61_440)]))),
  answered('103 and 100 first', (id) => [
    splitHeaders(id, status('103', ['link', 'x'])),
    splitHeaders(id, status('100')),
    ...withData(status('200', ...SIZED), 'ok')(id),
  ]),
  answered('padding', (id) => [
    frame(
      1,
      4 | 8,
      id,
      Buffer.concat([Buffer.of(3), encodeFields(status('200')), Buffer.alloc(3)]),
    ),
    frame(0, 1 | 8, id, Buffer.concat([Buffer.of(2), Buffer.from('ok'), Buffer.alloc(2)])),
  ]),
  answered('a head in CONTINUATIONs', (id) => [
    splitHeaders(id, status('200', ['x', 'a'.repeat(100)]), { size: 20, endStream: true }),
  ]),
  answered('an unknown frame', (id) => [
    frame(0x55, 0, id, Buffer.from('x')),
    ...only(status('200'))(id),
  ]),
];

const MALFORMED: readonly H2TwinCase[] = [
  answered('content for HEAD', withData(status('200', ...SIZED), 'ok'), { steps: [HEAD] }),
  answered('content for 204', withData(status('204'), 'ok')),
  answered('content for 304', withData(status('304'), 'ok')),
  answered('less than content-length', withData(status('200', ['content-length', '5']), 'ok')),
  answered('more than content-length', withData(status('200', ['content-length', '1']), 'ok')),
  answered('content-length without content', only(status('200', ['content-length', '1']))),
  answered('101', (id) => [splitHeaders(id, status('101')), ...only(status('200'))(id)]),
  answered('100 that ends the stream', only(status('100'))),
  answered('no :status', only([['x', '1']])),
  answered(
    'two :status',
    only([
      [':status', '200'],
      [':status', '200'],
    ]),
  ),
  answered(':status 099', only(status('099'))),
  answered(':status 99', only(status('99'))),
  answered(':status 2000', only(status('2000'))),
  answered(':status abc', only(status('abc'))),
  answered(':status 600', only(status('600'))),
  answered('an upper-case name', only(status('200', ['X-Up', '1']))),
  answered('connection', only(status('200', ['connection', 'close']))),
  answered('a request pseudo-field', only(status('200', [':path', '/']))),
  answered('CR in a value', only(status('200', ['x', 'a\rb']))),
  answered('a field too many', only(status('200', ...many(100)))),
  answered('DATA in front of the head', (id) => [dataFrame(id, 'x')]),
  answered('DATA on stream 0', () => [dataFrame(0, 'x')]),
  answered('a frame that is too large', (id) => [frame(0, 0, id, Buffer.alloc(16_385))]),
  answered('a broken field block', (id) => [frame(1, 5, id, Buffer.of(0xff, 0x7f))]),
  answered('PUSH_PROMISE', (id) => [
    frame(5, 4, id, Buffer.concat([Buffer.of(0, 0, 0, 2), encodeFields(head('GET', '/pushed'))])),
  ]),
  answered('trailers that do not end the stream', (id) => [
    splitHeaders(id, status('200')),
    splitHeaders(id, [['x', '1']]),
  ]),
  answered('a pseudo-field in trailers', (id) => [
    splitHeaders(id, status('200')),
    splitHeaders(id, [[':status', '200']], { endStream: true }),
  ]),
];

const CODES = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'HTTP_1_1_REQUIRED',
] as const;

const RESETS: readonly H2TwinCase[] = [
  ...CODES.map((code) => answered(`reset by ${code}`, (id) => [resetFrame(id, code)])),
  ...CODES.map((code) =>
    answered(`reset by ${code} inside content`, (id) => [
      splitHeaders(id, status('200')),
      dataFrame(id, 'ok'),
      resetFrame(id, code),
    ]),
  ),
  answered(
    'reset by NO_ERROR behind an early answer',
    (id) => [...withData(status('200', ...SIZED), 'ok')(id), resetFrame(id, 'NO_ERROR')],
    { steps: [POST], answer: { at: 'head' } },
  ),
  answered('an early answer', withData(status('200', ...SIZED), 'ok'), {
    steps: [POST],
    answer: { at: 'head' },
  }),
  answered('an end in front of the head', () => [], { answer: { end: 'fin' } }),
  answered('a reset connection in front of the head', () => [], { answer: { end: 'reset' } }),
  answered(
    'an end inside content',
    (id) => [splitHeaders(id, status('200')), dataFrame(id, 'ok')],
    { answer: { end: 'fin' } },
  ),
  answered('GOAWAY that drops the request', () => [goawayFrame(0, 'NO_ERROR')]),
  answered('GOAWAY in front of the answer', (id) => [
    goawayFrame(id, 'NO_ERROR'),
    ...withData(status('200', ...SIZED), 'ok')(id),
  ]),
  answered('GOAWAY with an error in front of the answer', (id) => [
    goawayFrame(id, 'ENHANCE_YOUR_CALM', 'calm'),
    ...withData(status('200', ...SIZED), 'ok')(id),
  ]),
];

const SILENT: WireAnswer = { text: '', frames: () => Buffer.alloc(0) };
const HALF: WireAnswer = {
  text: '',
  frames: (id) => Buffer.concat([splitHeaders(id, status('200')), dataFrame(id, 'ok')]),
};

const CLIENTS: readonly H2TwinCase[] = [
  ...(['NO_ERROR', 'CANCEL', 'REFUSED_STREAM', 'INTERNAL_ERROR'] as const).flatMap(
    (code): H2TwinCase[] => [
      {
        title: `client: reset by ${code} of an open request`,
        answer: SILENT,
        h2: { steps: [POST, 'asked', resetFrame(1, code)], streams: [] },
      },
      {
        title: `client: reset by ${code} of a complete request`,
        answer: SILENT,
        h2: { steps: [GET, 'asked', resetFrame(1, code)], streams: [] },
      },
    ],
  ),
  {
    title: 'client: reset inside the answer',
    answer: HALF,
    h2: { steps: [GET, 'answered', resetFrame(1, 'CANCEL')], streams: [] },
  },
  {
    title: 'client: leaves in front of the answer',
    answer: SILENT,
    h2: { steps: [GET, 'asked'], leaves: true },
  },
  {
    title: 'client: leaves inside the answer',
    answer: HALF,
    h2: { steps: [GET, 'answered'], leaves: true },
  },
  {
    title: 'client: GOAWAY in front of the answer',
    // It opens no more streams, so none can show that the connection lives.
    h2: {
      steps: [POST, 'asked', goawayFrame(0, 'NO_ERROR'), dataFrame(1, 'x', true), 'answered'],
      leaves: true,
    },
  },
  {
    title: 'client: timeout of an open request',
    answer: SILENT,
    h2: { steps: [splitHeaders(1, head('POST', '/slow')), dataFrame(1, 'x', true)] },
  },
  {
    title: 'client: idle too long',
    listener: 'idle',
    answer: SILENT,
    h2: { steps: [POST] },
  },
  {
    title: 'client: complete, and idle too long',
    listener: 'idle',
    answer: SILENT,
    h2: { steps: [GET] },
  },
  {
    title: 'client: a request that takes too long',
    listener: 'request',
    answer: SILENT,
    h2: { steps: [POST] },
  },
  {
    title: 'client: a stream that takes too long',
    listener: 'duration',
    answer: SILENT,
    h2: { steps: [GET] },
  },
  {
    title: 'client: streams by turns',
    h2: {
      steps: [
        POST,
        splitHeaders(3, head('POST')),
        dataFrame(3, 'three', true),
        dataFrame(1, 'one', true),
      ],
      streams: [1, 3],
    },
  },
];

t.test('ends streams as Envoy', { skip: withoutEnvoy }, async (t) => {
  const routes = [{ match: { path: '/slow' }, route: { cluster: 'h2', timeout: '0.1s' } }];
  const base = { cluster: 'h2', routes };
  const config = {
    log: COMPARED_LOG,
    // Connections stay: what is said on them behind a stream's end is compared too.
    clusters: { h2: { explicit_http_config: { http2_protocol_options: {} } } },
    listeners: {
      main: base,
      idle: { ...base, hcm: { stream_idle_timeout: '0.1s' } },
      request: { ...base, hcm: { request_timeout: '0.1s' } },
      duration: { ...base, hcm: { common_http_protocol_options: { max_stream_duration: '0.1s' } } },
    },
  };
  await withTwins(config, async (twins) => {
    for (const cases of [WELL_FORMED, MALFORMED, RESETS, CLIENTS]) {
      await compareCases(t, twins, cases);
    }
  });
});
