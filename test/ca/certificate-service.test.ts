// The service and its client over real connections: in the clear, and with TLS on both ends.
import { rmSync } from 'node:fs';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { Client, credentials, Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { SILENT_LOG } from '../../proxy/base/log.ts';
import { Authority, makeAuthorities } from '../../proxy/ca/authority.ts';
import { CREATE_CERTIFICATE, decodeRequest, decodeResponse } from '../../proxy/ca/ca-messages.ts';
import {
  CertificateClient,
  type CertificateClientOptions,
} from '../../proxy/ca/certificate-client.ts';
import {
  bearerToken,
  CertificateService,
  type CertificateServiceOptions,
} from '../../proxy/ca/certificate-service.ts';
import { generateKey, keyPem, publicKeyInfo } from '../../proxy/ca/keys.ts';
import { makeSigningRequest } from '../../proxy/ca/signing-request.ts';
import { subjectAltNamesOf } from '../../proxy/x509/certificate.ts';
import { parsePeerCertificate } from '../../proxy/x509/peer-certificates.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { TestDirectory } from '../support/with-process.ts';

const DAY_MS = 86_400_000;
const ID = 'spiffe://example.org/ns/shop/sa/cart';
const LOG = SILENT_LOG.logger('ca');
const CLOCK = { wallMs: () => Date.now() };

async function newAuthority(): Promise<Authority> {
  const { root, intermediate } = await makeAuthorities({
    ...{ trustDomain: 'example.org', keyKind: 'ec-p256', nowMs: Date.now() },
    ...{ rootLifetimeMs: 365 * DAY_MS, intermediateLifetimeMs: 300 * DAY_MS },
  });
  const parts = { key: intermediate.key, roots: [root.certificate] };
  return new Authority({ ...parts, chain: [intermediate.certificate] });
}

type Changes = Partial<CertificateServiceOptions> & { readonly credentials?: ServerCredentials };

/** Serves, for bearers of the token `good`. */
async function serve(t: Test, authority: Authority, changes: Changes = {}): Promise<string> {
  const server = new Server();
  new CertificateService({
    authority: () => authority,
    authenticate: async ({ metadata }) =>
      bearerToken(metadata) === 'good'
        ? { ok: true, spiffeId: ID }
        : { ok: false, reason: 'the token is not known' },
    clock: CLOCK,
    log: LOG,
    ...changes,
  }).addTo(server);
  const bound = changes.credentials ?? ServerCredentials.createInsecure();
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', bound, (error, number) =>
      error === null ? resolve(number) : reject(error),
    );
  });
  t.teardown(() => server.forceShutdown());
  return `127.0.0.1:${port}`;
}

function clientOf(t: Test, options: Partial<CertificateClientOptions>) {
  const directory = new TestDirectory();
  const tokenPath = directory.write('token', 'good\n');
  const client = new CertificateClient({
    ...{ address: '', tls: null, tokenPath, log: LOG, random: seededRandom(1) },
    ...options,
  });
  t.teardown(() => {
    client.close();
    directory.remove();
  });
  return { client, tokenPath };
}

async function newWish(kind: 'ec-p256' | 'rsa-2048' = 'ec-p256', validityS = 3600) {
  const key = await generateKey(kind);
  const names = [{ kind: 'uri', value: 'spiffe://example.org/ns/kube-system/sa/admin' }] as const;
  const csrPem = makeSigningRequest({ key, names });
  return { csrPem, publicKeyInfo: publicKeyInfo(key), validityS };
}

for (const kind of ['ec-p256', 'rsa-2048'] as const) {
  t.test(`a key of ${kind} is certified under the caller's name, not the request's`, async (t) => {
    const authority = await newAuthority();
    const { client } = clientOf(t, { address: await serve(t, authority) });
    const answer = await client.createCertificate(await newWish(kind));
    if (!answer.ok) throw new Error(answer.error);
    const [leaf, issuer] = answer.chain;
    t.same(subjectAltNamesOf(leaf, 'uri'), [ID]);
    t.equal(issuer?.fingerprint256, authority.certificate.fingerprint256);
    t.equal(answer.rootPem, authority.rootPem);
    const leftMs = leaf.notAfterMs - Date.now();
    t.ok(leftMs > 3500_000 && leftMs <= 3600_000, `${leftMs}`);
  });
}

