import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { bootstrapOf } from '../support/bootstrap-text.ts';
import { callCommand } from '../support/command-host.ts';
import {
  RunningCommand,
  runCommand,
  startProcess,
  TestDirectory,
} from '../support/with-process.ts';

const directory = new TestDirectory();
t.teardown(() => directory.remove());
const good = directory.write('good.yaml', bootstrapOf());
const bad = directory.write(
  'bad.yaml',
  `admin:
  adress: { socket_address: { address: 127.0.0.1, port_value: 0 } }
static_resources:
  clusters:
  - name: a
    connect_timeout: soon
`,
);

t.test('validate reports every error of every file with its place, and a suggestion', async (t) => {
  const { code, stdout, stderr } = await runCommand('validate', good, bad);
  t.equal(code, 1);
  t.equal(stdout, `${good}: OK\n`);
  t.match(stderr, `${bad}:2:3: error: admin.adress`);
  t.match(stderr, /did you mean 'address'/);
  t.match(stderr, `${bad}:6:22: error: static_resources.clusters[0].connect_timeout`);
  t.match(stderr, /6 \| {5}connect_timeout: soon\n.*\^\^\^\^/, 'a code frame');
});

t.test("--mode validate speaks Envoy's words", async (t) => {
  const accepted = await callCommand('--mode', 'validate', '-c', good);
  t.equal(accepted.code, 0);
  t.equal(accepted.stdout, `configuration '${good}' OK\n`);
  const refused = await callCommand('run', '--mode', 'validate', '-c', bad);
  t.equal(refused.code, 1);
  t.equal(refused.stdout, '');
  t.match(refused.stderr, `error initializing configuration '${bad}'`);
  const only = await callCommand('--mode', 'init_only', '-c', good);
  t.same([only.code, only.stdout], [0, '']);
});

t.test('says the version as Envoy does', async (t) => {
  const { code, stdout } = await runCommand('--version');
  t.equal(code, 0);
  t.match(stdout, /outrigger {2}version: \w+\/\d+\.\d+\.\d+\/Clean\/RELEASE\/OpenSSL/);
  t.match((await runCommand('--hot-restart-version')).stdout, /^outrigger\.\d+\n$/);
});

t.test('refuses a command line that makes no sense with status 64', async (t) => {
  const unknown = await runCommand('-c', good, '--concurency', '2');
  t.equal(unknown.code, 64);
  t.match(unknown.stderr, /unknown option '--concurency'[\s\S]*--concurrency/);
  const several = await callCommand('-c', good, '--mode', 'x', '-l', 'y');
  t.equal(several.code, 64);
  t.match(several.stderr, /--mode: unknown value 'x'[\s\S]*--log-level: unknown level 'y'/);
  t.equal((await callCommand()).code, 64);
});

t.test('names a file that is not there', async (t) => {
  const { code, stderr } = await runCommand('-c', join(directory.path, 'none.yaml'));
  t.equal(code, 1);
  t.match(stderr, /none\.yaml.*there is no such file/);
});

t.test('accepts every flag of Envoy, and says at debug level what has no effect', async (t) => {
  const flags = '--disable-hot-restart --base-id 3 --use-dynamic-base-id --cpuset-threads';
  const proxy = await startProcess(
    directory,
    good,
    ...flags.split(' '),
    '-l',
    'debug',
    '--concurrency',
    '1',
  );
  t.match(proxy.command.stderr, /--base-id is accepted and has no effect/);
  proxy.command.signal('SIGTERM');
  t.equal((await proxy.command.ended).code, 0);
});

t.test('merges --config-yaml over the file, and flags over the node', async (t) => {
  const proxy = await startProcess(
    directory,
    good,
    ...['--concurrency', '1', '--service-node', 'me', '--service-cluster', 'us'],
    ...['--config-yaml', 'node: { id: other, locality: { region: r } }'],
  );
  const info = await (await fetch(`http://127.0.0.1:${proxy.adminPort}/server_info`)).json();
  t.match(info, { node: { id: 'me', cluster: 'us', locality: { region: 'r' } } });
  t.match(info, { command_line_options: { service_node: 'me', config_path: good } });
  proxy.command.signal('SIGINT');
  t.equal((await proxy.command.ended).code, 0);
});

t.test('says which port is busy, and which field chooses another', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  for (const concurrency of ['1', '2']) {
    const config = directory.write('busy.yaml', bootstrapOf({ port }));
    const command = new RunningCommand(['-c', config, '--concurrency', concurrency]);
    const { code, stderr } = await command.ended;
    t.equal(code, 1);
    t.match(stderr, `cannot bind '127.0.0.1:${port}': Address already in use`);
  }
  const config = directory.write('busy.yaml', bootstrapOf({ adminPort: port }));
  const admin = await runCommand('-c', config, '--concurrency', '1');
  t.equal(admin.code, 1);
  t.match(admin.stderr, /EADDRINUSE.*choose another port in admin\.address/);
  server.close();
});
