import t from 'tap';
import { httpInspectorDefinition } from '../../../proxy/filters/listener/http-inspector.ts';
import { DONE, REFUSE, WAIT } from '../../../proxy/filters/listener-filter.ts';
import { candidateConnection, ListenerFilterRig } from '../../support/candidate.ts';

const rig = (): ListenerFilterRig => new ListenerFilterRig(httpInspectorDefinition);

/** Application protocol that each first line stands for, '' for none; as Envoy decides. */
const LINES: readonly (readonly [line: string, protocol: string])[] = [
  ['GET / HTTP/1.1\r\n', 'http/1.1'],
  ['GET / HTTP/1.1\n', 'http/1.1'],
  ['GET / HTTP/1.0\r\n', 'http/1.0'],
  ['GET /\r\n', 'http/1.0'],
  ['GET / HTTP/2.0\r\n', 'http/1.0'],
  ['GET / HTTP/1.2\r\n', 'http/1.0'],
  ['GET / XTTP/1.1\r\n', ''],
  ['get / HTTP/1.1\r\n', 'http/1.1'],
  ['FOO / HTTP/1.1\r\n', 'http/1.1'],
  ['F(O / HTTP/1.1\r\n', ''],
  ['\r\nGET / HTTP/1.1\r\n', ''],
  ['\nGET / HTTP/1.1\r\n', ''],
  [' GET / HTTP/1.1\r\n', ''],
  ['\x16\x03', ''],
  ['GET  / HTTP/1.1\r\n', 'http/1.1'],
  ['GET / HTTP/1.1 \r\n', 'http/1.1'],
  ['GET /a b HTTP/1.1\r\n', ''],
  ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'h2c'],
  ['PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n', 'http/1.0'],
  ['GET / http/1.1\r\n', ''],
  ['GET /\0 HTTP/1.1\r\n', 'http/1.1'],
  ['GET /\xff HTTP/1.1\r\n', ''],
  ['CONNECT a:1 HTTP/1.1\r\n', 'http/1.1'],
  ['CONNECT / HTTP/1.1\r\n', 'http/1.1'],
  ['GET * HTTP/1.1\r\n', 'http/1.1'],
  ['GET a HTTP/1.1\r\n', ''],
  ['GET http://a/ HTTP/1.1\r\n', 'http/1.1'],
  ['SSH-2.0-x\r\n', ''],
  ['EHLO a\r\n', ''],
  ['HTTP/1.1 200 OK\r\n', ''],
];

t.test('tells HTTP by its first line, however it arrives', (t) => {
  for (const [line, protocol] of LINES) {
    for (const { status, candidate } of rig().inspectAllWays(Buffer.from(line, 'latin1'))) {
      t.equal(status, DONE, JSON.stringify(line));
      t.same(candidate.applicationProtocols, protocol === '' ? [] : [protocol], line);
      t.equal(candidate.consumedBytes, 0);
    }
  }
  t.end();
});

t.test('waits for the end of the line', (t) => {
  for (const part of [
    '',
    'G',
    'GET ',
    '1',
    'GET / HTTP/1.1',
    'GET / HTTP/1.1\r',
    'PRI * HTTP/2.0\r\n',
  ]) {
    t.equal(rig().inspect(Buffer.from(part)).status, WAIT, part);
  }
  t.end();
});

t.test('a first line beyond 64 KiB is closed', (t) => {
  const it = rig();
  t.equal(it.inspect(Buffer.alloc(65_535, 'a')).status, WAIT);
  t.equal(it.inspect(Buffer.alloc(65_536, 'a')).status, REFUSE);
  t.equal(it.inspect(Buffer.alloc(70_000, ' G')).status, DONE);
  t.equal(it.counter('http_inspector.read_error'), 1);
  t.end();
});

t.test('a hostile line costs no more time than its length', (t) => {
  const lines = [
    `GET ${' '.repeat(60_000)}\n`,
    `GET ${'/ '.repeat(30_000)}\n`,
    `GET ${'a'.repeat(60_000)}:\n`,
  ];
  const start = process.cpuUsage();
  for (const line of lines) rig().inspect(Buffer.from(line));
  t.ok(process.cpuUsage(start).user < 500_000);
  t.end();
});

t.test('does not look into what another filter found to be TLS', (t) => {
  const it = rig();
  const candidate = candidateConnection();
  candidate.transportProtocol = 'tls';
  t.equal(it.create().inspect(candidate, Buffer.alloc(0), 0), DONE);
  candidate.transportProtocol = 'raw_buffer';
  t.equal(it.create().inspect(candidate, Buffer.alloc(0), 0), WAIT);
  t.end();
});

t.test('counts what it finds', (t) => {
  const it = rig();
  for (const [line] of LINES) it.inspect(Buffer.from(line, 'latin1'));
  const names = ['http10_found', 'http11_found', 'http2_found', 'http_not_found', 'read_error'];
  t.same(
    names.map((name) => it.counter(`http_inspector.${name}`)),
    ['http/1.0', 'http/1.1', 'h2c', '', 'nothing'].map(
      (protocol) => LINES.filter(([, found]) => found === protocol).length,
    ),
  );
  t.end();
});
