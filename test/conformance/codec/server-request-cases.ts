// What an HTTP/1.1 server's codec makes of request lines and of requests in a row, as data; numbers
// are those of the hardening rules for requests.
import {
  accepted,
  CHUNKED,
  CLOSE,
  CODEC_ERROR,
  GET,
  POST,
  refused,
  type ServerCase,
} from './server-case.ts';

const BAD_HOST = '… !400 http.invalid_authority';

const KIB_60 = 60 * 1024;

/** A request whose head has exactly this many octets. */
function headOf(octets: number): string {
  const start = `${GET}A: `;
  return `${start}${'b'.repeat(octets - start.length - 4)}\r\n\r\n`;
}

const REQUEST_LINES: readonly ServerCase[] = [
  refused('24: two spaces', 'GET  / HTTP/1.1\r\nHost: h\r\n\r\n'),
  refused('24: two spaces before the version', 'GET /  HTTP/1.1\r\nHost: h\r\n\r\n'),
  refused('24: tab', 'GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n'),
  refused('24: leading space', ' GET / HTTP/1.1\r\nHost: h\r\n\r\n'),
  refused('24: trailing space', 'GET / HTTP/1.1 \r\nHost: h\r\n\r\n'),
  refused('24: no version', 'GET /\r\n\r\n'),
  refused('24: no target', 'GET HTTP/1.1\r\nHost: h\r\n\r\n'),
  refused('24: lower-case protocol', 'GET / http/1.1\r\nHost: h\r\n\r\n'),
  refused('24: another protocol', 'GET / HTTPS/1.1\r\nHost: h\r\n\r\n'),
  refused('24: two-digit version', 'GET / HTTP/1.10\r\nHost: h\r\n\r\n'),
  refused('24: no minor version', 'GET / HTTP/1\r\nHost: h\r\n\r\n'),
  refused('24: major version 2', 'GET / HTTP/2.0\r\nHost: h\r\n\r\n', '… !505 http1.codec_error'),
  refused('24: major version 0', 'GET / HTTP/0.9\r\nHost: h\r\n\r\n', '… !505 http1.codec_error'),
  accepted('24: a later minor version is 1.1', 'GET / HTTP/1.2\r\nHost: h\r\n\r\n', 'GET / @h'),
  refused(
    'HTTP/1.0 is refused by default',
    'GET / HTTP/1.0\r\nHost: h\r\n\r\n',
    '… !426 low_version',
  ),
  accepted(
    '25: a fragment is for the connection manager to refuse',
    'GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n',
    'GET /a#b @h',
  ),
  refused('25: non-ASCII', 'GET /\xe9 HTTP/1.1\r\nHost: h\r\n\r\n'),
  refused('25: DEL', 'GET /\x7f HTTP/1.1\r\nHost: h\r\n\r\n'),
  refused('25: control', 'GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n'),
  refused('25: neither a path nor a URL', 'GET a HTTP/1.1\r\nHost: h\r\n\r\n'),
  refused(
    '25: * for anything but OPTIONS',
    'GET * HTTP/1.1\r\nHost: h\r\n\r\n',
    '… !400 http1.invalid_url',
  ),
  refused('25: more than *', 'OPTIONS *a HTTP/1.1\r\nHost: h\r\n\r\n'),
  accepted('25: OPTIONS *', 'OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n', 'OPTIONS * @h'),
  accepted(
    '25: origin-form keeps every allowed byte',
    'GET /!"$%&\'()*+,-./:;<=>?@[\\]^_`{|}~ HTTP/1.1\r\nHost: h\r\n\r\n',
    'GET /!"$%&\'()*+,-./:;<=>?@[\\]^_`{|}~ @h',
  ),
  accepted(
    '25: absolute-form replaces Host',
    'GET http://a:8/b?c HTTP/1.1\r\nHost: h\r\n\r\n',
    'GET /b?c @http://a:8',
  ),
  accepted(
    '25: absolute-form without a path',
    'GET HTTPS://a HTTP/1.1\r\nHost: h\r\n\r\n',
    'GET / @https://a',
  ),
  accepted(
    '25: absolute-form with a query only',
    'GET http://a?b HTTP/1.1\r\nHost: h\r\n\r\n',
    'GET /?b @http://a',
  ),
  accepted(
    '25: absolute-form with an IPv6 host',
    'GET http://[::1]:80/ HTTP/1.1\r\nHost: h\r\n\r\n',
    'GET / @http://[::1]:80',
  ),
  refused(
    '25: another scheme',
    'GET ftp://a/ HTTP/1.1\r\nHost: h\r\n\r\n',
    '… !400 http1.invalid_scheme',
  ),
  ...[
    'http://u@a/',
    'http://u:p@a/',
    'http:///',
    'http://a:65536/',
    'http://a:x/',
    'http://:80/',
    'http://a:/',
    'http://[::1/',
  ].map((url) =>
    refused(`25: ${url}`, `GET ${url} HTTP/1.1\r\nHost: h\r\n\r\n`, '… !400 http1.invalid_url'),
  ),
  refused('26: absolute-form without Host', 'GET http://a/ HTTP/1.1\r\n\r\n', BAD_HOST),
  {
    name: '25: absolute-form stays the path without allow_absolute_url',
    input: 'GET http://a/b HTTP/1.1\r\nHost: h\r\n\r\n',
    options: { allowAbsoluteUrl: false },
    expect: ['GET http://a/b @h'],
  },
  {
    name: '25: CONNECT names an authority',
    input: 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n',
    expect: ['CONNECT  @a:443… open'],
  },
  ...['/', 'a', 'a:b', 'http://a:1/', 'u@a:1', ':1'].map((target) =>
    refused(
      `25: CONNECT ${target}`,
      `CONNECT ${target} HTTP/1.1\r\nHost: h\r\n\r\n`,
      '… !400 http1.invalid_url',
    ),
  ),
  accepted(
    '26: no Host is for the connection manager to judge',
    'GET / HTTP/1.1\r\n\r\n',
    'GET / @',
  ),
  refused('26: two Hosts', `${GET}Host: h\r\n\r\n`, BAD_HOST),
  ...[
    '',
    'a b',
    'a/b',
    'a@b',
    'a:',
    'a:65536',
    'a:000080',
    'a:8x',
    ':80',
    'a,b',
    '[::1',
    '::1',
    '[x]',
    'a%2',
    'a%zz',
    'h\xe9',
    'a?',
    '[::1]x',
  ].map((host) =>
    host === 'a,b'
      ? accepted(
          '26: a comma may stand in a reg-name',
          `GET / HTTP/1.1\r\nHost: a,b\r\n\r\n`,
          'GET / @a,b',
        )
      : refused(`26: Host «${host}»`, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`, BAD_HOST),
  ),
  ...[
    'h.test',
    'H.Test.',
    'a_b',
    '1.2.3.4:0',
    'h:65535',
    '[2001:db8::1]',
    '[::ffff:1.2.3.4]:8',
    'a%41',
  ].map((host) =>
    accepted(`26: Host ${host}`, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`, `GET / @${host}`),
  ),
  accepted('27: a head at its limit', headOf(KIB_60), 'GET / @h'),
  refused('27: a head beyond its limit', headOf(KIB_60 + 1), '… !431 http1.headers_too_large'),
  refused(
    '27: a head that never ends',
    `GET /${'a'.repeat(KIB_60)}`,
    '… !431 http1.headers_too_large',
  ),
  accepted('27: fields at their limit', `${GET}${'A: b\r\n'.repeat(99)}\r\n`, 'GET / @h'),
  refused(
    '27: fields beyond their limit',
    `${GET}${'A: b\r\n'.repeat(100)}\r\n`,
    '… !431 http1.too_many_headers',
  ),
  {
    name: '27: a method of 64 octets',
    input: `${'M'.repeat(64)} / HTTP/1.1\r\nHost: h\r\n\r\n`,
    options: { allowCustomMethods: true },
    expect: [`${'M'.repeat(64)} / @h`],
  },
  {
    name: '27: a method of 65 octets',
    input: `${'M'.repeat(65)} / HTTP/1.1\r\nHost: h\r\n\r\n`,
    options: { allowCustomMethods: true },
    expect: ['… !501 http1.codec_error', CLOSE],
  },
  refused('an unknown method', 'BREW / HTTP/1.1\r\nHost: h\r\n\r\n'),
  refused('methods are case-sensitive', 'get / HTTP/1.1\r\nHost: h\r\n\r\n'),
  accepted('28: eight empty lines', `${'\r\n'.repeat(8)}${GET}\r\n`, 'GET / @h'),
  refused('28: nine empty lines', `${'\r\n'.repeat(9)}${GET}\r\n`),
  refused('28: a bare LF before the request line', `\n${GET}\r\n`),
  refused('28: a bare CR before the request line', `\r${GET}\r\n`),
];

