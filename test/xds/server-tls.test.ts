import { createHash, X509Certificate } from 'node:crypto';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import grpc from '@grpc/grpc-js';
import t from 'tap';
import type { ValidationSecret } from '../../proxy/model/secret.ts';
import { makePeerVerifier } from '../../proxy/tls/make-peer-verifier.ts';
import { makeSecureContext } from '../../proxy/tls/secure-context.ts';
import { ALL_NAMES } from '../../proxy/xds/discovery.ts';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import type { ServerTls } from '../../proxy/xds/server-tls.ts';
import { makeAuthority, makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { ControlPlane } from '../support/control-plane.ts';
import { DiscoveryLog } from '../support/discovery-log.ts';
import { restSource } from '../support/discovery-rigs.ts';
import { eventually } from '../support/eventually.ts';
import { TcpRelay } from '../support/tcp-relay.ts';
import { certificateSecret, upstreamTls, validationSecret } from '../support/tls-config.ts';
import { grpcServer, muxRig } from '../support/xds-mux.ts';

const NAME = 'istiod.istio-system.svc';
const root = makeAuthority();
const other = makeAuthority({ subject: 'somebody else', keyLabel: 'other' });
const server = makeCertificate({ issuer: root, altNames: [{ dns: NAME }] });
const selfSigned = makeCertificate({ altNames: [{ dns: NAME }] });
const client = makeCertificate({ issuer: root, subject: 'client' });

const pin = (of: TestCertificate) => createHash('sha256').update(of.der).digest('hex');
const keyPin = (of: TestCertificate) =>
  createHash('sha256')
    .update(new X509Certificate(of.pem).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
const named = (text: string) =>
  [
    { kind: 'dns', oid: '', match: { kind: 'exact', text, regex: null, ignoresCase: false } },
  ] as const;

function tlsOf(
  validation: ValidationSecret | null,
  members: { readonly serverName?: string; readonly expectedName?: string } = {},
): ServerTls {
  const verifier = validation === null ? null : makePeerVerifier(validation, 'server');
  const certificate = certificateSecret(client);
  return {
    context: makeSecureContext({
      ...{ common: upstreamTls(), certificate, verifier, sessions: null },
      prefersOwnCiphers: false,
    }),
    ...{ serverName: NAME, expectedName: '', verifier, ...members },
  };
}

interface Case {
  readonly title: string;
  readonly shown: TestCertificate;
  readonly tls: ServerTls;
  /** Empty: the server is taken. */
  readonly refusal: string;
}

const anyone = validationSecret(null);
const CASES: readonly Case[] = [
  { title: 'anybody', shown: selfSigned, tls: tlsOf(null), refusal: '' },
  { title: 'an authority', shown: server, tls: tlsOf(validationSecret(root)), refusal: '' },
  {
    title: 'another authority',
    shown: server,
    tls: tlsOf(validationSecret(other)),
    refusal: 'X509_verify_cert: certificate verification error',
  },
  {
    title: 'an authority, by who signed himself',
    shown: selfSigned,
    tls: tlsOf(validationSecret(root)),
    refusal: 'X509_verify_cert: certificate verification error',
  },
  {
    title: 'another name',
    shown: server,
    tls: tlsOf(validationSecret(root, { sanMatchers: named('elsewhere') })),
    refusal: 'verify cert failed: SAN matcher',
  },
  {
    title: 'the name that was sent, of another server',
    shown: server,
    tls: tlsOf(validationSecret(root), { serverName: 'elsewhere', expectedName: 'elsewhere' }),
    refusal: 'verify SAN list, expected SANs: [elsewhere]',
  },
  {
    title: 'the name that was sent, without anybody to judge it',
    shown: server,
    tls: tlsOf(null, { expectedName: NAME }),
    refusal: 'no validation context judges the name',
  },
  {
    title: 'its own hash, without authorities',
    shown: selfSigned,
    tls: tlsOf({ ...anyone, certificateHashes: [pin(selfSigned)] }),
    refusal: '',
  },
  {
    title: 'another hash, without authorities',
    shown: selfSigned,
    tls: tlsOf({ ...anyone, certificateHashes: [pin(server)] }),
    refusal: 'verify cert failed: cert hash and spki',
  },
  {
    title: 'its own key, without authorities',
    shown: selfSigned,
    tls: tlsOf({ ...anyone, publicKeyHashes: [keyPin(selfSigned)] }),
    refusal: '',
  },
  {
    title: 'another key, without authorities',
    shown: server,
    tls: tlsOf({ ...anyone, publicKeyHashes: [keyPin(other)] }),
    refusal: 'verify cert failed: cert hash and spki',
  },
  {
    title: 'another hash, of an authority',
    shown: server,
    tls: tlsOf(validationSecret(root, { certificateHashes: [pin(selfSigned)] })),
    refusal: 'verify cert failed: cert hash and spki',
  },
  {
    title: 'whatever, by ACCEPT_UNTRUSTED',
    shown: selfSigned,
    tls: tlsOf(validationSecret(root, { acceptsUntrusted: true })),
    refusal: '',
  },
];

const names = new Set([ALL_NAMES]);
const request = { typeUrl: TYPE_URLS.cluster, names, fetchTimeoutMs: 0, stats: null };

function credentialsOf(shown: TestCertificate, clientRoot: TestCertificate | null) {
  const pair = { cert_chain: Buffer.from(shown.pem), private_key: Buffer.from(shown.keyPem) };
  const ca = clientRoot === null ? null : Buffer.from(clientRoot.pem);
  return grpc.ServerCredentials.createSsl(ca, [pair], clientRoot !== null);
}

for (const { title, shown, tls, refusal } of CASES) {
  const verdict = refusal === '' ? 'is taken' : 'is refused';
  t.test(`a server that must show ${title} ${verdict} over gRPC`, async (t) => {
    const plane = await ControlPlane.listen({ credentials: credentialsOf(shown, root) });
    const rig = muxRig(grpcServer(plane.port, { tls: () => tls }));
    t.teardown(() => {
      rig.close();
      plane.close();
    });
    const log = new DiscoveryLog();
    rig.mux.subscribe(request, log);
    await eventually(() => log.failures.length > 0 || plane.streams.length > 0);
    t.equal(plane.streams.length, refusal === '' ? 1 : 0);
    if (refusal !== '') t.ok(rig.lines[0]?.includes(refusal), `${rig.lines[0]}`);
  });

  t.test(`a server that must show ${title} ${verdict} by polls`, async (t) => {
    let polls = 0;
    const listener = https.createServer({ cert: shown.pem, key: shown.keyPem }, (_, response) => {
      polls += 1;
      response.writeHead(304).end();
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const source = restSource((listener.address() as AddressInfo).port, { tls: () => tls });
    t.teardown(() => {
      source.close();
      listener.closeAllConnections();
      listener.close();
    });
    const log = new DiscoveryLog();
    source.subscribe(request, log);
    await eventually(() => log.failures.length > 1 || polls > 1);
    t.equal(polls > 0, refusal === '');
  });
}

t.test('new secrets count with the next connection, and judge it', async (t) => {
  const plane = await ControlPlane.listen({ credentials: credentialsOf(server, root) });
  let tls = tlsOf(validationSecret(other));
  const rig = muxRig(grpcServer(plane.port, { tls: () => tls }));
  t.teardown(() => {
    rig.close();
    plane.close();
  });
  const log = new DiscoveryLog();
  rig.mux.subscribe(request, log);
  await eventually(() => log.failures.length > 0);
  tls = tlsOf(validationSecret(root));
  const stream = await plane.stream(0);
  tls = tlsOf({ ...anyone, certificateHashes: [pin(selfSigned)] });
  stream.end(grpc.status.UNAVAILABLE, 'bye');
  const before = log.failures.length;
  await eventually(() => log.failures.length > before + 2);
  t.equal(plane.streams.length, 1, 'a stream is not opened with secrets of yesterday');
});

t.test('a server that never answers in the handshake is given up', async (t) => {
  const plane = await ControlPlane.listen({ credentials: credentialsOf(server, null) });
  const relay = await TcpRelay.listen(plane.port);
  relay.isSilent = true;
  const tls = tlsOf(validationSecret(root));
  const rig = muxRig(grpcServer(relay.port, { connectTimeoutMs: 50, tls: () => tls }));
  t.teardown(() => {
    rig.close();
    relay.close();
    plane.close();
  });
  const log = new DiscoveryLog();
  rig.mux.subscribe(request, log);
  await eventually(() => log.failures.length > 1);
  relay.isSilent = false;
  await plane.stream(0);
  t.match(rig.lines[0], /no connection within 50 ms/);
});
