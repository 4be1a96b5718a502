// What an HTTP/1.1 client's codec makes of responses, as data; numbers are those of the hardening
// rules for responses. Each case is run whole, byte by byte and cut at random.
import type { ClientRun } from '../../support/codec-transcript.ts';

/** An input and what the codec must say about it, a line per response and one for the end. */
export interface ClientCase extends ClientRun {
  readonly name: string;
  readonly input: string;
  readonly expect: readonly string[];
  /** The verdict may depend on the cuts, for the reason that the name gives. */
  readonly onlyWhole?: boolean;
}

const OK = 'HTTP/1.1 200 OK\r\n';
const EMPTY = `${OK}Content-Length: 0\r\n\r\n`;
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const CODEC_ERROR = '… reset protocol-error http1.codec_error';
const CLOSE = 'close protocol-error';

function refused(name: string, input: string, details = 'http1.codec_error'): ClientCase {
  return { name, input, expect: [`… reset protocol-error ${details}`, CLOSE] };
}

function accepted(name: string, input: string, line: string): ClientCase {
  return { name, input, expect: [line] };
}

const FRAMING: readonly ClientCase[] = [
  accepted('a content-length', `${OK}Content-Length: 3\r\n\r\nabc`, '200 [abc]'),
  accepted('a content-length of 0', EMPTY, '200'),
  accepted('chunks', `${CHUNKED}3\r\nabc\r\n1;x\r\nd\r\n0\r\n\r\n`, '200 [abcd]'),
  {
    name: 'content until the end of the connection',
    input: `${OK}\r\nabc`,
    ending: 'fin',
    expect: ['200 [abc]', 'close message-end'],
  },
  {
    name: 'no content until the end of the connection',
    input: `${OK}\r\n`,
    ending: 'fin',
    expect: ['200', 'close message-end'],
  },
  ...[
    'x',
    '',
    '-1',
    '1,1',
    '9007199254740992',
    '1\r\nContent-Length: 1',
    '1\r\nContent-Length: 2',
  ].map((length) =>
    refused(
      `37: content-length «${length.replaceAll('\r\n', '|')}»`,
      `${OK}Content-Length: ${length}\r\n\r\na`,
    ),
  ),
  refused(
    '37: content-length beside transfer-encoding',
    `${OK}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    'http1.content_length_and_chunked_not_allowed',
  ),
  {
    name: '37: with allow_chunked_length the coding wins and the connection is not reused',
    input: `${OK}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    options: { allowChunkedLength: true },
    expect: ['200', 'close message-end'],
  },
  ...['gzip', 'chunked, chunked', 'gzip, chunked', 'identity', ''].map((coding) =>
    refused(
      `37: transfer-encoding «${coding}»`,
      `${OK}Transfer-Encoding: ${coding}\r\n\r\n`,
      'http1.invalid_transfer_encoding',
    ),
  ),
  refused(
    '37: transfer-encoding in HTTP/1.0',
    'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ),
];

const STATUS_LINES: readonly ClientCase[] = [
  ...[
    'HTTP/1.1 200\r\n\r\n',
    'HTTP/1.1  200 OK\r\n\r\n',
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 2000 OK\r\n\r\n',
    'HTTP/1.1 2x0 OK\r\n\r\n',
    'HTTP/1.1 099 OK\r\n\r\n',
    'HTTP/2.0 200 OK\r\n\r\n',
    'HTTP/1.10 200 OK\r\n\r\n',
    'http/1.1 200 OK\r\n\r\n',
    'ICY 200 OK\r\n\r\n',
    '<html>',
    '\r\nHTTP/1.1 200 OK\r\n\r\n',
    'HTTP/1.1 200 OK\n\r\n',
    'HTTP/1.1 200 O\x00K\r\n\r\n',
    'HTTP/1.1 200 O\rK\r\n\r\n',
  ].map((input) => refused(`38: ${JSON.stringify(input)}`, input)),
  accepted('38: an empty reason', 'HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n', '200'),
  accepted(
    '38: a reason with obs-text and tab',
    'HTTP/1.1 200 \xe9\tx\r\nContent-Length: 0\r\n\r\n',
    '200',
  ),
  accepted('38: a code of the peer’s own', 'HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n', '999'),
];

const FIELDS: readonly ClientCase[] = [
  refused('39: space before the colon', `${OK}A : b\r\n\r\n`),
  refused('39: fold', `${OK}A: b\r\n c\r\n\r\n`),
  refused('39: bare LF', `${OK}A: b\n\r\n`),
  refused('39: bare CR', `${OK}A: b\rc\r\n\r\n`),
  refused('39: NUL', `${OK}A: \x00\r\n\r\n`, 'http1.invalid_characters'),
  refused('39: control', `${OK}A: \x1b\r\n\r\n`, 'http1.invalid_characters'),
  {
    name: '45: set-cookie lines stay apart and in order',
    input: `${OK}Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n`,
    fields: true,
    expect: ['200 (set-cookie: a=1|set-cookie: b=2|content-length: 0)'],
  },
  accepted('45: a head at its limit', headOf(80 * 1024), '200'),
  refused('45: a head beyond its limit', headOf(80 * 1024 + 1), 'http1.headers_too_large'),
  accepted(
    '45: fields at their limit',
    `${OK}Content-Length: 0\r\n${'A: b\r\n'.repeat(99)}\r\n`,
    '200',
  ),
  refused(
    '45: fields beyond their limit',
    `${OK}${'A: b\r\n'.repeat(101)}\r\n`,
    'http1.too_many_headers',
  ),
];

function headOf(octets: number): string {
  const start = `${OK}Content-Length: 0\r\nA: `;
  return `${start}${'b'.repeat(octets - start.length - 4)}\r\n\r\n`;
}

const BODYLESS: readonly ClientCase[] = [
  {
    name: '40: HEAD has no content whatever its fields say',
    method: 'HEAD',
    input: `${OK}Content-Length: 5\r\n\r\n`,
    requests: 2,
    expect: ['200', '… open'],
  },
  {
    name: '40: HEAD with chunked has no content',
    method: 'HEAD',
    input: `${OK}Transfer-Encoding: chunked\r\n\r\n`,
    expect: ['200'],
  },
  {
    name: '40: HEAD without either has no content',
    method: 'HEAD',
    input: `${OK}\r\n`,
    expect: ['200'],
  },
  {
    name: '40: bytes behind HEAD belong to nobody',
    method: 'HEAD',
    input: `${OK}Content-Length: 5\r\n\r\nhello`,
    expect: ['200', CLOSE],
  },
  accepted('40: 204', 'HTTP/1.1 204 No Content\r\n\r\n', '204'),
  {
    name: '40: 204 loses a content-length of 0',
    input: 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n',
    fields: true,
    expect: ['204 ()'],
  },
  refused(
    '40: 204 with a content-length',
    'HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\n',
    'http1.content_length_not_allowed',
  ),
  refused(
    '40: 204 with transfer-encoding',
    'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n',
    'http1.transfer_encoding_not_allowed',
  ),
  refused(
    '40: 1xx with a content-length',
    'HTTP/1.1 100 Continue\r\nContent-Length: 1\r\n\r\n',
    'http1.content_length_not_allowed',
  ),
  refused(
    '40: 1xx with transfer-encoding',
    'HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n',
    'http1.transfer_encoding_not_allowed',
  ),
  accepted(
    '40: 304 with a content-length',
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n',
    '304',
  ),
  accepted('40: 304 without one', 'HTTP/1.1 304 Not Modified\r\n\r\n', '304'),
];

const CONNECTION: readonly ClientCase[] = [
  {
    name: 'the next request goes on the same connection',
    input: `${EMPTY}${''}`,
    requests: 2,
    expect: ['200', '… open'],
  },
  {
    name: '41: bytes at once behind an answer',
    input: `${OK}Content-Length: 2\r\n\r\nabX`,
    expect: ['200 [ab]', CLOSE],
  },
  { name: '41: a second answer', input: EMPTY + EMPTY, expect: ['200', CLOSE] },
  { name: '41: bytes behind chunks', input: `${CHUNKED}0\r\n\r\nX`, expect: ['200', CLOSE] },
  {
    name: '41: a polite 408 while idle is a plain close',
    input: 'HTTP/1.1 408 Request Timeout\r\n\r\n',
    requests: 0,
    onlyWhole: true,
    expect: ['close peer-closed'],
  },
  { name: '41: an answer without a question', input: EMPTY, requests: 0, expect: [CLOSE] },
  {
    name: '42: FIN inside a content-length',
    input: `${OK}Content-Length: 3\r\n\r\nab`,
    ending: 'fin',
    expect: ['200 [ab]… reset protocol-error http1.codec_error', CLOSE],
  },
  {
    name: '42: RST inside a content-length',
    input: `${OK}Content-Length: 3\r\n\r\nab`,
    ending: 'reset',
    expect: ['200 [ab]… reset protocol-error reset by peer'],
  },
  {
    name: '42: FIN before the last chunk',
    input: `${CHUNKED}1\r\na\r\n`,
    ending: 'fin',
    expect: ['200 [a]… reset protocol-error http1.codec_error', CLOSE],
  },
  {
    name: '42: FIN inside the last chunk',
    input: `${CHUNKED}1\r\na\r\n0\r\n`,
    ending: 'fin',
    expect: ['200 [a]… reset protocol-error http1.codec_error', CLOSE],
  },
  {
    name: '42: RST inside content that ends with the connection',
    input: `${OK}\r\nab`,
    ending: 'reset',
    expect: ['200 [ab]… reset connection-termination'],
  },
  {
    name: '42: a bad chunk',
    input: `${CHUNKED}1\r\nab`,
    expect: ['200 [a]… reset protocol-error http1.codec_error', CLOSE],
  },
  {
    name: 'FIN before anything',
    input: '',
    ending: 'fin',
    expect: ['… reset connection-termination', 'close peer-closed'],
  },
  {
    name: 'FIN inside the head',
    input: 'HTTP/1.1 20',
    ending: 'fin',
    expect: ['… reset protocol-error http1.codec_error', CLOSE],
  },
  {
    name: 'RST inside the head',
    input: 'HTTP/1.1 20',
    ending: 'reset',
    expect: ['… reset protocol-error reset by peer'],
  },
  {
    name: 'RST before anything',
    input: '',
    ending: 'reset',
    expect: ['… reset connection-termination'],
  },
  { name: 'FIN while idle', input: '', requests: 0, ending: 'fin', expect: ['close peer-closed'] },
  {
    name: '43: 100, 102, 103 and 104 are told, others are not',
    input: `${[100, 102, 103, 104, 199].map((status) => `HTTP/1.1 ${status} X\r\nA: b\r\n\r\n`).join('')}${EMPTY}`,
    expect: ['100 102 103 104 200'],
  },
  refused(
    '43: an unasked 101',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
  ),
  {
    name: '43: 32 informational heads',
    input: 'HTTP/1.1 103 X\r\n\r\n'.repeat(32) + EMPTY,
    expect: [`${'103 '.repeat(32)}200`],
  },
  {
    name: '43: 33 informational heads',
    input: 'HTTP/1.1 103 X\r\n\r\n'.repeat(33),
    expect: [`${'103 '.repeat(32)}${CODEC_ERROR}`, CLOSE],
  },
  {
    name: '43: 33 heads that nobody is told',
    input: 'HTTP/1.1 199 X\r\n\r\n'.repeat(33),
    expect: [CODEC_ERROR, CLOSE],
  },
  {
    name: '43: nothing but 1xx',
    input: 'HTTP/1.1 103 X\r\n\r\n',
    ending: 'fin',
    expect: [`103 ${CODEC_ERROR}`, CLOSE],
  },
  {
    name: '44: an answer before the request is complete',
    input: EMPTY,
    completeRequest: false,
    expect: ['200', 'close reset'],
  },
  {
    name: 'connection: close',
    input: `${OK}Connection: close\r\nContent-Length: 0\r\n\r\n`,
    expect: ['200', 'close message-end'],
  },
  {
    name: 'proxy-connection: close',
    input: `${OK}Proxy-Connection: close\r\nContent-Length: 0\r\n\r\n`,
    expect: ['200', 'close message-end'],
  },
  {
    name: 'HTTP/1.0 is not reused',
    input: 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n',
    expect: ['200', 'close message-end'],
  },
  {
    name: 'HTTP/1.0 with keep-alive is reused',
    input: 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n',
    expect: ['200'],
  },
  {
    name: 'trailers are dropped by default',
    input: `${CHUNKED}1\r\na\r\n0\r\nB: c\r\n\r\n`,
    expect: ['200 [a]'],
  },
  {
    name: 'trailers with enable_trailers',
    input: `${CHUNKED}1\r\na\r\n0\r\nB: c\r\nSet-Cookie: d\r\n\r\n`,
    options: { enableTrailers: true },
    expect: ['200 [a{b: c}]'],
  },
];

/** Every case. */
export const CLIENT_CASES: readonly ClientCase[] = [
  ...FRAMING,
  ...STATUS_LINES,
  ...FIELDS,
  ...BODYLESS,
  ...CONNECTION,
];
