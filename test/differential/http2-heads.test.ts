// What heads of HTTP/2 requests are taken, and what becomes of those that are not: of the stream or
// the connection, in the log, upstream.
import t from 'tap';
import { dataFrame, splitHeaders } from '../support/h2-frames.ts';
import type { Field } from '../support/h2-hpack.ts';
import type { H2Step } from '../support/wire-h2-client.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type H2TwinCase, withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';
import { COMPARED_LOG } from './http-log-format.ts';

interface Pseudo {
  readonly method?: string | null;
  readonly scheme?: string | null;
  readonly authority?: string | null;
  readonly path?: string | null;
}

/** A GET but for what is said; null leaves a pseudo-field out. */
function request(pseudo: Pseudo, ...more: readonly Field[]): readonly Field[] {
  const all = { method: 'GET', scheme: 'http', authority: 'a.test', path: '/', ...pseudo };
  const fields = Object.entries(all).flatMap(([name, value]): Field[] =>
    value === null ? [] : [[`:${name}`, value]],
  );
  return [...fields, ...more];
}

const get = (...more: readonly Field[]) => request({}, ...more);
const post = (...more: readonly Field[]) => request({ method: 'POST' }, ...more);
const many = (count: number) =>
  get(...Array.from({ length: count }, (_, i): Field => [`x${i}`, '1']));

const PSEUDO: Readonly<Record<string, readonly Field[]>> = {
  'no :method': request({ method: null }),
  'no :scheme': request({ scheme: null }),
  'no :path': request({ path: null }),
  'no :authority': request({ authority: null }),
  'Host instead of :authority': request({ authority: null }, ['host', 'b.test']),
  'another Host beside :authority': get(['host', 'b.test']),
  'the same Host beside :authority': get(['host', 'a.test']),
  'two Hosts': get(['host', 'a.test'], ['host', 'a.test']),
  'two Hosts without :authority': request({ authority: null }, ['host', 'a'], ['host', 'a']),
  'an empty Host without :authority': request({ authority: null }, ['host', '']),
  'two :method': [[':method', 'GET'], ...get()],
  'two :path': [[':path', '/'], ...get()],
  'two :authority': [[':authority', 'a.test'], ...get()],
  'two :scheme': [[':scheme', 'http'], ...get()],
  'an unknown pseudo-field': [[':foo', '1'], ...get()],
  ':status in a request': [[':status', '200'], ...get()],
  ':protocol without extended CONNECT': [[':protocol', 'websocket'], ...get()],
  'a pseudo-field behind a field': [['x', '1'], ...get()],
  'an empty :method': request({ method: '' }),
  'a bad :method': request({ method: 'G T' }),
  'a lower-case :method': request({ method: 'get' }),
  ':scheme https': request({ scheme: 'https' }),
  ':scheme ftp': request({ scheme: 'ftp' }),
  ':scheme HTTP': request({ scheme: 'HTTP' }),
  'an empty :scheme': request({ scheme: '' }),
  'a bad :scheme': request({ scheme: 'h t' }),
  'an empty :authority': request({ authority: '' }),
  ':authority with userinfo': request({ authority: 'u@a' }),
  ':authority with a slash': request({ authority: 'a/b' }),
  ':authority with a blank': request({ authority: 'a b' }),
  ':authority a:99999': request({ authority: 'a:99999' }),
  ':authority a:': request({ authority: 'a:' }),
  ':authority a,b': request({ authority: 'a,b' }),
  ':authority [::1': request({ authority: '[::1' }),
  ':authority [::1]:80': request({ authority: '[::1]:80' }),
  'an empty :path': request({ path: '' }),
  ':path without slash': request({ path: 'x' }),
  ':path *': request({ path: '*' }),
  'OPTIONS *': request({ method: 'OPTIONS', path: '*' }),
  ':path in absolute form': request({ path: 'http://a/b' }),
  'a blank in :path': request({ path: '/a b' }),
  'a control in :path': request({ path: '/a\x01b' }),
  'octets above 0x7f in :path': request({ path: '/a\xe4b' }),
  'a fragment in :path': request({ path: '/a#b' }),
  'CONNECT without a route': request({
    method: 'CONNECT',
    scheme: null,
    path: null,
    authority: 'a.test:80',
  }),
  'CONNECT without a port': request({ method: 'CONNECT', scheme: null, path: null }),
  'CONNECT with :path': request({ method: 'CONNECT' }),
};

