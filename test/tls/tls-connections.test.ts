import { once } from 'node:events';
import { type AddressInfo, createServer, connect as dial } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import t, { type Test } from 'tap';
import { usePublicSockets } from '../../proxy/net/accepted-socket.ts';
import { makeAuthority, makeCertificate } from '../support/certificates.ts';
import { realClientHello } from '../support/client-hello.ts';
import { eventually } from '../support/eventually.ts';
import {
  certificateSecret,
  downstreamTls,
  inlineRef,
  upstreamTls,
  validationSecret,
} from '../support/tls-config.ts';
import { TlsPair } from '../support/tls-pair.ts';

const authority = makeAuthority();
const serverCertificate = makeCertificate({
  issuer: authority,
  altNames: [{ dns: 'server.test' }],
});
const clientCertificate = makeCertificate({
  issuer: authority,
  altNames: [{ uri: 'spiffe://td/ns/a/sa/b' }],
});
const stranger = makeCertificate({ issuer: makeAuthority({ subject: 'another root' }) });

const trusts = (issuer = authority) => ({
  ref: inlineRef(validationSecret(issuer), `inline:${issuer.pem}`),
  base: null,
});

/** The same tests on both kinds of sockets. */
function onBothSockets(title: string, run: (t: Test) => Promise<void>): void {
  for (const isPublic of [false, true]) {
    t.test(`${title}, ${isPublic ? 'on documented sockets' : 'on swapped handles'}`, async (t) => {
      const before = usePublicSockets(isPublic);
      t.teardown(() => usePublicSockets(before));
      await run(t);
    });
  }
}

onBothSockets('octets cross in both directions', async (t) => {
  const pair = await TlsPair.open(t, {
    down: downstreamTls([serverCertificate]),
    up: upstreamTls(),
  });
  const [client, server] = await pair.connect({ serverName: 'server.test' });
  t.same(client.events, ['connected']);
  t.same(server.events, ['connected']);
  client.open.writeText('head');
  client.open.writeBytes(Buffer.alloc(300_000, 'B'));
  client.open.writeText('tail');
  await eventually(() => server.received.length === 300_008);
  t.equal(server.received, `head${'B'.repeat(300_000)}tail`);
  server.open.writeText('answer');
  server.open.close('flush');
  await eventually(() => client.events.length > 1);
  t.equal(client.received, 'answer');
  t.same(client.events, ['connected', 'end']);
  client.open.close('flush');
  await eventually(() => client.events.length > 2 && server.events.length > 1);
  const { tls } = server.open;
  t.match(tls, {
    version: 'TLSv1.2',
    serverName: 'server.test',
    group: 'X25519',
    isResumed: false,
  });
  t.match(client.open.tls, { cipher: 'ECDHE-ECDSA-AES128-GCM-SHA256', group: 'X25519' });
  t.same(pair.counters('listener.x.ssl.'), {
    handshake: 1,
    no_certificate: 1,
    'ciphers.ECDHE-ECDSA-AES128-GCM-SHA256': 1,
    'curves.X25519': 1,
    'versions.TLSv1.2': 1,
  });
});

onBothSockets('both sides show who they are', async (t) => {
  const down = downstreamTls([serverCertificate], {
    validation: trusts(),
    requiresClientCertificate: true,
  });
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const up = upstreamTls([clientCertificate], { validation: trusts(), maxVersion });
    const pair = await TlsPair.open(t, { down, up });
    const [client, server] = await pair.connect();
    t.same(server.events, ['connected']);
    t.equal(server.open.tls?.version, maxVersion);
    t.equal(server.open.tls?.isPeerValidated, true);
    t.equal(server.open.tls?.peerChain[0]?.subjectAltNames[0]?.value, 'spiffe://td/ns/a/sa/b');
    t.equal(client.open.tls?.peerChain[0]?.subjectAltNames[0]?.value, 'server.test');
    client.open.close('now');
  }
});

onBothSockets('a client without a certificate is refused where one is required', async (t) => {
  const down = downstreamTls([serverCertificate], {
    validation: trusts(),
    requiresClientCertificate: true,
  });
  const pair = await TlsPair.open(t, { down, up: upstreamTls() });
  const [client, server] = await pair.connect();
  t.same(server.events, [
    'close transport-failed TLS_error:|268435648:SSL routines:OPENSSL_internal:' +
      'PEER_DID_NOT_RETURN_A_CERTIFICATE:peer did not provide required client certificate:' +
      'TLS_error_end',
  ]);
  await eventually(() => client.events.length > 0);
  t.match(client.events[0], /^close transport-failed TLS_error:\|268436496:.*HANDSHAKE_FAILURE/);
  t.same(pair.counters('listener.x.ssl.'), { fail_verify_no_cert: 1 });
});

