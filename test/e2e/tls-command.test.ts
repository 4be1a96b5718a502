// `outrigger tls` against servers of node's: what it sees, and how our side would judge it.
import type { AddressInfo } from 'node:net';
import { createServer, type TlsOptions } from 'node:tls';
import t, { type Test } from 'tap';
import {
  makeAuthority,
  makeCertificate,
  PURPOSE,
  type TestCertificate,
} from '../support/certificates.ts';
import { callCommand } from '../support/command-host.ts';
import { TestDirectory } from '../support/with-process.ts';

const ID = 'spiffe://example.org/ns/shop/sa/cart';
const ROOT = makeAuthority({ subject: 'tls command root' });
const SERVER = makeCertificate({ issuer: ROOT, altNames: [{ uri: ID }, { dns: 'cart.shop' }] });

async function serve(t: Test, certificate: TestCertificate, options: TlsOptions = {}) {
  const server = createServer(
    { cert: certificate.chainPem, key: certificate.keyPem, ...options },
    (socket) => socket.on('error', () => undefined),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function folder(t: Test): TestDirectory {
  const directory = new TestDirectory();
  t.teardown(() => directory.remove());
  return directory;
}

t.test('a server is described, and accepted by its root and name', async (t) => {
  const address = await serve(t, SERVER, { ALPNProtocols: ['h2', 'http/1.1'] });
  const ca = folder(t).write('root.pem', ROOT.pem);
  const known = ['--ca', ca, '--sni', 'cart.shop'];
  const good = await callCommand('tls', address, ...known, '--san', 'spiffe://example.org/*');
  t.equal(good.code, 0, good.stdout + good.stderr);
  for (const expected of [
    /SNI cart\.shop\n/,
    /offers +TLSv1\.3 TLS_AES_256_GCM_SHA384, group X25519/,
    /offers +TLSv1\.2 /,
    /ALPN +h2, http\/1\.1\n/,
    /client certificate +not asked for/,
    /OCSP response +none stapled/,
    /service account cart of namespace shop/,
    /We would ACCEPT it\.$/m,
  ]) {
    t.match(good.stdout, expected);
  }
  const bad = await callCommand('tls', address, ...known, '--san', 'other.example');
  t.equal(bad.code, 1);
  t.match(bad.stdout, /We would REFUSE it: .*verify cert failed: SAN matcher/);
  const unjudged = await callCommand('tls', address);
  t.equal(unjudged.code, 0);
  t.match(unjudged.stdout, 'Not judged: give --ca FILE');
});

t.test('what is wrong with a certificate is said as the data path says it', async (t) => {
  const past = { notBeforeMs: Date.now() - 7_200_000, notAfterMs: Date.now() - 3_600_000 };
  const cases = [
    [makeCertificate({ issuer: ROOT, ...past }), /certificate has expired/, /EXPIRED 1 hour ago/],
    [
      makeCertificate({ subject: 'lonely' }),
      /unable to get local issuer certificate/,
      /issuer +itself/,
    ],
    [
      makeCertificate({ issuer: ROOT, extendedKeyUsage: [PURPOSE.client] }),
      /unsuitable certificate purpose|unsupported certificate purpose/,
      /may +be used as client;/,
    ],
  ] as const;
  const ca = folder(t).write('root.pem', ROOT.pem);
  for (const [certificate, reason, description] of cases) {
    const address = await serve(t, certificate);
    const { code, stdout } = await callCommand('tls', address, '--ca', ca);
    t.equal(code, 1);
    t.match(stdout, new RegExp(`REFUSE it: .*(?:${reason.source})`));
    t.match(stdout, description);
  }
});

t.test('a server that demands a certificate is shown one', async (t) => {
  const address = await serve(t, SERVER, {
    ...{ ca: ROOT.pem, requestCert: true, rejectUnauthorized: true },
    maxVersion: 'TLSv1.3',
  });
  const directory = folder(t);
  const ca = directory.write('root.pem', ROOT.pem);
  const bare = await callCommand('tls', address, '--ca', ca);
  t.match(bare.stdout, /client certificate +demanded/);
  const client = makeCertificate({ issuer: ROOT, altNames: [{ uri: ID }] });
  const cert = directory.write('cert.pem', client.chainPem);
  const key = directory.write('key.pem', client.keyPem);
  const own = ['--ca', ca, '--cert', cert, '--key', key];
  const known = await callCommand('tls', address, ...own, '--json');
  t.equal(known.code, 0, known.stdout);
  const seen = JSON.parse(known.stdout);
  t.match(seen, {
    client_certificate: 'demanded',
    verdict: { kind: 'accepted', isJudged: true },
    refuses_our_certificate: '',
    chain: [{ subject_alt_names: [{ kind: 'uri', value: ID }, { kind: 'dns' }] }],
  });
  const stranger = makeCertificate({ issuer: makeAuthority({ subject: 'stranger' }) });
  directory.write('cert.pem', stranger.chainPem);
  directory.write('key.pem', stranger.keyPem);
  const unknown = await callCommand('tls', address, ...own);
  t.equal(unknown.code, 1);
  t.match(unknown.stdout, /The server REFUSES our certificate: /);
});

t.test('a server that asks and does not demand, with TLS 1.2 alone', async (t) => {
  const asks = { requestCert: true, rejectUnauthorized: false };
  const address = await serve(t, SERVER, { ...asks, maxVersion: 'TLSv1.2' });
  const { code, stdout } = await callCommand('tls', address);
  t.equal(code, 0);
  t.match(stdout, /client certificate +asked for, not demanded/);
  t.match(stdout, /does not offer +TLSv1\.3, TLSv1\.1, TLSv1\n/);
});

t.test(
  'a server is judged as a cluster judges it, its secrets read from where they are',
  async (t) => {
    const address = await serve(t, SERVER);
    const directory = folder(t);
    const ca = directory.write('root.pem', ROOT.pem);
    const type = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3';
    const cluster = (name: string, common: object) => ({
      name,
      load_assignment: { cluster_name: name, endpoints: [] },
      transport_socket: {
        name: 'envoy.transport_sockets.tls',
        typed_config: { '@type': `${type}.UpstreamTlsContext`, common_tls_context: common },
      },
    });
    const ads = {
      name: 'ROOTCA',
      sds_config: { path_config_source: { path: `${directory.path}/missing.yaml` } },
    };
    const config = directory.write('config.yaml', {
      static_resources: {
        secrets: [{ name: 'roots', validation_context: { trusted_ca: { filename: ca } } }],
        clusters: [
          cluster('known', { validation_context_sds_secret_config: { name: 'roots' } }),
          cluster('other', {
            combined_validation_context: {
              default_validation_context: {
                match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: 'x.y' } }],
              },
              validation_context_sds_secret_config: { name: 'roots' },
            },
          }),
          cluster('remote', { validation_context_sds_secret_config: ads }),
          { name: 'plain', load_assignment: { cluster_name: 'plain', endpoints: [] } },
        ],
      },
    });
    const as = (name: string) => callCommand('tls', address, '-c', config, '--cluster', name);
    const [known, other, remote, plain, none] = await Promise.all(
      ['known', 'other', 'remote', 'plain', 'none'].map(as),
    );
    t.match(known, { code: 0, stdout: /We would ACCEPT it\./ });
    t.match(other, { code: 1, stdout: /REFUSE it: .*SAN matcher/ });
    t.match(remote, { code: 1, stdout: /not supplied here: secret 'ROOTCA'/ });
    t.match(plain, { code: 1, stderr: /cluster 'plain' speaks without TLS/ });
    t.match(none, { code: 1, stderr: /has no cluster 'none': known, other, remote, plain/ });
  },
);

t.test('a command line that makes no sense, and a peer that is not there', async (t) => {
  const wrong = await callCommand(
    'tls',
    'host',
    '--cluster',
    'x',
    '--cert',
    '/nowhere',
    '--san',
    'a',
  );
  t.equal(wrong.code, 64);
  for (const reason of [
    "'host' is no HOST:PORT",
    '--cluster NAME and -c FILE go together',
    '--cert and --key go together',
    '--cert: /nowhere cannot be read: ENOENT',
    '--san: names of a certificate count only',
  ]) {
    t.ok(wrong.stderr.includes(reason), `${reason}\n${wrong.stderr}`);
  }
  const gone = await callCommand('tls', '127.0.0.1:1');
  t.equal(gone.code, 1);
  t.match(gone.stderr, /127\.0\.0\.1:1: connect ECONNREFUSED/);
});
