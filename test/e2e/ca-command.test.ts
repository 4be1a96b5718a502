// `outrigger ca` as people call it: what it writes, how, and what it refuses.
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { generateKey } from '../../proxy/ca/keys.ts';
import { makeSigningRequest } from '../../proxy/ca/signing-request.ts';
import { callCommandIn } from '../support/command-host.ts';
import { NEEDS_OPENSSL, openssl } from '../support/openssl.ts';
import { TestDirectory } from '../support/with-process.ts';

const PERMISSIONS = 0o777;

async function inFolder(t: Test) {
  const directory = new TestDirectory();
  t.teardown(() => directory.remove());
  const path = directory.path;
  return {
    path,
    ca: async (...args: readonly string[]) => await callCommandIn(path, 'ca', ...args),
  };
}

t.test('one command makes an authority and workloads that openssl verifies', async (t) => {
  const { path, ca } = await inFolder(t);
  const accounts = ['--service-account', 'client', '--service-account', 'server'];
  const { code, stdout, stderr } = await ca('issue', '--init', ...accounts, '--dns', 'localhost');
  t.equal(code, 0, stderr);
  t.match(stdout, 'spiffe://cluster.local/ns/default/sa/server, localhost');
  for (const folder of ['ca', 'certs/client', 'certs/server']) {
    t.equal(statSync(join(path, folder)).mode & PERMISSIONS, 0o700);
    for (const file of readdirSync(join(path, folder))) {
      t.equal(statSync(join(path, folder, file)).mode & PERMISSIONS, 0o600, file);
    }
  }
  t.same(readdirSync(join(path, 'certs/server')), ['cert-chain.pem', 'key.pem', 'root-cert.pem']);
  if (NEEDS_OPENSSL.skip === undefined) {
    const chain = join(path, 'certs/server/cert-chain.pem');
    const root = join(path, 'certs/server/root-cert.pem');
    const trust = ['-x509_strict', '-CAfile', root, '-untrusted', chain];
    const verified = openssl(['verify', ...trust, '-purpose', 'sslserver', chain]);
    t.equal(verified.status, 0, verified.text);
  }
});

t.test('what it says to put into a configuration works', async (t) => {
  const { path, ca } = await inFolder(t);
  const issue = ['issue', '--init', '--key', 'rsa-2048', '--hours', '2'];
  const { code, stdout } = await ca(...issue, '--service-account', 'a', '--out', 'w');
  t.equal(code, 0);
  const sockets = stdout.split(/^(?=transport_socket:)/m).slice(1);
  t.equal(sockets.length, 2);
  const [server = '', client = ''] = sockets.map((text) => text.split('\n\n')[0] ?? '');
  const indent = (text: string, by: number) => text.replace(/^/gm, ' '.repeat(by));
  writeFileSync(
    join(path, 'both.yaml'),
    `static_resources:
  listeners:
  - name: l
    address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
    filter_chains:
    - filters:
      - name: tcp
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
          stat_prefix: t
          cluster: c
${indent(server, 6)}
  clusters:
  - name: c
${indent(client, 4)}
`,
  );
  const run = await callCommandIn(path, 'validate', 'both.yaml');
  t.equal(run.code, 0, run.stderr);
});

t.test('nothing is replaced unless that is asked for', async (t) => {
  const { path, ca } = await inFolder(t);
  t.equal((await ca('init')).code, 0);
  const before = readFileSync(join(path, 'ca/ca-key.pem'), 'utf8');
  const again = await ca('init');
  t.equal(again.code, 1);
  t.match(again.stderr, /there already: .*ca-key\.pem.*; --force replaces them/);
  t.equal(readFileSync(join(path, 'ca/ca-key.pem'), 'utf8'), before);
  chmodSync(join(path, 'ca/ca-key.pem'), 0o644);
  t.equal((await ca('init', '--force', '--trust-domain', 'example.org')).code, 0);
  t.not(readFileSync(join(path, 'ca/ca-key.pem'), 'utf8'), before);
  t.equal(statSync(join(path, 'ca/ca-key.pem')).mode & PERMISSIONS, 0o600);
  t.notOk(readdirSync(join(path, 'ca')).some((name) => name.endsWith('.tmp')));
  const shown = await ca('show', 'ca/cert-chain.pem');
  t.match(shown.stdout, 'uri spiffe://example.org\n');
  t.match(shown.stdout, 'chain: each certificate is signed by the one below it');
});

t.test('a request is signed under the names that its signer chose', async (t) => {
  const { path, ca } = await inFolder(t);
  const key = await generateKey('ec-p256');
  const names = [{ kind: 'uri', value: 'spiffe://evil.example/root' }] as const;
  writeFileSync(join(path, 'w.csr'), makeSigningRequest({ key, names }));
  await ca('init');
  const sign = ['sign', 'w.csr', '--service-account', 'good', '--namespace', 'shop'];
  const signed = await ca(...sign, '--out', 'w.pem');
  t.equal(signed.code, 0, signed.stderr);
  const { stdout } = await ca('show', 'w.pem', 'w.csr');
  t.match(stdout, 'service account good of namespace shop');
  t.match(stdout, 'asks for: spiffe://evil.example/root');
  t.notMatch(stdout.split('w.csr')[0] ?? '', 'evil');
  const asked = await ca('sign', 'w.csr', '--names-from-request');
  t.match(asked.stdout, '-----BEGIN CERTIFICATE-----');
  const two = await ca(...sign, '--names-from-request');
  t.equal(two.code, 64);
  t.match(two.stderr, 'one SPIFFE id in a certificate, not 2');
});

t.test('everything that is wrong with a command line is said at once', async (t) => {
  const { path, ca } = await inFolder(t);
  const none = await ca('issue', '--service-account', 'a');
  t.equal(none.code, 1);
  t.match(none.stderr, "make an authority with 'outrigger ca init'");
  await ca('init', '--intermediate-days', '2');
  const bad = ['--service-account', 'A b', '--dns', 'a..b', '--ip', '1.2.3', '--key', 'dsa'];
  const issue = await ca('issue', ...bad, '--days', '3', '--common-name', 'x'.repeat(65));
  t.equal(issue.code, 64);
  for (const reason of [
    "service account 'A b': lower-case letters",
    "'a..b' is no name of a host",
    "'1.2.3' is no IP address",
    "--key: 'dsa' is none of ec-p256",
    'the authority itself is valid for 4',
    '--common-name: from 1 to 64 characters',
  ]) {
    t.ok(issue.stderr.includes(reason), `${reason}\n${issue.stderr}`);
  }
  const init = await ca('init', '--dir', 'x', '--trust-domain', 'A', '--root-days', '0');
  t.equal(init.code, 64);
  t.match(init.stderr, "--trust-domain: 'A'");
  t.match(init.stderr, "--root-days: '0' is not a whole number from 1 to 36500");
  t.same(readdirSync(path), ['ca']);
  t.match((await ca('issue')).stderr, 'no name: give --service-account');
  writeFileSync(join(path, 'bad.pem'), '-----BEGIN CERTIFICATE-----\nAAAA\n');
  const shown = await ca('show', 'bad.pem', 'missing.pem');
  t.equal(shown.code, 1);
  t.match(shown.stderr, 'bad.pem: line 1: no line "-----END CERTIFICATE-----" follows');
  t.match(shown.stderr, 'missing.pem: it cannot be read: ENOENT');
});
