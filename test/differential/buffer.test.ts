// The buffer filter: requests go on whole, with their length, or not at all.
import t from 'tap';
import { type Json, type TwinConfig, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type TwinCase, withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';

const LOG_FORMAT =
  '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS% %BYTES_RECEIVED% ' +
  '%DOWNSTREAM_REMOTE_ADDRESS%\n';

const TYPE = 'extensions.filters.http.buffer.v3.';
const perRoute = (config: Json): Json => ({ buffer: typed(`${TYPE}BufferPerRoute`, config) });
const route = (prefix: string, config: Json): Json => ({
  match: { prefix },
  route: { cluster: 'main' },
  typed_per_filter_config: perRoute(config),
});
const ROUTES: readonly Json[] = [
  route('/off', { disabled: true }),
  route('/small', { buffer: { max_request_bytes: 2 } }),
  route('/large', { buffer: { max_request_bytes: 100_000 } }),
];

const CONFIG: TwinConfig = {
  listeners: {
    main: {
      filters: [
        { name: 'buffer', typed_config: typed(`${TYPE}Buffer`, { max_request_bytes: 10 }) },
      ],
      routes: ROUTES,
    },
  },
  log: { log_format: { text_format_source: { inline_string: LOG_FORMAT } } },
};

const sized = (path: string, content: string): TwinCase => ({
  title: `${path} with ${content.length} octets`,
  send: `POST ${path} HTTP/1.1\r\nhost: h\r\ncontent-length: ${content.length}\r\n\r\n${content}`,
});
const chunked = (path: string, chunks: readonly string[], trailers = ''): TwinCase => ({
  title: `${path} in chunks of ${chunks.map(({ length }) => length).join(', ')}${trailers && ' with trailers'}`,
  send:
    `POST ${path} HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n` +
    `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n${trailers}\r\n`,
});

const CASES: readonly TwinCase[] = [
  { title: 'GET', send: 'GET / HTTP/1.1\r\nhost: h\r\n\r\n' },
  ...['/', '/off', '/small', '/large'].flatMap((path) => [
    sized(path, ''),
    sized(path, 'ab'),
    sized(path, 'abc'),
    sized(path, 'x'.repeat(10)),
    sized(path, 'x'.repeat(11)),
    chunked(path, []),
    chunked(path, ['a', 'b']),
    chunked(path, ['x'.repeat(10)]),
    chunked(path, ['x'.repeat(5), 'y'.repeat(6)]),
    chunked(path, ['ab'], 'x-t: 1\r\n'),
  ]),
  sized('/large', 'x'.repeat(50_000)),
  sized('/direct', 'abc'),
  {
    title: 'in pieces',
    send: ['POST /large HTTP/1.1\r\nhost: h\r\ncontent-length: 6\r\n\r\nab', 'cd', 'ef'],
  },
];

t.test('requests are held back as by Envoy', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, async (twins) => {
    await compareCases(t, twins, CASES);
  });
});
