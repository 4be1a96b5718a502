import t, { type Test } from 'tap';
import { usePublicSockets } from '../../proxy/net/accepted-socket.ts';
import { makeAuthority, makeCertificate } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { downstreamTls, inlineRef, upstreamTls, validationSecret } from '../support/tls-config.ts';
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