t.test('a lifetime has a default and a bound', async (t) => {
  const authority = await newAuthority();
  const { client } = clientOf(t, { address: await serve(t, authority) });
  for (const validityS of [0, -5]) {
    const answer = await client.createCertificate(await newWish('ec-p256', validityS));
    if (!answer.ok) throw new Error(answer.error);
    const leftMs = answer.chain[0].notAfterMs - Date.now();
    t.ok(Math.abs(leftMs - DAY_MS) < 60_000, `${leftMs}`);
  }
  const refused = await client.createCertificate(await newWish('ec-p256', 91 * 86_400));
  const error = /^INVALID_ARGUMENT: a lifetime of 7862400 s is more than the 7776000 s/;
  t.match(refused, { ok: false, isFinal: true, error });
});

t.test('who is not known gets nothing', async (t) => {
  const address = await serve(t, await newAuthority());
  const { client } = clientOf(t, { address, tokenPath: null });
  const answer = await client.createCertificate(await newWish());
  t.same(answer, { ok: false, isFinal: true, error: 'UNAUTHENTICATED: the token is not known' });
  const odd = await serve(t, await newAuthority(), {
    authenticate: async () => ({ ok: true, spiffeId: 'spiffe://example.org/a b' }),
  });
  const { client: other } = clientOf(t, { address: odd });
  t.match(await other.createCertificate(await newWish()), { ok: false, error: /is no SPIFFE id/ });
  const broken = await serve(t, await newAuthority(), {
    authenticate: () => Promise.reject(new Error('secret detail')),
  });
  const { client: third } = clientOf(t, { address: broken });
  t.same(await third.createCertificate(await newWish()), {
    ...{ ok: false, isFinal: false },
    error: 'INTERNAL: the certificate could not be made',
  });
});

t.test('requests that make no sense are refused with the reason', async (t) => {
  const address = await serve(t, await newAuthority());
  const client = new Client(address, credentials.createInsecure());
  t.teardown(() => client.close());
  const metadata = new Metadata();
  metadata.set('authorization', 'bearer good');
  const ask = (request: Buffer) =>
    new Promise<string>((resolve) => {
      const same = (value: Buffer): Buffer => value;
      client.makeUnaryRequest(CREATE_CERTIFICATE, same, same, request, metadata, (error) =>
        resolve(error === null ? 'issued' : `${status[error.code]}: ${error.details}`),
      );
    });
  t.equal(await ask(Buffer.from([0x0a, 0x7f])), 'INVALID_ARGUMENT: no IstioCertificateRequest');
  t.match(await ask(Buffer.alloc(0)), 'the CSR is refused: no CERTIFICATE REQUEST in PEM');
  // metadata { fields { key: "CertSigner" value { string_value: "x" } } }
  const value = new BinaryWriter().tag(3, WireType.LengthDelimited).string('x').finish();
  const field = new BinaryWriter()
    .tag(1, WireType.LengthDelimited)
    .string('CertSigner')
    .tag(2, WireType.LengthDelimited)
    .bytes(value)
    .finish();
  const struct = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(field).finish();
  const asked = new BinaryWriter().tag(4, WireType.LengthDelimited).bytes(struct).finish();
  t.match(await ask(Buffer.from(asked)), 'CertSigner is not supported here');
});

