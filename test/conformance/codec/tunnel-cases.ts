// What HTTP/1.1 codecs make of upgrades and CONNECT, as data; numbers are those of the hardening
// rules. Each case is run whole, byte by byte and cut at random.
import type { ClientCase } from './client-cases.ts';
import { fieldCase, GET, type ServerCase } from './server-case.ts';

/** A WebSocket handshake without its empty line. */
const UPGRADE = `${GET}Connection: Upgrade\r\nUpgrade: WebSocket\r\n`;

/** Those of a server. */
export const SERVER_TUNNEL_CASES: readonly ServerCase[] = [
  {
    name: '33: bytes behind an upgrade are no request, whatever they look like',
    input: `${UPGRADE}\r\n${GET}\r\n`,
    expect: [`GET / @h → websocket [${GET}\r\n]… open`],
  },
  {
    name: '33: bytes behind an upgrade that is answered in HTTP are dropped, and it is the last',
    input: `${UPGRADE}\r\n${GET}\r\n`,
    answer: 'head',
    expect: ['GET / @h → websocket…', 'close message-end'],
  },
  {
    name: '33: a content-length does not make content of what follows an upgrade',
    input: `${UPGRADE}Content-Length: 1\r\n\r\nab`,
    expect: ['GET / @h → websocket [ab]… open'],
  },
  {
    name: '33: nor do chunks',
    input: `${UPGRADE}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    expect: ['GET / @h → websocket [0\r\n\r\n]… open'],
  },
  {
    name: 'one option of several asks for an upgrade',
    input: `${GET}Connection: keep-alive,\tupgrade\r\nUpgrade: a/1\r\n\r\n`,
    expect: ['GET / @h → a/1… open'],
  },
  {
    name: 'so does one Connection line of several',
    input: `${GET}Connection: keep-alive\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n`,
    expect: ['GET / @h → a… open'],
  },
  {
    name: 'several protocols are one wish that nothing allows',
    input: `${GET}Connection: upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n\r\n`,
    expect: ['GET / @h → h2c,websocket… open'],
  },
  fieldCase(
    '33: h2c is not relayed',
    'Connection: upgrade, http2-settings\r\nUpgrade: H2C\r\nHTTP2-Settings: AAM\r\nx: y',
    'connection: upgrade, http2-settings|x: y',
  ),
  fieldCase(
    'Upgrade without its connection option asks for nothing',
    'Upgrade: websocket',
    'upgrade: websocket',
  ),
  {
    name: 'HTTP/1.0 has no upgrades',
    input: 'GET / HTTP/1.0\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
    options: { acceptHttp10: true },
    expect: ['GET / @h HTTP/1.0', 'close message-end'],
  },
  {
    name: 'CONNECT is a tunnel already',
    input: 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nConnection: upgrade\r\nUpgrade: b\r\n\r\n',
    expect: ['CONNECT  @a:1… open'],
  },
  {
    name: 'a 2xx to CONNECT opens the tunnel',
    input: 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nabc',
    answer: 'head',
    eof: true,
    expect: ['CONNECT  @a:1 [abc]', 'close message-end'],
  },
  {
    name: 'FIN in front of the answer gives a tunnel up',
    input: `${UPGRADE}\r\nabc`,
    eof: true,
    expect: ['GET / @h → websocket [abc]… reset connection-termination', 'close peer-closed'],
  },
];

const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\n';
const REFUSED = ['… reset protocol-error http1.codec_error', 'close protocol-error'];
const CUT = 'close reset';
const UPGRADE_TO = { upgrade: 'websocket' };
const CONNECT = { method: 'CONNECT' };

/** Those of a client. */
export const CLIENT_TUNNEL_CASES: readonly ClientCase[] = [
  {
    name: '101 opens the tunnel, and octets behind it are content',
    ...UPGRADE_TO,
    input: `${SWITCHING}Connection: upgrade\r\nUpgrade: websocket\r\n\r\nHTTP/1.1 200 OK\r\n\r\n`,
    expect: ['101 [HTTP/1.1 200 OK\r\n\r\n]… open'],
  },
  {
    name: 'a content-length of 0 beside 101 means nothing',
    ...UPGRADE_TO,
    fields: true,
    input: `${SWITCHING}Connection: upgrade\r\nUpgrade: a\r\nContent-Length: 0\r\n\r\n`,
    expect: ['101 (connection: upgrade|upgrade: a)… open'],
  },
  {
    name: 'interim responses may come before 101',
    ...UPGRADE_TO,
    input: `HTTP/1.1 100 Continue\r\n\r\n${SWITCHING}Upgrade: a\r\n\r\nb`,
    expect: ['100 101 [b]… open'],
  },
  {
    name: '101 that names no protocol is refused',
    ...UPGRADE_TO,
    input: `${SWITCHING}\r\n`,
    expect: REFUSED,
  },
  {
    name: '101 to CONNECT is refused',
    ...CONNECT,
    input: `${SWITCHING}Upgrade: a\r\n\r\n`,
    expect: REFUSED,
  },
  {
    name: 'another answer to an upgrade is HTTP, and the connection ends',
    ...UPGRADE_TO,
    input: 'HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nab',
    expect: ['403 [ab]', CUT],
  },
  {
    name: 'so is success, which agrees to nothing',
    ...UPGRADE_TO,
    input: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
    expect: ['200 [a]', CUT],
  },
  ...['', 'Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n'].map((framing) => ({
    name: `40: 2xx to CONNECT opens the tunnel, whatever it says of content: ${framing.trim()}`,
    ...CONNECT,
    fields: true,
    input: `HTTP/1.1 299 Yes\r\nA: b\r\n${framing}\r\nabcdef`,
    expect: ['299 (a: b) [abcdef]… open'],
  })),
  {
    name: 'another answer to CONNECT is HTTP',
    ...CONNECT,
    input: 'HTTP/1.1 407 No\r\nContent-Length: 1\r\n\r\na',
    expect: ['407 [a]', CUT],
  },
  {
    name: 'FIN ends the server’s side of a tunnel only',
    ...CONNECT,
    input: 'HTTP/1.1 200 OK\r\n\r\nabc',
    ending: 'fin',
    expect: ['200 [abc] open'],
  },
  {
    name: 'a tunnel that is reset is no broken HTTP',
    ...CONNECT,
    input: 'HTTP/1.1 200 OK\r\n\r\nabc',
    ending: 'reset',
    expect: ['200 [abc]… reset connection-termination'],
  },
  {
    name: 'FIN in front of the answer to an upgrade',
    ...UPGRADE_TO,
    input: '',
    ending: 'fin',
    expect: ['… reset connection-termination', 'close peer-closed'],
  },
];
