// examples/mtls.yaml as README has it: identities by `outrigger ca`, traffic under mutual TLS, and
// what `outrigger authn-check` says about it.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { callCommand, callCommandIn } from '../support/command-host.ts';
import { closedPort } from '../support/dead-ports.ts';
import { startProcess, TestDirectory } from '../support/with-process.ts';

const EXAMPLE = fileURLToPath(new URL('../../../examples/mtls.yaml', import.meta.url));

/** The example with files of a folder and ports that are free. */
async function exampleIn(directory: TestDirectory): Promise<string> {
  const port = await closedPort();
  const text = readFileSync(EXAMPLE, 'utf8')
    .replaceAll('certs/', `${directory.path}/certs/`)
    .replaceAll('port_value: 8443', `port_value: ${port}`)
    .replaceAll('port_value: 8080', 'port_value: 0')
    .replaceAll('port_value: 9901', 'port_value: 0');
  return directory.write('mtls.yaml', text);
}

t.test('the example on a laptop, from nothing to a request', async (t) => {
  const directory = new TestDirectory();
  t.teardown(() => directory.remove());
  const accounts = ['--service-account', 'client', '--service-account', 'server'];
  const issue = ['ca', 'issue', '--init', ...accounts];
  const issued = await callCommandIn(directory.path, ...issue);
  t.equal(issued.code, 0, issued.stderr);
  const config = await exampleIn(directory);
  const proxy = await startProcess(directory, config, '--concurrency', '1');
  t.teardown(() => proxy.command.signal('SIGKILL'));
  const answer = await fetch(`http://127.0.0.1:${proxy.ports['client-side']}/`);
  t.equal(await answer.text(), 'hello over mutual TLS\n');
  t.equal(answer.headers.get('x-caller'), 'spiffe://cluster.local/ns/default/sa/client');

  const plain = directory.write(
    'plain.yaml',
    directory
      .read('mtls.yaml')
      .replace(/ {4}transport_socket:(?:\n {6}.*)*\n(?= {4}load_assignment)/, ''),
  );
  const [ofFile, ofProxy, broken, wrong] = await Promise.all([
    callCommand('authn-check', '-c', config),
    callCommand('authn-check', '--admin', `127.0.0.1:${proxy.adminPort}`, '--json'),
    callCommand('authn-check', '-c', plain, '--server', config),
    callCommand('authn-check'),
  ]);
  t.equal(ofFile.code, 0, ofFile.stderr);
  t.match(ofFile.stdout, /^OK +server +127\.0\.0\.1:\d+ +MUTUAL +MTLS$/m);
  t.match(
    ofFile.stdout,
    'client: as spiffe://cluster.local/ns/default/sa/client; expects uri spiffe',
  );
  t.equal(ofProxy.code, 0, ofProxy.stderr);
  t.match(JSON.parse(ofProxy.stdout), {
    clusters: [{ status: 'OK', client: { mode: 'MUTUAL' }, server: { mode: 'MTLS' } }],
  });
  t.equal(broken.code, 1, broken.stderr);
  t.match(broken.stdout, /^CONFLICT +server +127\.0\.0\.1:\d+ +DISABLE +MTLS$/m);
  t.match(broken.stdout, 'the client speaks clear text, the server demands TLS');
  t.equal(wrong.code, 64);
  t.match(wrong.stderr, 'give a configuration with -c FILE, or a running proxy with --admin');
});
