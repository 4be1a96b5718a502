import t from 'tap';
import { tlsInspectorDefinition } from '../../../proxy/filters/listener/tls-inspector.ts';
import { DONE, REFUSE, WAIT } from '../../../proxy/filters/listener-filter.ts';
import { ListenerFilterRig } from '../../support/candidate.ts';
import {
  alpnExtension,
  extension,
  helloMessage,
  realClientHello,
  records,
  serverNameExtension,
  vector,
} from '../../support/client-hello.ts';
import { mutate } from '../../support/mutate.ts';
import { seededRandom, testSeed } from '../../support/seeded-random.ts';

const DEFAULTS = { maxClientHelloBytes: 16_384, closesOnParsingErrors: false };
const TLS = 'envoy.filters.listener.tls_inspector';

const rig = (config: Partial<typeof DEFAULTS> = {}): ListenerFilterRig =>
  new ListenerFilterRig(tlsInspectorDefinition, { ...DEFAULTS, ...config });

t.test('finds name and protocols of a real client, however its octets arrive', async (t) => {
  const hello = await realClientHello({
    servername: 'Api.Example',
    ALPNProtocols: ['h2', 'http/1.1'],
  });
  for (const { status, candidate } of rig().inspectAllWays(hello)) {
    t.equal(status, DONE);
    t.equal(candidate.transportProtocol, 'tls');
    t.equal(candidate.serverName, 'api.example');
    t.same(candidate.applicationProtocols, ['h2', 'http/1.1']);
    t.equal(candidate.consumedBytes, 0);
  }
});

t.test('serves old clients and those that offer nothing', async (t) => {
  for (const version of ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const) {
    const hello = await realClientHello({
      minVersion: version,
      maxVersion: version,
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    const { status, candidate } = rig().inspect(hello);
    t.same([status, candidate.transportProtocol], [DONE, 'tls'], version);
    t.same([candidate.serverName, candidate.applicationProtocols], ['', []]);
  }
  t.equal(rig().inspect(records(helloMessage(null))).candidate.transportProtocol, 'tls');
});

t.test('reads a message that is spread over records', (t) => {
  const message = helloMessage([serverNameExtension('a.b'), alpnExtension('h2')]);
  for (const size of [1, 3, 4, 5, 50]) {
    for (const { status, candidate } of rig().inspectAllWays(records(message, size))) {
      t.same([status, candidate.serverName], [DONE, 'a.b']);
    }
  }
  t.end();
});

t.test('counts what it finds', (t) => {
  const it = rig();
  it.inspect(records(helloMessage([serverNameExtension('a.b'), alpnExtension('h2')])));
  it.inspect(records(helloMessage([])));
  it.inspect(Buffer.from('GET / HTTP/1.1\r\n'));
  const names = ['tls_found', 'tls_not_found', 'sni_found', 'sni_not_found'];
  const more = ['alpn_found', 'alpn_not_found', 'client_hello_too_large'];
  const counts = [...names, ...more].map((name) => it.counter(`tls_inspector.${name}`));
  t.same(counts, [2, 1, 1, 1, 1, 1, 0]);
  t.end();
});

t.test('what is not TLS goes on as clear text, or is closed where that is wanted', (t) => {
  const clear = [
    Buffer.from('GET / HTTP/1.1\r\n'),
    Buffer.from([22, 2, 0, 0, 5, 1, 0, 0, 1, 0]),
    Buffer.from([22, 3, 1, 0xff, 0xff]),
    Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0]),
    Buffer.from([22, 3, 1, 0, 4, 1, 1, 0, 0]),
    Buffer.concat(Array.from({ length: 33 }, () => Buffer.from([22, 3, 1, 0, 0]))),
    records(helloMessage([], { version: 0x0300 })),
    records(helloMessage([], { sessionId: 33 })),
    records(helloMessage([], { suites: 3 })),
    records(helloMessage([], { suites: 0 })),
    records(helloMessage([serverNameExtension('a'), serverNameExtension('b')])),
    records(helloMessage([serverNameExtension('a', 1)])),
    records(helloMessage([serverNameExtension('')])),
    records(helloMessage([serverNameExtension('a\0b')])),
    records(helloMessage([serverNameExtension('a'.repeat(256))])),
    records(helloMessage([extension(43, vector(1, Buffer.from([3, 0])))])),
    records(helloMessage([Buffer.from([0, 0, 0, 9, 1])])),
  ];
  for (const bytes of clear) {
    const name = bytes.toString('hex').slice(0, 40);
    for (const { status, candidate } of rig().inspectAllWays(bytes)) {
      t.same([status, candidate.transportProtocol], [DONE, ''], name);
      const failure = { failure_reason: 'ClientHelloNotDetected' };
      t.same(candidate.dynamicMetadata?.get(TLS), failure);
    }
    t.equal(rig({ closesOnParsingErrors: true }).inspect(bytes).status, REFUSE, name);
  }
  t.end();
});

