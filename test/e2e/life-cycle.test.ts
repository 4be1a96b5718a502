import { renameSync } from 'node:fs';
import { Agent, createServer, get as httpGet, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { bootstrapOf } from '../support/bootstrap-text.ts';
import { eventually } from '../support/eventually.ts';
import { fastest, timed } from '../support/fastest.ts';
import { KEPT } from '../support/kept-connections.ts';
import { type ProxyProcess, startProcess, TestDirectory } from '../support/with-process.ts';

const directory = new TestDirectory();
const held: ServerResponse[] = [];
const upstream = createServer(KEPT, (request, response) => {
  if (request.url === '/held') held.push(response);
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

function config(parts: { readonly body?: string; readonly accessLog?: string } = {}): string {
  const upstreamPort = (upstream.address() as AddressInfo).port;
  return directory.write('config.yaml', bootstrapOf({ upstreamPort, ...parts }));
}

/** A request on a connection of its own, or of an agent's. Resolves with `status body` or an error code. */
function request(port: number, path: string, agent?: Agent): Promise<string> {
  return new Promise((resolve) => {
    const options = { host: '127.0.0.1', port, path, agent: agent ?? false };
    httpGet(options, (response) => {
      let body = '';
      response.on('data', (data: Buffer) => {
        body += data.toString();
      });
      response.on('end', () => resolve(`${response.statusCode} ${body}`));
      response.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    }).on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
  });
}

for (const concurrency of ['1', '2']) {
  t.test(`with --concurrency ${concurrency}`, async (t) => {
    const file = config({ body: 'one' });
    const proxy = await startProcess(directory, file, '--concurrency', concurrency);
    const port = proxy.ports['main'] ?? 0;

    await t.test('SIGHUP swaps in a good configuration and refuses a bad one', async (t) => {
      t.equal(await request(port, '/direct'), '200 one');
      config({ body: 'two' });
      proxy.command.signal('SIGHUP');
      await eventually(async () => (await request(port, '/direct')) === '200 two');
      directory.write('config.yaml', 'static_resources: { listeners: [ { name: 1 } ] }');
      proxy.command.signal('SIGHUP');
      await eventually(() => proxy.command.stderr.includes('the last good one stays in use'));
      t.equal(await request(port, '/direct'), '200 two');
    });

    await t.test('SIGTERM fails readiness at once and finishes what is in flight', async (t) => {
      const answer = request(port, '/held');
      await eventually(() => held.length === 1);
      proxy.command.signal('SIGTERM');
      const ready = () => fetch(`http://127.0.0.1:${proxy.adminPort}/ready`);
      await eventually(async () => (await ready()).status === 503);
      await eventually(async () => (await request(port, '/direct')) === 'ECONNREFUSED');
      held.pop()?.end('finished');
      t.equal(await answer, '200 finished');
      t.equal((await proxy.command.ended).code, 0);
    });
  });
}

/** From the signal to the end of a process with a request that does not end. */
async function cutAfterMs(t: Test): Promise<number> {
  const proxy = await startProcess(
    directory,
    config(),
    '--concurrency',
    '1',
    '--drain-time-s',
    '1',
  );
  const answer = request(proxy.ports['main'] ?? 0, '/held');
  await eventually(() => held.length === 1);
  const tookMs = await timed(async () => {
    proxy.command.signal('SIGTERM');
    t.equal((await proxy.command.ended).code, 0);
  });
  t.equal(await answer, 'ECONNRESET');
  held.pop();
  return tookMs;
}

t.test('requests that do not end are cut at the drain time', async (t) => {
  const tookMs = await fastest(2_100, () => cutAfterMs(t));
  t.ok(tookMs >= 900 && tookMs < 2_100, `ended after ${Math.round(tookMs)} ms`);
});

/** From the second signal to the end of a process with a request that does not end. */
async function endsAfterMs(t: Test, concurrency: string): Promise<number> {
  const proxy = await startProcess(directory, config(), '--concurrency', concurrency);
  const answer = request(proxy.ports['main'] ?? 0, '/held');
  await eventually(() => held.length === 1);
  proxy.command.signal('SIGTERM');
  const ready = () => fetch(`http://127.0.0.1:${proxy.adminPort}/ready`);
  await eventually(async () => (await ready()).status === 503);
  const tookMs = await timed(async () => {
    proxy.command.signal('SIGTERM');
    await proxy.command.ended;
  });
  t.equal(await answer, 'ECONNRESET');
  held.pop();
  return tookMs;
}

t.test('a second signal ends the process at once', async (t) => {
  for (const concurrency of ['1', '2']) {
    t.ok((await fastest(1_000, () => endsAfterMs(t, concurrency))) < 1_000);
  }
});

t.test('SIGUSR1 opens access logs and the log file anew', async (t) => {
  const accessLog = `${directory.path}/access.log`;
  const flags = ['--concurrency', '2', '--file-flush-interval-msec', '20'];
  const logPath = ['--log-path', `${directory.path}/diagnostics.log`];
  const proxy = await startProcess(directory, config({ accessLog }), ...flags, ...logPath);
  const port = proxy.ports['main'] ?? 0;
  await request(port, '/direct?1');
  await eventually(() => directory.read('access.log').includes('/direct?1'));
  renameSync(accessLog, `${accessLog}.1`);
  renameSync(`${directory.path}/diagnostics.log`, `${directory.path}/diagnostics.log.1`);
  proxy.command.signal('SIGUSR1');
  await eventually(async () => {
    await request(port, '/direct?2');
    return fileHas('access.log', '/direct?2');
  });
  proxy.command.signal('SIGTERM');
  await proxy.command.ended;
  t.ok(fileHas('diagnostics.log', 'SIGTERM'), 'the last line is in the new file');
});

t.test('two workers', async (t) => {
  const proxy = await startProcess(directory, config(), '--concurrency', '2');

  await t.test('SIGUSR2 replaces every worker without a failed request', async (t) => {
    const port = proxy.ports['main'] ?? 0;
    const before = proxy.command.children();
    const outcomes = new Map<string, number>();
    let isLoading = true;
    const clients = Array.from({ length: 8 }, async () => {
      while (isLoading) {
        const outcome = await request(port, '/x');
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    });
    await eventually(() => (outcomes.get('200 up') ?? 0) > 50);
    proxy.command.signal('SIGUSR2');
    await eventually(() => {
      const now = proxy.command.children();
      return now.length === 2 && now.every((pid) => !before.includes(pid));
    }, 30_000);
    isLoading = false;
    await Promise.all(clients);
    t.same([...outcomes.keys()], ['200 up']);
    const stats = await (await fetch(`http://127.0.0.1:${proxy.adminPort}/stats`)).text();
    t.match(stats, 'server.worker_deaths: 0');
    t.match(
      stats,
      `cluster.service.upstream_rq_200: ${outcomes.get('200 up')}`,
      'nothing is uncounted',
    );
  });

  await t.test('kill -9 of a worker costs its own requests only, and it is replaced', async (t) => {
    const port = proxy.ports['main'] ?? 0;
    t.equal(proxy.command.children().length, 2);
    const connections = 24;
    const agent = new Agent({ keepAlive: true, maxSockets: connections });
    const outcomes = new Map<string, number>();
    let isLoading = true;
    const clients = Array.from({ length: connections }, async () => {
      while (isLoading) {
        const outcome = await request(port, '/x', agent);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    });
    const serves = (count: number): Promise<void> => {
      const served = outcomes.get('200 up') ?? 0;
      return eventually(() => (outcomes.get('200 up') ?? 0) > served + count);
    };
    let kills = 0;
    const replacedAfterMs = async (): Promise<number> => {
      await serves(200);
      const victim = proxy.command.children()[0] as number;
      kills += 1;
      process.kill(victim, 'SIGKILL');
      return timed(() =>
        eventually(() => {
          const now = proxy.command.children();
          return now.length === 2 && !now.includes(victim);
        }),
      );
    };
    t.ok((await fastest(1_000, replacedAfterMs)) < 1_000, 'replaced within a second');
    await serves(500);
    isLoading = false;
    await Promise.all(clients);
    agent.destroy();
    const failed = [...outcomes].filter(([outcome]) => outcome !== '200 up');
    t.notOk(outcomes.has('ECONNREFUSED'), 'the port never refuses');
    const count = failed.reduce((sum, [, times]) => sum + times, 0);
    t.ok(count <= kills * connections, `${count} failed: ${JSON.stringify(failed)}`);
    const stats = await (await fetch(`http://127.0.0.1:${proxy.adminPort}/stats`)).text();
    t.match(stats, `server.worker_deaths: ${kills}\n`);
    t.ok(await isReady(proxy));
  });

  await t.test('a worker that keeps dying does not take the primary down', async (t) => {
    const port = proxy.ports['main'] ?? 0;
    for (let deaths = 0; deaths < 3; deaths += 1) {
      const [first] = proxy.command.children();
      process.kill(first as number, 'SIGKILL');
      await eventually(() => {
        const now = proxy.command.children();
        return now.length === 2 && !now.includes(first as number);
      });
    }
    await eventually(async () => (await request(port, '/direct')) === '200 direct');
    t.ok(await isReady(proxy));
  });

  await t.test(
    'while every worker is dead, connections wait and the port stays the same',
    async (t) => {
      const port = proxy.ports['main'] ?? 0;
      for (const pid of proxy.command.children()) process.kill(pid, 'SIGKILL');
      t.equal(await request(port, '/direct'), '200 direct');
    },
  );

  proxy.command.signal('SIGTERM');
  t.equal((await proxy.command.ended).code, 0);
});

async function isReady({ adminPort }: ProxyProcess): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${adminPort}/ready`)).status === 200;
}

function fileHas(name: string, text: string): boolean {
  try {
    return directory.read(name).includes(text);
  } catch {
    // Not there yet.
    return false;
  }
}