onBothSockets('peers that nobody trusts are refused on both sides', async (t) => {
  const down = downstreamTls([serverCertificate], { validation: trusts() });
  const pair = await TlsPair.open(t, { down, up: upstreamTls([stranger]) });
  const [, server] = await pair.connect();
  t.match(server.events[0], /^close transport-failed TLS_error:.*CERTIFICATE_VERIFY_FAILED/);
  t.equal(pair.counters('listener.x.ssl.')['fail_verify_error'], 1);
  t.equal(pair.counters('listener.x.ssl.')['handshake'], undefined);
  const wary = upstreamTls([], { validation: trusts() });
  const other = await TlsPair.open(t, { down: downstreamTls([stranger]), up: wary });
  const client = other.dial();
  await eventually(() => client.events.length > 0);
  t.match(client.events[0], /^close transport-failed TLS_error:.*CERTIFICATE_VERIFY_FAILED/);
  t.equal(other.counters('cluster.y.ssl.')['fail_verify_error'], 1);
});

onBothSockets('sessions are resumed, and both sides still know who the other one is', async (t) => {
  const down = downstreamTls([serverCertificate], {
    validation: trusts(),
    requiresClientCertificate: true,
  });
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const up = upstreamTls([clientCertificate], { validation: trusts(), maxVersion });
    const pair = await TlsPair.open(t, { down, up });
    for (const isResumed of [false, true, true]) {
      const [client, server] = await pair.connect({ serverName: 'server.test' });
      t.same(server.events, ['connected']);
      t.same(client.events, ['connected']);
      t.equal(server.open.tls?.isResumed, isResumed);
      t.equal(server.open.tls?.isPeerValidated, true);
      t.equal(server.open.tls?.peerChain[0]?.subjectAltNames[0]?.value, 'spiffe://td/ns/a/sa/b');
      t.equal(client.open.tls?.peerChain[0]?.subjectAltNames[0]?.value, 'server.test');
      server.open.writeText('hello');
      await eventually(() => client.received === 'hello');
      client.open.close('flush');
      await eventually(() => server.events.includes('end'));
      server.open.close('flush');
    }
    t.equal(pair.counters('listener.x.ssl.')['session_reused'], 2);
    const [other] = await pair.connect({ serverName: 'another.test' });
    t.equal(other.open.tls?.isResumed, false, 'not under another name');
  }
});

onBothSockets('a server that was refused leaves no session behind', async (t) => {
  const up = upstreamTls([], { validation: trusts() });
  const pair = await TlsPair.open(t, { down: downstreamTls([stranger]), up });
  for (let round = 0; round < 2; round += 1) {
    const client = pair.dial();
    await eventually(() => client.events.length > 0);
    t.match(client.events[0], /CERTIFICATE_VERIFY_FAILED/);
  }
  t.equal(pair.counters('cluster.y.ssl.')['session_reused'], undefined);
});