const CONNECTION: readonly ServerCase[] = [
  {
    name: '33: bytes behind CONNECT are no request',
    input: `CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n${GET}\r\n`,
    expect: [`CONNECT  @a:1 [${GET}\r\n]… open`],
  },
  refused('another protocol of the same shape', 'OPTIONS /a RTSP/1.0\r\nHost: h\r\n\r\n'),
  refused(
    'an unknown method in front of content',
    `FETCH / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx`,
  ),
  {
    name: '29: pipelined requests are served in order',
    input: `${GET}\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc${CHUNKED}1\r\nx\r\n0\r\n\r\n${GET}\r\n`,
    expect: ['GET / @h', 'POST /2 @h [abc]', 'POST / @h [x]', 'GET / @h'],
  },
  {
    name: '29: while a request is not answered the next one waits',
    input: `${GET}\r\n${GET}\r\n`,
    answer: 'never',
    expect: ['GET / @h open'],
  },
  {
    name: '30: nothing is parsed behind connection: close',
    input: `${GET}Connection: close\r\n\r\n${GET}\r\n`,
    expect: ['GET / @h', 'close message-end'],
  },
  {
    name: '30: close counts in a list, in any case',
    input: `${GET}Connection: a, CLOSE ,b\r\n\r\n${GET}\r\n`,
    expect: ['GET / @h', 'close message-end'],
  },
  {
    name: '30: close counts in a second line',
    input: `${GET}Connection: a\r\nConnection: close\r\n\r\n${GET}\r\n`,
    expect: ['GET / @h', 'close message-end'],
  },
  {
    name: '30: proxy-connection: close counts',
    input: `${GET}Proxy-Connection: close\r\n\r\n${GET}\r\n`,
    expect: ['GET / @h', 'close message-end'],
  },
  {
    name: '30: closed is not close',
    input: `${GET}Connection: closed, not-close\r\n\r\n`,
    expect: ['GET / @h'],
  },
  {
    name: '30: HTTP/1.0 without keep-alive ends the connection',
    input: `GET / HTTP/1.0\r\n\r\n${GET}\r\n`,
    options: { acceptHttp10: true, defaultHostForHttp10: 'd' },
    expect: ['GET / @d HTTP/1.0', 'close message-end'],
  },
  {
    name: '30: HTTP/1.0 with keep-alive goes on',
    input: `GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n${GET}\r\n`,
    options: { acceptHttp10: true },
    expect: ['GET / @ HTTP/1.0', 'GET / @h'],
  },
  {
    name: '30: nothing is parsed behind an error',
    input: `${GET}A\x00: b\r\n\r\n${GET}\r\n`,
    expect: [CODEC_ERROR, CLOSE],
  },
  {
    name: '31: a good request followed by garbage is answered first',
    input: `${GET}\r\n\x16\x03\x01`,
    expect: ['GET / @h', CODEC_ERROR, CLOSE],
  },
  accepted(
    '32: Expect: 100-Continue',
    `${POST}Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx`,
    'POST / @h [x]',
  ),
  refused(
    '32: another expectation',
    `${POST}Expect: 200-ok\r\nContent-Length: 1\r\n\r\nx`,
    '… !417 http1.codec_error',
  ),
  refused(
    '32: an expectation twice',
    `${POST}Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx`,
    '… !417 http1.codec_error',
  ),
  {
    name: '32: an expectation means nothing in HTTP/1.0',
    input: 'POST / HTTP/1.0\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx',
    options: { acceptHttp10: true },
    fields: true,
    expect: ['POST / @h HTTP/1.0 (content-length: 1) [x]', 'close message-end'],
  },
  ...['GET', 'HEAD', 'DELETE', 'OPTIONS']
    .map((method) =>
      accepted(
        `35: ${method} with content is framed like any other`,
        `${method} / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab${GET}\r\n`,
        `${method} / @h [ab]`,
      ),
    )
    .map((one) => ({ ...one, expect: [...one.expect, 'GET / @h'] })),
  refused('36: a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'),
  refused('36: the HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '… !505 http1.codec_error'),
  refused('36: a PROXY line', 'PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n'),
  refused('36: NUL', '\x00'),
  {
    name: '44: an answer to half a request ends the connection',
    input: `${POST}Content-Length: 10\r\n\r\n`,
    answer: 'head',
    expect: ['POST / @h…', 'close message-end'],
  },
  {
    name: 'FIN while idle',
    input: `${GET}\r\n`,
    eof: true,
    expect: ['GET / @h', 'close peer-closed'],
  },
  { name: 'FIN before anything', input: '', eof: true, expect: ['close peer-closed'] },
  {
    name: 'FIN before the answer',
    input: `${GET}\r\n`,
    answer: 'never',
    eof: true,
    expect: ['GET / @h reset connection-termination', 'close peer-closed'],
  },
];

/** Every case about request lines and connections. */
export const SERVER_REQUEST_CASES: readonly ServerCase[] = [...REQUEST_LINES, ...CONNECTION];