const FIELDS: Readonly<Record<string, readonly Field[]>> = {
  'an upper-case name': get(['X-Upper', '1']),
  connection: get(['connection', 'close']),
  'keep-alive': get(['keep-alive', 'x']),
  'proxy-connection': get(['proxy-connection', 'x']),
  'transfer-encoding': get(['transfer-encoding', 'chunked']),
  upgrade: get(['upgrade', 'x']),
  'http2-settings': get(['http2-settings', 'x']),
  'te: gzip': get(['te', 'gzip']),
  'te: Trailers': get(['te', 'Trailers']),
  'te: trailers, gzip': get(['te', 'trailers, gzip']),
  'an empty name': get(['', 'x']),
  'a blank in a name': get(['a b', 'x']),
  'a colon in a name': get(['a:b', 'x']),
  'octets above 0x7f in a name': get(['a\xe4', 'x']),
  'NUL in a value': get(['x', 'a\0b']),
  'CR in a value': get(['x', 'a\rb']),
  'LF in a value': get(['x', 'a\nb']),
  'a control in a value': get(['x', 'a\x01b']),
  'DEL in a value': get(['x', 'a\x7fb']),
  'a blank in front of a value': get(['x', ' a']),
  'a blank behind a value': get(['x', 'a ']),
  'a tab in front of a value': get(['x', '\ta']),
  'content-length x': post(['content-length', 'x']),
  'content-length 5 without content': post(['content-length', '5']),
  'two equal content-lengths': post(['content-length', '0'], ['content-length', '0']),
  'two content-lengths': post(['content-length', '0'], ['content-length', '1']),
  'a list of content-lengths': post(['content-length', '0, 0']),
  'an empty content-length': post(['content-length', '']),
  'a negative content-length': post(['content-length', '-1']),
  'content-length +0': post(['content-length', '+0']),
  'as many fields as may be': many(96),
  'a field too many': many(97),
  'a head just within the limit': get(['x', 'a'.repeat(60_000)]),
  'a head over the limit': get(['x', 'a'.repeat(61_440)]),
  'a field with an underscore': get(['a_b', '1']),
};

/** Underscores on listeners that do something about them. */
const UNDERSCORES: readonly H2TwinCase[] = ['reject', 'drop'].map((listener) => ({
  title: `${listener}: a field with an underscore in HTTP/2`,
  listener,
  h2: { steps: [splitHeaders(1, get(['a_b', '1']), { endStream: true })] },
}));

interface Content {
  readonly fields: readonly Field[];
  readonly frames: readonly Buffer[];
}

const CONTENT: Readonly<Record<string, Content>> = {
  'more content than content-length': {
    fields: post(['content-length', '2']),
    frames: [dataFrame(1, 'xxx', true)],
  },
  'less content than content-length': {
    fields: post(['content-length', '5']),
    frames: [dataFrame(1, 'xxx', true)],
  },
  'a pseudo-field in trailers': {
    fields: post(),
    frames: [dataFrame(1, 'x'), splitHeaders(1, [[':path', '/']], { endStream: true })],
  },
  'an upper-case name in trailers': {
    fields: post(),
    frames: [dataFrame(1, 'x'), splitHeaders(1, [['X', '/']], { endStream: true })],
  },
  'connection in trailers': {
    fields: post(),
    frames: [dataFrame(1, 'x'), splitHeaders(1, [['connection', 'x']], { endStream: true })],
  },
  'trailers that do not end the stream': {
    fields: post(),
    frames: [dataFrame(1, 'x'), splitHeaders(1, [['x', '/']])],
  },
};

/** On a listener that resets streams, and on one that closes connections as by default. */
function onBothListeners(
  title: string,
  fields: readonly Field[],
  frames: readonly Buffer[] = [],
): readonly H2TwinCase[] {
  const head = splitHeaders(1, fields, { endStream: frames.length === 0 });
  const steps: H2Step[] = [head];
  if (frames.length > 0) steps.push('asked', ...frames.flatMap((each): H2Step[] => [each, 'read']));
  return [
    { title: `HTTP/2: ${title}`, h2: { steps } },
    { title: `HTTP/2, streams: ${title}`, listener: 'streams', h2: { steps } },
  ];
}

t.test('takes and refuses heads as Envoy', { skip: withoutEnvoy }, async (t) => {
  const common = (action: string) => ({
    hcm: { common_http_protocol_options: { headers_with_underscores_action: action } },
  });
  const config = {
    log: COMPARED_LOG,
    listeners: {
      main: {},
      streams: {
        hcm: {
          http2_protocol_options: { override_stream_error_on_invalid_http_message: true },
        },
      },
      reject: common('REJECT_REQUEST'),
      drop: common('DROP_HEADER'),
    },
  };
  await withTwins(config, async (twins) => {
    for (const table of [PSEUDO, FIELDS]) {
      const cases = Object.entries(table).flatMap(([title, fields]) =>
        onBothListeners(title, fields),
      );
      await compareCases(t, twins, cases);
    }
    const contents = Object.entries(CONTENT).flatMap(([title, { fields, frames }]) =>
      onBothListeners(title, fields, frames),
    );
    await compareCases(t, twins, contents);
    await compareCases(t, twins, UNDERSCORES);
  });
});