onBothSockets('what is no TLS is refused with the reason', async (t) => {
  const pair = await TlsPair.open(t, {
    down: downstreamTls([serverCertificate]),
    up: upstreamTls(),
  });
  const cases = [
    [
      'GET / HTTP/1.1\r\nhost: a\r\n\r\n',
      'TLS_error:|268435612:SSL routines:OPENSSL_internal:HTTP_REQUEST:TLS_error_end',
    ],
    [
      '\x16\x03\x01\x00\x05hello',
      /^TLS_error:\|\d+:SSL routines:OPENSSL_internal:[A-Z_]+:TLS_error_end$/,
    ],
    [
      '\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c',
      'TLS_error:|268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end',
    ],
  ] as const;
  for (const [text, reason] of cases) {
    const count = pair.accepted.length;
    const socket = dial(pair.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(text, 'latin1');
    await eventually(() => (pair.accepted[count]?.events.length ?? 0) > 0);
    const event = pair.accepted[count]?.events[0] ?? '';
    t.match(event.replace('close transport-failed ', ''), reason);
    socket.destroy();
  }
  t.equal(pair.counters('listener.x.ssl.')['connection_error'], 3);
});

onBothSockets('a client may send its first message octet by octet', async (t) => {
  const pair = await TlsPair.open(t, {
    down: downstreamTls([serverCertificate]),
    up: upstreamTls(),
  });
  const slow = createServer((client) => {
    const server = dial(pair.port, '127.0.0.1');
    client.on('data', (data) => {
      for (const octet of data) server.write(Buffer.of(octet));
    });
    server.setNoDelay(true).pipe(client);
    for (const socket of [client, server]) socket.on('error', () => undefined);
    client.on('close', () => server.destroy());
  });
  await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
  t.teardown(() => slow.close());
  const { port } = slow.address() as AddressInfo;
  const client = tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  t.teardown(() => client.destroy());
  await once(client, 'secureConnect');
  client.write('hello');
  await eventually(() => pair.accepted[0]?.received === 'hello');
  t.equal(pair.accepted[0]?.open.tls?.version, 'TLSv1.3');
});

onBothSockets('a peer that goes away in the midst of the handshake is no error', async (t) => {
  const pair = await TlsPair.open(t, {
    down: downstreamTls([serverCertificate]),
    up: upstreamTls(),
  });
  const hello = await realClientHello({});
  const socket = dial(pair.port, '127.0.0.1');
  socket.end(hello);
  socket.resume();
  await eventually(() => (pair.accepted[0]?.events.length ?? 0) > 0);
  t.same(pair.accepted[0]?.events, ['close peer-closed']);
  t.same(pair.counters('listener.x.ssl.'), {});
});

onBothSockets('what was decrypted waits while the reader pauses', async (t) => {
  const pair = await TlsPair.open(t, {
    down: downstreamTls([serverCertificate]),
    up: upstreamTls(),
  });
  const [client, server] = await pair.connect();
  let isPaused = false;
  server.onPiece = () => {
    t.notOk(isPaused, 'nothing comes while it pauses');
    isPaused = true;
    server.open.pauseReading();
    setImmediate(() => {
      isPaused = false;
      server.open.resumeReading();
    });
  };
  const data = Buffer.alloc(1_000_000);
  for (let index = 0; index < data.length; index += 1) data[index] = index % 251;
  client.open.writeBytes(data);
  client.open.halfClose();
  await eventually(() => server.events.includes('end'));
  t.ok(Buffer.concat(server.chunks).equals(data), 'all of it, and then the end');
  server.open.writeText('thanks');
  server.open.close('flush');
  await eventually(() => client.received === 'thanks');
});

onBothSockets('a reset is one on the other side, too', async (t) => {
  const pair = await TlsPair.open(t, {
    down: downstreamTls([serverCertificate]),
    up: upstreamTls(),
  });
  const [client, server] = await pair.connect();
  client.open.close('reset');
  await eventually(() => server.events.length > 1);
  t.same(server.events, ['connected', 'close peer-reset Connection reset by peer']);
});

t.test('an OCSP response goes to clients that ask for one, by the policy', async (t) => {
  const ocspStaple = Buffer.from('an OCSP response');
  const stapled = { ...certificateSecret(serverCertificate), ocspStaple };
  const cases = [
    ['lenient', stapled, { ocsp_staple_requests: 1, ocsp_staple_responses: 1, handshake: 1 }],
    ['strict', null, { ocsp_staple_requests: 1, ocsp_staple_omitted: 1, handshake: 1 }],
    ['must-staple', null, { ocsp_staple_requests: 1, ocsp_staple_failed: 1, connection_error: 1 }],
  ] as const;
  for (const isPublic of [false, true]) {
    const before = usePublicSockets(isPublic);
    for (const [ocspPolicy, secret, wanted] of cases) {
      const own = secret === null ? {} : { certificates: [inlineRef(secret, 'inline:stapled')] };
      const down = downstreamTls([serverCertificate], { ocspPolicy, ...own });
      const pair = await TlsPair.open(t, { down, up: upstreamTls() });
      const client = tlsConnect({
        ...{ port: pair.port, host: '127.0.0.1', rejectUnauthorized: false, requestOCSP: true },
      });
      let response = '';
      client.on('OCSPResponse', (found: Buffer | null) => {
        response = found?.toString() ?? '';
      });
      client.on('error', () => undefined);
      await eventually(() => (pair.accepted[0]?.events.length ?? 0) > 0);
      t.match(pair.counters('listener.x.ssl.'), wanted);
      t.equal(response, secret === null ? '' : 'an OCSP response');
      client.destroy();
    }
    usePublicSockets(before);
  }
});

t.test('a client without a server name is turned away where one is required', async (t) => {
  const down = downstreamTls([serverCertificate], { requiresServerName: true });
  const pair = await TlsPair.open(t, { down, up: upstreamTls() });
  const nameless = pair.dial();
  await eventually(() => nameless.events.length > 0);
  t.match(pair.accepted[0]?.events, [/CONNECTION_REJECTED/]);
  const [named] = await pair.connect({ serverName: 'server.test' });
  t.same(named.events, ['connected']);
});