t.test(
  'TLS on both ends: the server is judged by its root, the client may be known by its certificate',
  async (t) => {
    const authority = await newAuthority();
    const certified = async (names: Parameters<Authority['issue']>[0]['names']) => {
      const key = await generateKey('ec-p256');
      const issued = authority.issue({ key, names, lifetimeMs: DAY_MS, nowMs: Date.now() });
      return { ...issued, keyText: keyPem(key) };
    };
    const own = await certified([{ kind: 'dns', value: 'istiod.istio-system.svc' }]);
    const pair = { private_key: Buffer.from(own.keyText), cert_chain: Buffer.from(own.chainPem) };
    const root = Buffer.from(authority.rootPem);
    const address = await serve(t, authority, {
      credentials: ServerCredentials.createSsl(root, [pair], true),
      authenticate: async ({ certificate }) => {
        const parsed = certificate === null ? null : parsePeerCertificate(certificate);
        if (parsed === null || 'error' in parsed) return { ok: false, reason: 'no certificate' };
        return { ok: true, spiffeId: subjectAltNamesOf(parsed, 'uri')[0] ?? '' };
      },
    });
    const directory = new TestDirectory();
    t.teardown(() => directory.remove());
    const mine = await certified([{ kind: 'uri', value: ID }]);
    const rootPath = directory.write('root.pem', authority.rootPem);
    const chainPath = directory.write('chain.pem', mine.chainPem);
    const keyPath = directory.write('key.pem', mine.keyText);
    const serverName = 'istiod.istio-system.svc';
    const tls = { rootPath, serverName, own: { chainPath, keyPath } };
    const { client } = clientOf(t, { address, tls, tokenPath: null });
    const answer = await client.createCertificate(await newWish());
    if (!answer.ok) throw new Error(answer.error);
    t.same(subjectAltNamesOf(answer.chain[0], 'uri'), [ID]);

    const bare = clientOf(t, { address, tls: { ...tls, own: null } });
    t.match(await bare.client.createCertificate(await newWish()), { ok: false });
    const stranger = (await newAuthority()).rootPem;
    const wrongRoot = { ...tls, rootPath: directory.write('other.pem', stranger) };
    const wrong = clientOf(t, { address, tls: wrongRoot, timeoutMs: 1000 });
    t.match(await wrong.client.createCertificate(await newWish()), { ok: false, isFinal: false });
  },
);

t.test(
  'a client asks again while the authority cannot be reached, with the token of the moment',
  async (t) => {
    const authority = await newAuthority();
    let calls = 0;
    const address = await serve(t, authority, {
      authenticate: async ({ metadata }) => {
        calls += 1;
        if (calls === 1) throw new Error('not yet');
        const isGood = bearerToken(metadata) === 'good';
        return isGood ? { ok: true, spiffeId: ID } : { ok: false, reason: 'stale' };
      },
    });
    const { client, tokenPath } = clientOf(t, { address });
    t.match(await client.createCertificate(await newWish()), { ok: true });
    t.equal(calls, 2);
    rmSync(tokenPath);
    const answer = await client.createCertificate(await newWish());
    t.match(answer, { ok: false, error: /ENOENT.*token/, isFinal: false });
    t.equal(calls, 2);
  },
);

t.test('closing ends what waits', async (t) => {
  const { client } = clientOf(t, { address: '127.0.0.1:1', timeoutMs: 200 });
  const waiting = client.createCertificate(await newWish());
  client.close();
  t.match(await waiting, { ok: false });
  t.match(await client.createCertificate(await newWish()), { error: 'the client is closed' });
});

t.test('an answer for another key, or without a root, is not taken', async (t) => {
  const authority = await newAuthority();
  const { client } = clientOf(t, { address: await serve(t, authority) });
  const wish = await newWish();
  const other = publicKeyInfo(await generateKey('ec-p256'));
  const answer = await client.createCertificate({ ...wish, publicKeyInfo: other });
  t.match(answer, { ok: false, error: 'the certificate is for another key', isFinal: true });
});

t.test('messages are read octet by octet without surprise', (t) => {
  t.equal(decodeResponse(Buffer.from([0x0a, 2, 0x61])), null);
  t.same(decodeResponse(Buffer.from([0x0a, 1, 0x61, 0x10, 5])), ['a']);
  t.same(decodeRequest(Buffer.from([0x0a, 1, 0x61, 0x18, 60])), {
    ...{ csr: 'a', validityS: 60, metadata: {} },
  });
  for (let octet = 0; octet < 256; octet += 1) {
    t.doesNotThrow(() => decodeRequest(Buffer.from([octet, 0xff, 0xff])));
  }
  t.end();
});
