// `outrigger upgrade`: another process takes over the sockets, and no request is lost on the way.
import { Agent, createServer, type RequestOptions, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { bootstrapOf } from '../support/bootstrap-text.ts';
import { eventually } from '../support/eventually.ts';
import { KEPT } from '../support/kept-connections.ts';
import {
  type ProxyProcess,
  runCommand,
  startProcess,
  TestDirectory,
} from '../support/with-process.ts';

const directory = new TestDirectory();
/** Answers to /held, which are given later. */
const held: ServerResponse[] = [];
const upstream = createServer(KEPT, ({ url }, response) => {
  if (url === '/held') held.push(response);
  else response.end('up');
});

t.before(async () => {
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
});

t.teardown(() => {
  upstream.closeAllConnections();
  upstream.close();
  directory.remove();
});

/** The listener `main` on a port and the listener `pipe` on a path. */
function config(body: string): { readonly file: string; readonly pipe: string } {
  const { port: upstreamPort } = upstream.address() as AddressInfo;
  const layered_runtime = { layers: [{ name: 'admin', admin_layer: {} }] };
  const bootstrap = { ...bootstrapOf({ upstreamPort, body }), layered_runtime } as unknown as {
    static_resources: { listeners: { filter_chains: object[] }[] };
  };
  const pipe = `${directory.path}/proxy.sock`;
  const { listeners } = bootstrap.static_resources;
  const { filter_chains } = listeners[0] as { filter_chains: object[] };
  listeners.push(Object.assign({ name: 'pipe', address: { pipe: { path: pipe } }, filter_chains }));
  return { file: directory.write('config.yaml', bootstrap), pipe };
}

/** `status body`, or an error code. */
function ask(options: RequestOptions): Promise<string> {
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error');
    const asked = request(options, (response) => {
      let body = '';
      response.on('data', (data: Buffer) => {
        body += data.toString();
      });
      response.once('end', () => resolve(`${response.statusCode} ${body}`));
      response.once('error', fail);
    });
    asked.once('error', fail);
    asked.end();
  });
}

async function adminText(
  { adminPort }: ProxyProcess,
  path: string,
  method = 'GET',
): Promise<string> {
  return (await fetch(`http://127.0.0.1:${adminPort}${path}`, { method })).text();
}

async function requestsServed(proxy: ProxyProcess): Promise<number> {
  const stats = await adminText(proxy, '/stats?filter=service.upstream_rq_200');
  return Number(/upstream_rq_200: (\d+)/.exec(stats)?.[1]);
}

t.test('another process takes over ports, pipes, admin interface and counters', async (t) => {
  const { file, pipe } = config('direct');
  const proxy = await startProcess(
    directory,
    file,
    ...['--concurrency', '2', '--drain-time-s', '2'],
  );
  const host = { host: '127.0.0.1', port: proxy.ports['main'] ?? 0 };
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const places: readonly RequestOptions[] = [
    ...Array.from({ length: 4 }, () => ({ ...host, path: '/x', agent })),
    { ...host, path: '/x', agent: false },
    { socketPath: pipe, path: '/x', agent: false },
    { host: '127.0.0.1', port: proxy.adminPort, path: '/ready', agent: false },
  ];
  const outcomes = new Map<string, number>();
  let isLoading = true;
  const clients = places.map(async (place) => {
    while (isLoading) {
      const outcome = await ask(place);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
  });
  const served = () => outcomes.get('200 up') ?? 0;
  await eventually(() => served() > 50);
  await adminText(proxy, '/runtime_modify?by.hand=1', 'POST');
  await adminText(proxy, '/logging?dns=debug', 'POST');
  const counted = await requestsServed(proxy);
  t.ok(counted > 0);
  const upgraded = await runCommand('upgrade', `127.0.0.1:${proxy.adminPort}`);
  t.match(upgraded, { code: 0, stdout: /^epoch 1 serves/ }, upgraded.stderr);
  t.ok((await requestsServed(proxy)) >= counted, 'no counter steps back');
  await eventually(() => proxy.command.stderr.includes('upgrade: nothing is left here'), 30_000);
  const before = served();
  await eventually(() => served() > before + 50);

  // From two workers to one, which listens on the sockets itself.
  const admin = `127.0.0.1:${proxy.adminPort}`;
  const next = await runCommand('upgrade', admin, '--', '-c', file, '--concurrency', '1');
  t.match(next, { code: 0, stdout: /^epoch 2 serves/ }, next.stderr);
  await eventually(() => proxy.command.children().length === 1, 30_000);
  isLoading = false;
  await Promise.all(clients);
  agent.destroy();
  t.same([...outcomes.keys()].sort(), ['200 LIVE\n', '200 up'], 'nothing failed');
  await eventually(async () => (await requestsServed(proxy)) === served());
  t.match(await adminText(proxy, '/stats'), 'server.hot_restart_epoch: 2\n');
  t.match(await adminText(proxy, '/server_info'), /"restart_epoch": 2/);
  t.match(await adminText(proxy, '/runtime'), '"by.hand"', 'what was changed by hand stays so');
  t.match(await adminText(proxy, '/logging', 'POST'), 'dns: debug');

  // What cannot serve changes nothing.
  directory.write('config.yaml', 'static_resources: { listeners: [ { name: 1 } ] }');
  const refused = await runCommand('upgrade', admin);
  t.match(refused, { code: 1, stderr: /the running one goes on: error initializing/ });
  t.equal(await ask({ ...host, path: '/direct', agent: false }), '200 direct');

  proxy.command.signal('SIGTERM');
  t.equal((await proxy.command.ended).code, 0, 'one process from beginning to end');
  t.equal(await ask({ ...host, path: '/direct', agent: false }), 'ECONNREFUSED');
});

t.test('a line that is told to end finishes what its first process has begun, too', async (t) => {
  const { file } = config('direct');
  const proxy = await startProcess(
    directory,
    file,
    ...['--concurrency', '1', '--drain-time-s', '60'],
  );
  const host = { host: '127.0.0.1', port: proxy.ports['main'] ?? 0 };
  const answer = ask({ ...host, path: '/held', agent: false });
  await eventually(() => held.length === 1);
  const upgraded = await runCommand('upgrade', `127.0.0.1:${proxy.adminPort}`);
  t.match(upgraded, { code: 0 }, upgraded.stderr);
  proxy.command.signal('SIGTERM');
  await eventually(() => proxy.command.children().length === 0, 30_000);
  held[0]?.end('late');
  t.equal(await answer, '200 late');
  t.equal((await proxy.command.ended).code, 0);
});
