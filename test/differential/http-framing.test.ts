// Requests that are framed, aborted, malformed: what a client gets, what an upstream sees.
import t from 'tap';
import { withoutEnvoy } from '../support/with-envoy.ts';
import type { TwinCase } from '../support/with-twins.ts';
import { withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';
import { COMPARED_LOG } from './http-log-format.ts';

const HOST = 'Host: a.test\r\n';

function get(title: string, lines: string, more: Partial<TwinCase> = {}): TwinCase {
  return { title, send: `GET / HTTP/1.1\r\n${HOST}${lines}\r\n`, ...more };
}

function post(title: string, lines: string, body: string, more: Partial<TwinCase> = {}): TwinCase {
  const send = `POST /p HTTP/1.1\r\n${HOST}${lines}\r\n${body}`;
  return { title, send, methods: ['POST'], ...more };
}

function raw(title: string, send: string, more: Partial<TwinCase> = {}): TwinCase {
  return { title, send, ...more };
}

const TWO = `GET /1 HTTP/1.1\r\n${HOST}\r\nGET /2 HTTP/1.1\r\n${HOST}\r\n`;

const CASES: readonly TwinCase[] = [
  get('a plain GET', ''),
  get('a GET with content-length 0', 'Content-Length: 0\r\n'),
  raw('HEAD', `HEAD / HTTP/1.1\r\n${HOST}\r\n`, { methods: ['HEAD'] }),
  ...[
    'POST',
    'PUT',
    'PATCH',
    'DELETE',
    'OPTIONS',
    'TRACE',
    'PURGE',
    'PROPFIND',
    'SOURCE',
    'QUERY',
    'BREW',
    'get',
    'M-SEARCH',
    'PRI',
  ].map((method) =>
    raw(`${method} without content`, `${method} /m HTTP/1.1\r\n${HOST}\r\n`, { methods: [method] }),
  ),
  raw(
    'QUERY',
    `QUERY /q HTTP/1.1\r\n${HOST}Content-Type: text/plain\r\nContent-Length: 1\r\n\r\na`,
    {
      methods: ['QUERY'],
    },
  ),
  raw('QUERY with a body without type', `QUERY /q HTTP/1.1\r\n${HOST}Content-Length: 1\r\n\r\na`, {
    methods: ['QUERY'],
  }),
  raw('MSEARCH', `MSEARCH /q HTTP/1.1\r\n${HOST}\r\n`),
  post('content-length', 'Content-Length: 5\r\n', 'hello'),
  post('chunks', 'Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n'),
  post('chunks, Chunked in capitals', 'Transfer-Encoding: CHUNKED\r\n', '5\r\nhello\r\n0\r\n\r\n'),
  post('an empty chunked body', 'Transfer-Encoding: chunked\r\n', '0\r\n\r\n'),
  post('chunk extensions', 'Transfer-Encoding: chunked\r\n', '5;a=b\r\nhello\r\n0;x="y"\r\n\r\n'),
  post(
    'a chunk size with leading zeros',
    'Transfer-Encoding: chunked\r\n',
    '0005\r\nhello\r\n0\r\n\r\n',
  ),
  post(
    'a chunk size in upper case',
    'Transfer-Encoding: chunked\r\n',
    'A\r\nhellohello\r\n0\r\n\r\n',
  ),
  post(
    'trailers',
    'Transfer-Encoding: chunked\r\nTrailer: x-t\r\n',
    '5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n',
  ),
  post('content-length in pieces', 'Content-Length: 5\r\n', '', {
    send: [`POST /p HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\n`, 'he', 'llo'],
  }),
  post('a bad chunk size', 'Transfer-Encoding: chunked\r\n', 'xyz\r\nhello\r\n0\r\n\r\n'),
  post('an empty chunk size', 'Transfer-Encoding: chunked\r\n', '\r\nhello\r\n0\r\n\r\n'),
  post('a negative chunk size', 'Transfer-Encoding: chunked\r\n', '-5\r\nhello\r\n0\r\n\r\n'),
  post('a chunk size with 0x', 'Transfer-Encoding: chunked\r\n', '0x5\r\nhello\r\n0\r\n\r\n'),
  post(
    'a chunk size with a blank before it',
    'Transfer-Encoding: chunked\r\n',
    ' 5\r\nhello\r\n0\r\n\r\n',
  ),
  post(
    'a chunk size with a blank behind it',
    'Transfer-Encoding: chunked\r\n',
    '5 \r\nhello\r\n0\r\n\r\n',
  ),
  post(
    'a chunk size beyond 64 bits',
    'Transfer-Encoding: chunked\r\n',
    '10000000000000005\r\nhello\r\n0\r\n\r\n',
  ),
  post('a chunk line ended by LF', 'Transfer-Encoding: chunked\r\n', '5\nhello\r\n0\r\n\r\n'),
  post(
    'chunk data without CRLF behind it',
    'Transfer-Encoding: chunked\r\n',
    '5\r\nhelloX0\r\n\r\n',
  ),
  post('chunk data followed by LF only', 'Transfer-Encoding: chunked\r\n', '5\r\nhello\n0\r\n\r\n'),
  post('a bad trailer', 'Transfer-Encoding: chunked\r\n', '0\r\nX T: 1\r\n\r\n'),
  post('chunks broken behind the first one', 'Transfer-Encoding: chunked\r\n', '', {
    send: [`POST /p HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`, 'zz\r\n'],
  }),
  post(
    'content-length and chunked',
    'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
    '0\r\n\r\n',
  ),
  post(
    'content-length and chunked where that is allowed',
    'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
    '3\r\nabc\r\n0\r\n\r\n',
    { listener: 'lenient' },
  ),
  post('two equal content-lengths', 'Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'),
  post('two different content-lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n', 'hello'),
  post('a list of equal content-lengths', 'Content-Length: 5, 5\r\n', 'hello'),
  post('content-length with a plus', 'Content-Length: +5\r\n', 'hello'),
  post('content-length with a minus', 'Content-Length: -5\r\n', 'hello'),
  post('an empty content-length', 'Content-Length: \r\n', 'hello'),
  post('content-length in hex', 'Content-Length: 0x5\r\n', 'hello'),
  post('content-length with leading zeros', 'Content-Length: 005\r\n', 'hello'),
  post('content-length with blanks inside', 'Content-Length: 5 5\r\n', 'hello'),
  post('content-length beyond 64 bits', 'Content-Length: 18446744073709551617\r\n', 'hello'),
  post('transfer-encoding gzip', 'Transfer-Encoding: gzip\r\n', 'hello'),
  post('transfer-encoding identity', 'Transfer-Encoding: identity\r\n', 'hello'),
  post('transfer-encoding gzip, chunked', 'Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'),
  post(
    'transfer-encoding chunked, chunked',
    'Transfer-Encoding: chunked, chunked\r\n',
    '0\r\n\r\n',
  ),
  post(
    'two transfer-encoding lines',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n',
    '0\r\n\r\n',
  ),
  post('transfer-encoding chunked;q=1', 'Transfer-Encoding: chunked;q=1\r\n', '0\r\n\r\n'),
  post('an empty transfer-encoding', 'Transfer-Encoding: \r\n', '0\r\n\r\n'),
  post('transfer-encoding with a vertical tab', 'Transfer-Encoding: \x0bchunked\r\n', '0\r\n\r\n'),
  get('a body on GET', 'Content-Length: 3\r\n', {
    send: `GET / HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`,
  }),
  raw(
    'a chunked body on DELETE',
    `DELETE /d HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
    { methods: ['DELETE'] },
  ),
  raw(
    'a chunked body on HEAD',
    `HEAD /d HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
    { methods: ['HEAD'] },
  ),

  raw('two requests at once', TWO, { responses: 2 }),
  raw('three requests at once', `${TWO}GET /3 HTTP/1.1\r\n${HOST}\r\n`, { responses: 3 }),
  raw(
    'a good request followed by garbage',
    `GET /1 HTTP/1.1\r\n${HOST}\r\n\x01\x02 nonsense\r\n\r\n`,
    { responses: 2 },
  ),
  raw(
    'nothing is served behind connection: close',
    `GET /1 HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n${TWO}`,
  ),
  raw('an empty line before the request line', `\r\nGET / HTTP/1.1\r\n${HOST}\r\n`),
  raw('three empty lines before the request line', `\r\n\r\n\r\nGET / HTTP/1.1\r\n${HOST}\r\n`),
  raw(
    'twenty empty lines before the request line',
    `${'\r\n'.repeat(20)}GET / HTTP/1.1\r\n${HOST}\r\n`,
  ),
  raw(
    'an empty line between requests',
    `GET /1 HTTP/1.1\r\n${HOST}\r\n\r\nGET /2 HTTP/1.1\r\n${HOST}\r\n`,
    { responses: 2 },
  ),

  raw('two blanks in the request line', `GET  / HTTP/1.1\r\n${HOST}\r\n`),
  raw('a tab in the request line', `GET\t/ HTTP/1.1\r\n${HOST}\r\n`),
  raw('a blank behind the version', `GET / HTTP/1.1 \r\n${HOST}\r\n`),
  raw('a blank before the method', ` GET / HTTP/1.1\r\n${HOST}\r\n`),
  raw('no version', `GET /\r\n${HOST}\r\n`),
  raw('version 2.0', `GET / HTTP/2.0\r\n${HOST}\r\n`),
  raw('version 1.2', `GET / HTTP/1.2\r\n${HOST}\r\n`),
  raw('version 0.9', `GET / HTTP/0.9\r\n${HOST}\r\n`),
  raw('version 1', `GET / HTTP/1\r\n${HOST}\r\n`),
  raw('version 1.10', `GET / HTTP/1.10\r\n${HOST}\r\n`),
  raw('version in lower case', `GET / http/1.1\r\n${HOST}\r\n`),
  raw('a method with a bad character', `GE(T / HTTP/1.1\r\n${HOST}\r\n`),
  raw('a very long method', `${'A'.repeat(100)} / HTTP/1.1\r\n${HOST}\r\n`),
  raw('a NUL in the request line', `GET /\0 HTTP/1.1\r\n${HOST}\r\n`),
  raw('a byte above 0x7f in the target', `GET /\xe4 HTTP/1.1\r\n${HOST}\r\n`),
  raw('a fragment', `GET /a#b HTTP/1.1\r\n${HOST}\r\n`),
  raw('odd characters in the path', `GET /a"b<c>d{e}f|g\\h^i\`j HTTP/1.1\r\n${HOST}\r\n`),
  raw('odd characters in the query', `GET /a?b="c"<d>|e\\f^g HTTP/1.1\r\n${HOST}\r\n`),
  raw('lines ended by LF', 'GET / HTTP/1.1\nHost: a.test\n\n'),
  raw('a bare CR in a field', `GET / HTTP/1.1\r\n${HOST}X: a\rb\r\n\r\n`),
  raw('the TLS client hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'),
  raw('noise', 'hello there, how are you?\r\n\r\n'),
  raw('the PROXY protocol', `PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\n${HOST}\r\n`),

  get('a blank before the colon', 'X : 1\r\n'),
  get('a field without colon', 'nonsense\r\n'),
  get('an empty field name', ': 1\r\n'),
  get('a name with a bad character', 'X(Y: 1\r\n'),
  get('a name with a byte above 0x7f', 'X\xe4: 1\r\n'),
  get('obsolete line folding', 'X: a\r\n b\r\n'),
  get('the first field folded', '', { send: `GET / HTTP/1.1\r\n X: 1\r\n${HOST}\r\n` }),
  get('an empty value', 'X:\r\n'),
  get('blanks around a value', 'X: \t a b \t \r\n'),
  get('a tab inside a value', 'X: a\tb\r\n'),
  get('a NUL in a value', 'X: a\0b\r\n'),
  get('a control character in a value', 'X: a\x01b\r\n'),
  get('DEL in a value', 'X: a\x7fb\r\n'),
  get('bytes above 0x7f in a value', 'X: \xc3\xa4\xff\r\n'),
  get('no blank behind the colon', 'X:1\r\n'),
  get('repeated fields keep their order', 'X: 1\r\nY: 2\r\nx: 3\r\n'),
  get('all token characters in a name', "!#$%&'*+-.^_`|~09azAZ: 1\r\n"),

  raw('no Host', 'GET / HTTP/1.1\r\n\r\n'),
  raw('two Host lines', `GET / HTTP/1.1\r\n${HOST}Host: b.test\r\n\r\n`),
  raw('two equal Host lines', `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`),
  raw('an empty Host', 'GET / HTTP/1.1\r\nHost: \r\n\r\n'),
  ...[
    'a.test:80',
    'A.Test',
    'a.test:',
    'a.test:99999',
    'a b.test',
    'a.test/x',
    'u@a.test',
    '[::1]:80',
    '[::1',
    'a_b.test',
    'a,b',
    '*',
    'ä.test',
    'a.test:abc',
    'a%41b',
    'a.test.',
    "a!$&'()*+;=b",
  ].map((host) => raw(`Host ${host}`, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)),

  raw('absolute form', 'GET http://b.test/x?y HTTP/1.1\r\nHost: a.test\r\n\r\n'),
  raw('absolute form without path', 'GET http://b.test HTTP/1.1\r\nHost: a.test\r\n\r\n'),
  raw('absolute form with a query only', 'GET http://b.test?q=1 HTTP/1.1\r\nHost: a.test\r\n\r\n'),
  raw('absolute form with a port', 'GET http://b.test:81/x HTTP/1.1\r\nHost: a.test\r\n\r\n'),
  raw('absolute form with userinfo', 'GET http://u:p@b.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n'),
  raw('absolute form without Host', 'GET http://b.test/x HTTP/1.1\r\n\r\n'),
  raw('absolute form, scheme in capitals', 'GET HTTP://b.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n'),
  raw('absolute form with https', 'GET https://b.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n'),
  raw('absolute form with ftp', 'GET ftp://b.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n'),
  raw('absolute form with an empty host', 'GET http:///x HTTP/1.1\r\nHost: a.test\r\n\r\n'),
  raw('absolute form with a bad port', 'GET http://b.test:x/x HTTP/1.1\r\nHost: a.test\r\n\r\n'),
  raw(
    'absolute form where it is not allowed',
    'GET http://b.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n',
    { listener: 'lenient' },
  ),
  raw('a target without slash', `GET foo HTTP/1.1\r\n${HOST}\r\n`),
  raw('a target that begins with a question mark', `GET ?x HTTP/1.1\r\n${HOST}\r\n`),
  raw('OPTIONS *', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, { methods: ['OPTIONS'] }),
  raw('GET *', `GET * HTTP/1.1\r\n${HOST}\r\n`),
  raw('a path that begins with two slashes', `GET //a.b/c HTTP/1.1\r\n${HOST}\r\n`),
  raw('CONNECT', 'CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n', { methods: ['CONNECT'] }),
  raw('CONNECT without port', 'CONNECT a.test HTTP/1.1\r\nHost: a.test\r\n\r\n', {
    methods: ['CONNECT'],
  }),
  raw('CONNECT with a path', `CONNECT /x HTTP/1.1\r\n${HOST}\r\n`, { methods: ['CONNECT'] }),
  raw(
    'CONNECT with content-length',
    'CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\nContent-Length: 3\r\n\r\nabc',
    { methods: ['CONNECT'] },
  ),
  raw(
    'CONNECT with transfer-encoding',
    'CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    { methods: ['CONNECT'] },
  ),

  raw('HTTP/1.0 that is not accepted', `GET / HTTP/1.0\r\n${HOST}\r\n`),
  raw('HTTP/1.0', `GET / HTTP/1.0\r\n${HOST}\r\n`, { listener: 'old' }),
  raw('HTTP/1.0 without Host', 'GET / HTTP/1.0\r\n\r\n', { listener: 'old' }),
  raw('HTTP/1.0 without Host and without default', 'GET / HTTP/1.0\r\n\r\n', { listener: 'older' }),
  raw('HTTP/1.0 with keep-alive', `GET / HTTP/1.0\r\n${HOST}Connection: keep-alive\r\n\r\n`, {
    listener: 'old',
  }),
  raw(
    'HTTP/1.0 with keep-alive and an answer without length',
    `GET / HTTP/1.0\r\n${HOST}Connection: keep-alive\r\n\r\n`,
    {
      listener: 'old',
      answer: {
        text: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
      },
    },
  ),
  raw('HTTP/1.0 and an answer without length', `GET / HTTP/1.0\r\n${HOST}\r\n`, {
    listener: 'old',
    answer: { text: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n' },
  }),
  raw(
    'HTTP/1.0 with transfer-encoding',
    `POST / HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    { listener: 'old', methods: ['POST'] },
  ),
  raw('HTTP/1.0 with a direct response', `GET /direct HTTP/1.0\r\n${HOST}\r\n`, {
    listener: 'old',
  }),
  raw('HTTP/1.0 HEAD', `HEAD / HTTP/1.0\r\n${HOST}\r\n`, { listener: 'old', methods: ['HEAD'] }),
  raw(
    'HTTP/1.0 with expect',
    `POST / HTTP/1.0\r\n${HOST}Expect: 100-continue\r\nContent-Length: 1\r\n\r\na`,
    { listener: 'old', methods: ['POST'] },
  ),

  get('connection: close', 'Connection: close\r\n'),
  get('connection: Close', 'Connection: Close\r\n'),
  get('connection: keep-alive', 'Connection: keep-alive\r\n'),
  get('connection: keep-alive, close', 'Connection: keep-alive, close\r\n'),
  get('proxy-connection: close', 'Proxy-Connection: close\r\n'),

  post('expect, then the body', 'Content-Length: 5\r\n', '', {
    send: [`POST /p HTTP/1.1\r\n${HOST}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n`, 'hello'],
  }),
  post('expect with the body at once', 'Content-Length: 5\r\nExpect: 100-continue\r\n', 'hello'),
  post('expect in capitals', 'Content-Length: 5\r\nExpect: 100-Continue\r\n', 'hello'),
  post('another expectation', 'Content-Length: 5\r\nExpect: 200-ok\r\n', 'hello'),
  get('expect without a body', 'Expect: 100-continue\r\n'),
  post('expect where the upstream is to decide', 'Content-Length: 5\r\n', '', {
    listener: 'continue',
    send: [`POST /p HTTP/1.1\r\n${HOST}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n`, 'hello'],
    answer: { text: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok' },
  }),

  get('an upgrade that is not configured', 'Connection: upgrade\r\nUpgrade: websocket\r\n'),
  get(
    'an upgrade to h2c',
    'Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n',
  ),
  get('upgrade without connection', 'Upgrade: websocket\r\n'),
  raw(
    'an upgrade of a direct response',
    `GET /direct HTTP/1.1\r\n${HOST}Connection: upgrade\r\nUpgrade: x\r\n\r\n`,
  ),
  get('an upgrade where no route is', 'Connection: upgrade\r\nUpgrade: websocket\r\n', {
    listener: 'elsewhere',
  }),
  raw('CONNECT where no route is', 'CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n', {
    methods: ['CONNECT'],
    listener: 'elsewhere',
  }),
  get('connection: upgrade without upgrade', 'Connection: upgrade\r\n'),

  get('a head at the limit of fields', 'X: 1\r\n'.repeat(99)),
  get('a head over the limit of fields', 'X: 1\r\n'.repeat(101)),
  get('a head over the limit of octets', `X: ${'a'.repeat(62 * 1024)}\r\n`),
  get('a small limit of octets, kept', `X: ${'a'.repeat(900)}\r\n`, { listener: 'small' }),
  get('a small limit of octets, broken', `X: ${'a'.repeat(1100)}\r\n`, { listener: 'small' }),
  raw('a small limit broken by the target', `GET /${'a'.repeat(1100)} HTTP/1.1\r\n${HOST}\r\n`, {
    listener: 'small',
  }),
  get('a small limit of fields, kept', 'X: 1\r\n'.repeat(4), { listener: 'small' }),
  get('a small limit of fields, broken', 'X: 1\r\n'.repeat(6), { listener: 'small' }),
  raw('a head that never ends', `GET / HTTP/1.1\r\n${HOST}X: ${'a'.repeat(2000)}`, {
    listener: 'small',
  }),
  post(
    'trailers over the limit',
    'Transfer-Encoding: chunked\r\n',
    `0\r\n${'X: 1\r\n'.repeat(20)}\r\n`,
    { listener: 'small' },
  ),

  get('underscores are allowed by default', 'a_b: 1\r\n'),
  get('underscores rejected', 'a_b: 1\r\n', { listener: 'reject' }),
  get('underscores dropped', 'a_b: 1\r\nc: 2\r\n', { listener: 'drop' }),
  raw('a custom method where it is allowed', `BREW / HTTP/1.1\r\n${HOST}\r\n`, {
    listener: 'lenient',
    methods: ['BREW'],
  }),
  post(
    'trailers where they are enabled',
    'Transfer-Encoding: chunked\r\n',
    '5\r\nhello\r\n0\r\nX-T: 1\r\nx-u: 2\r\n\r\n',
    {
      listener: 'trailers',
      answer: {
        text: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-R: 1\r\n\r\n',
      },
    },
  ),
  post(
    'forbidden trailers where trailers are enabled',
    'Transfer-Encoding: chunked\r\n',
    '5\r\nhello\r\n0\r\nContent-Length: 1\r\nHost: b\r\nX: 1\r\n\r\n',
    { listener: 'trailers' },
  ),
  get('proper case', 'x-some-name: 1\r\n', { listener: 'proper' }),

  raw('a client that leaves inside its head', `GET / HTTP/1.1\r\nHo`, { halfClose: true }),
  raw('a client that ends its side behind a request', `GET / HTTP/1.1\r\n${HOST}\r\n`, {
    halfClose: 'asked',
    answer: { text: '' },
  }),
  post('a client that ends its side inside its body', 'Content-Length: 50\r\n', 'hello', {
    halfClose: 'asked',
  }),
  raw('a client that says nothing and leaves', '', { halfClose: true }),
];

t.test('messages go in and out as with Envoy', { skip: withoutEnvoy }, async (t) => {
  const http1 = (options: object) => ({ hcm: { http_protocol_options: options } });
  const common = (options: object) => ({ hcm: { common_http_protocol_options: options } });
  await withTwins(
    {
      log: COMPARED_LOG,
      clusters: {
        trailers: {
          explicit_http_config: { http_protocol_options: { enable_trailers: true } },
          common_http_protocol_options: { max_requests_per_connection: 1 },
        },
        proper: {
          explicit_http_config: {
            http_protocol_options: { header_key_format: { proper_case_words: {} } },
          },
          common_http_protocol_options: { max_requests_per_connection: 1 },
        },
      },
      listeners: {
        main: {},
        elsewhere: { virtualHost: { domains: ['elsewhere.test', 'probe'] } },
        lenient: http1({
          allow_absolute_url: false,
          allow_chunked_length: true,
          allow_custom_methods: true,
        }),
        old: http1({ accept_http_10: true, default_host_for_http_10: 'default.test' }),
        older: http1({ accept_http_10: true }),
        continue: { hcm: { proxy_100_continue: true } },
        small: {
          hcm: {
            max_request_headers_kb: 1,
            common_http_protocol_options: { max_headers_count: 6 },
          },
        },
        reject: common({ headers_with_underscores_action: 'REJECT_REQUEST' }),
        drop: common({ headers_with_underscores_action: 'DROP_HEADER' }),
        trailers: { ...http1({ enable_trailers: true }), cluster: 'trailers' },
        proper: { ...http1({ header_key_format: { proper_case_words: {} } }), cluster: 'proper' },
      },
    },
    (twins) => compareCases(t, twins, CASES),
  );
});