t.test('a list of protocols that is not well-formed counts as none', (t) => {
  const lists = [vector(2), Buffer.from([0, 2, 0, 0]), Buffer.from([0, 9, 1, 97]), Buffer.alloc(0)];
  for (const list of lists) {
    const { status, candidate } = rig().inspect(records(helloMessage([extension(16, list)])));
    t.same([status, candidate.transportProtocol], [DONE, 'tls']);
    t.same(candidate.applicationProtocols, []);
  }
  t.end();
});

t.test('a name is lowered in ASCII only', (t) => {
  const name = Buffer.from('\u212aX.test');
  const { candidate } = rig().inspect(records(helloMessage([serverNameExtension(name)])));
  t.equal(candidate.serverName, name.toString('latin1').replace('X', 'x'));
  t.end();
});

t.test('says in the words of TLS libraries what it took for no TLS', (t) => {
  const said = (text: string): string =>
    rig().inspect(Buffer.from(text)).candidate.transportFailure;
  const failure = (code: string, reason: string): string =>
    `TLS_error|error:${code}:SSL routines:OPENSSL_internal:${reason}:TLS_error_end`;
  for (const method of ['GET', 'POST', 'HEAD', 'PUT']) {
    t.equal(said(`${method} / HTTP/1.1\r\n`), failure('1000009c', 'HTTP_REQUEST'), method);
  }
  t.equal(said('CONNECT a:1 HTTP/1.1\r\n'), failure('1000009b', 'HTTPS_PROXY_REQUEST'));
  t.equal(said('SSH-2.0-x\r\n'), failure('100000f7', 'WRONG_VERSION_NUMBER'));
  t.equal(rig().inspect(records(helloMessage(null))).candidate.transportFailure, '');
  t.end();
});

t.test('closes on a ClientHello beyond the limit, and not at it', (t) => {
  const hello = records(helloMessage([extension(21, Buffer.alloc(600))]));
  t.equal(rig({ maxClientHelloBytes: hello.length }).inspect(hello).status, DONE);
  const strict = rig({ maxClientHelloBytes: hello.length - 1 });
  for (const { status, candidate } of strict.inspectAllWays(hello)) {
    t.equal(status, REFUSE);
    t.same(candidate.dynamicMetadata?.get(TLS), { failure_reason: 'ClientHelloTooLarge' });
  }
  t.equal(strict.counter('tls_inspector.client_hello_too_large'), 202);
  t.end();
});

t.test('a client that sends little is waited for', (t) => {
  const hello = records(helloMessage([]));
  for (let length = 0; length < hello.length; length += 1) {
    t.equal(rig().inspect(hello.subarray(0, length)).status, WAIT);
  }
  t.end();
});

t.test('any octets end in a verdict, the same one however they are cut', (t) => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const base = records(helloMessage([serverNameExtension('a.b'), alpnExtension('h2', 'x')]), 60);
  for (let step = 0; step < 300; step += 1) {
    const text = mutate(base.toString('latin1'), 'x', random);
    const bytes = Buffer.from(text, 'latin1');
    const whole = rig().inspect(bytes);
    const cuts = Array.from({ length: 4 }, () => Math.floor(random.next() * bytes.length)).sort(
      (a, b) => a - b,
    );
    t.same(rig().inspect(bytes, cuts), whole, `seed ${seed} step ${step}`);
  }
  t.end();
});
