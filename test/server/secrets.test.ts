// Secrets from where they are kept to where they are seen: what a listener refers to is fetched
// before it serves, followed when it changes, and never replaced by what cannot be used.
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { bootstrapOf } from '../support/bootstrap-text.ts';
import { makeAuthority, makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { type TestProxy, withProxy } from '../support/with-proxy.ts';

const DAY_MS = 24 * 3600 * 1000;
const root = makeAuthority();

function leaf(days: number, keyLabel = 'leaf'): TestCertificate {
  const notAfterMs = Date.now() + days * DAY_MS + DAY_MS / 2;
  return makeCertificate({ issuer: root, keyLabel, notAfterMs, altNames: [{ dns: 'a.test' }] });
}

/** A bootstrap whose listener has a TLS context. */
function tlsBootstrap(common: object, secrets: readonly object[] = []): object {
  const bootstrap = bootstrapOf() as {
    static_resources: { listeners: { filter_chains: object[] }[]; secrets?: readonly object[] };
  };
  const chain = bootstrap.static_resources.listeners[0]?.filter_chains[0] as object;
  Object.assign(chain, {
    transport_socket: {
      name: 'envoy.transport_sockets.tls',
      typed_config: {
        '@type':
          'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
        common_tls_context: common,
      },
    },
  });
  bootstrap.static_resources.secrets = secrets;
  return bootstrap;
}

async function admin(proxy: TestProxy, path: string): Promise<unknown> {
  const response = await fetch(`http://${proxy.adminAddress}${path}`);
  return response.json();
}

async function daysLeft(proxy: TestProxy): Promise<unknown> {
  const { certificates } = (await admin(proxy, '/certs')) as {
    certificates: { cert_chain: { days_until_expiration: string }[] }[];
  };
  return certificates.flatMap(({ cert_chain }) =>
    cert_chain.map((one) => Number(one.days_until_expiration)),
  );
}

function secretFile(name: string, certificate: TestCertificate): string {
  const secret = {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
    name,
    tls_certificate: {
      certificate_chain: { inline_string: certificate.pem },
      private_key: { inline_string: certificate.keyPem },
    },
  };
  return JSON.stringify({ version_info: 'v1', resources: [secret] });
}

t.test('a certificate in files is followed through swapped links, and never half', async (t) => {
  const folder = t.testdir({ one: {}, two: {}, three: {} });
  const put = (name: string, pem: string, keyPem: string) => {
    writeFileSync(join(folder, name, 'tls.crt'), pem);
    writeFileSync(join(folder, name, 'tls.key'), keyPem);
  };
  put('one', leaf(10).pem, leaf(10).keyPem);
  put('two', leaf(20, 'other').pem, leaf(20, 'leaf').keyPem);
  put('three', leaf(30).pem, leaf(30).keyPem);
  mkdirSync(join(folder, 'mount'));
  const point = (name: string) => {
    symlinkSync(join('..', name), join(folder, 'mount', '..data_tmp'));
    renameSync(join(folder, 'mount', '..data_tmp'), join(folder, 'mount', '..data'));
  };
  point('one');
  for (const file of ['tls.crt', 'tls.key']) {
    symlinkSync(join('..data', file), join(folder, 'mount', file));
  }
  const chain = { filename: join(folder, 'mount/tls.crt') };
  const key = { filename: join(folder, 'mount/tls.key') };
  const proxy = await withProxy(
    tlsBootstrap({ tls_certificates: [{ certificate_chain: chain, private_key: key }] }),
  );
  t.strictSame(await daysLeft(proxy), [10]);
  t.equal(await proxy.stat('server.days_until_first_cert_expiring'), 10);
  t.match(await admin(proxy, '/certs'), {
    certificates: [
      { cert_chain: [{ path: chain.filename, subject_alt_names: [{ dns: 'a.test' }] }] },
    ],
  });
  point('two');
  const refused = () => proxy.log.some((line) => /stays as it was/.test(line));
  await eventually(refused);
  t.strictSame(await daysLeft(proxy), [10], 'the old pair serves');
  t.ok((await proxy.stat('server.secret_update_rejected')) > 0, 'and it is counted');
  point('three');
  await eventually(async () => `${await daysLeft(proxy)}` === '30');
  t.notMatch(proxy.log.join('\n'), /PRIVATE KEY/);
  await proxy.stop();
});

t.test('static secrets are known by name and shown without their keys', async (t) => {
  const { pem, keyPem } = leaf(5);
  const secret = {
    name: 'server',
    tls_certificate: {
      certificate_chain: { inline_string: pem },
      private_key: { inline_string: keyPem },
    },
  };
  const reference = { tls_certificate_sds_secret_configs: [{ name: 'server' }] };
  const proxy = await withProxy(tlsBootstrap(reference, [secret]));
  t.strictSame(await daysLeft(proxy), [5]);
  const dump = JSON.stringify(await admin(proxy, '/config_dump'));
  t.match(dump, /"static_secrets":\[\{"name":"server"/);
  t.notMatch(dump, /PRIVATE KEY/);
  const renewed = structuredClone(secret);
  renewed.tls_certificate.certificate_chain.inline_string = leaf(7).pem;
  t.ok(await proxy.reload(tlsBootstrap(reference, [renewed])));
  t.strictSame(await daysLeft(proxy), [7], 'a reload brings the new one');
  await proxy.stop();
});

t.test('a listener warms until the file of its secret has it', async (t) => {
  const folder = t.testdir({ 'sds.json': secretFile('other', leaf(1)) });
  const path = join(folder, 'sds.json');
  const source = { path_config_source: { path }, resource_api_version: 'V3' };
  const wanted = { tls_certificate_sds_secret_configs: [{ name: 'late', sds_config: source }] };
  const proxy = await withProxy(bootstrapOf());
  const before = proxy.port;
  const reloading = proxy.reload(tlsBootstrap(wanted));
  t.ok(await reloading, 'a reload does not wait for it');
  t.match(await admin(proxy, '/config_dump'), { configs: Array });
  t.equal((await fetch(`http://127.0.0.1:${before}/direct`)).status, 200, 'the old one serves');
  const dump = JSON.stringify(await admin(proxy, '/config_dump'));
  t.match(dump, /"dynamic_warming_secrets":\[\{"name":"late"/);
  writeFileSync(`${path}.new`, secretFile('late', leaf(3)));
  renameSync(`${path}.new`, path);
  await eventually(async () => `${await daysLeft(proxy)}` === '3');
  await eventually(() => proxy.primary.configuration.store.warming('listener').length === 0);
  t.match(
    JSON.stringify(await admin(proxy, '/config_dump')),
    /"dynamic_active_secrets":\[\{"name":"late","version_info":"v1"/,
  );
  writeFileSync(`${path}.new`, '{ "resources": [ { "name": 1 } ] }');
  renameSync(`${path}.new`, path);
  const refused = () => proxy.log.some((line) => /secrets of .* stay as they were/.test(line));
  await eventually(refused);
  t.strictSame(await daysLeft(proxy), [3]);
  t.equal(await proxy.stat('sds.late.update_rejected'), 1);
  rmSync(path);
  await eventually(async () => (await proxy.stat('sds.late.update_failure')) > 0);
  t.strictSame(await daysLeft(proxy), [3]);
  await proxy.stop();
});

t.test('nobody waits for a secret longer than its time', async (t) => {
  const path = join(t.testdir({ 'sds.json': secretFile('other', leaf(1)) }), 'sds.json');
  const source = {
    path_config_source: { path },
    resource_api_version: 'V3',
    initial_fetch_timeout: '0.05s',
  };
  const wanted = { tls_certificate_sds_secret_configs: [{ name: 'never', sds_config: source }] };
  const proxy = await withProxy(tlsBootstrap(wanted));
  t.ok(proxy.port > 0, 'the listener is bound without it');
  t.match(proxy.log.join('\n'), /secret 'never' is not there: initial_fetch_timeout is over/);
  await proxy.stop();
});

t.test('the end of each certificate is a gauge of its context', async (t) => {
  const { pem, keyPem } = leaf(4);
  const pair = {
    certificate_chain: { inline_string: pem },
    private_key: { inline_string: keyPem },
  };
  const context = {
    tls_certificate_sds_secret_configs: [{ name: 'server' }],
    validation_context: { trusted_ca: { inline_string: root.pem } },
  };
  const proxy = await withProxy(tlsBootstrap(context, [{ name: 'server', tls_certificate: pair }]));
  const { gauges } = await proxy.stats();
  const ends = Object.entries(gauges).filter(([name]) => name.endsWith('unix_time_seconds'));
  const names = ends.map(([name]) => name.replace(/^listener\.[\d._]+\.ssl\.certificate\./, ''));
  t.strictSame(names.sort(), [
    'server.expiration_unix_time_seconds',
    'unnamed_ca_cert_e3b0c442.expiration_unix_time_seconds',
  ]);
  const inDays = ends.map(([, end]) => Math.ceil((end * 1000 - Date.now()) / DAY_MS)).sort();
  t.strictSame(inDays, [1, 5], 'of the authority, and of the certificate: four days and a half');
  await proxy.stop();
});
