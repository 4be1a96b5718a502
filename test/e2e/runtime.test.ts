// What operators change in the runtime is what every worker does a moment later.
import { Agent, request } from 'node:http';
import t from 'tap';
import { eventually } from '../support/eventually.ts';
import {
  bootstrapOf,
  httpListener,
  type Message,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { type ProxyProcess, startProcess, TestDirectory } from '../support/with-process.ts';

const CLIENTS = 24;
const DEADLINE_MS = 20_000;

function bootstrap(): Message {
  const share = { default_value: { numerator: 0 }, runtime_key: 'new.share' };
  const routes = [
    { match: { prefix: '/', runtime_fraction: share }, direct_response: { status: 201 } },
    { match: { prefix: '/' }, direct_response: { status: 200 } },
  ];
  return {
    ...bootstrapOf([httpListener('in', { virtual_hosts: [virtualHost(['*'], routes)] })], []),
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
    layered_runtime: {
      layers: [
        { name: 'static', static_layer: { other: 1 } },
        { name: 'admin', admin_layer: {} },
      ],
    },
  };
}

/** Statuses of one request on each of the clients' connections, which stay open. */
async function statuses(agent: Agent, port: number): Promise<readonly number[]> {
  const ask = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const asked = request({ agent, port, host: '127.0.0.1' }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode ?? 0));
      });
      asked.once('error', reject).end();
    });
  return [...new Set(await Promise.all(Array.from({ length: CLIENTS }, ask)))];
}

function modify(proxy: ProxyProcess, query: string): Promise<Response> {
  const url = `http://127.0.0.1:${proxy.adminPort}/runtime_modify?${query}`;
  return fetch(url, { method: 'POST' });
}

interface Place {
  readonly proxy: ProxyProcess;
  readonly agent: Agent;
  readonly port: number;
}

/** A change is to be in all workers after this time. */
const SPREAD_MS = 100;
/** On a machine with other things to do some take longer. */
const TRIES = 40;

/** True: a change reached every connection's worker in time; false: none of many did. */
async function turnsAtOnce({ proxy, agent, port }: Place): Promise<boolean> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const wanted = tries % 2 === 0 ? 201 : 200;
    const startMs = performance.now();
    await modify(proxy, `new.share=${wanted === 201 ? 100 : 0}`);
    const all = await statuses(agent, port);
    const isSpread = all.length === 1 && all[0] === wanted;
    if (isSpread && performance.now() - startMs <= SPREAD_MS) return true;
    await eventually(async () => {
      const later = await statuses(agent, port);
      return later.length === 1 && later[0] === wanted;
    }, DEADLINE_MS);
  }
  return false;
}

for (const concurrency of [1, 4]) {
  t.test(`with ${concurrency} workers`, async (t) => {
    const directory = new TestDirectory();
    const config = directory.write('config.json', bootstrap());
    const proxy = await startProcess(directory, config, '--concurrency', String(concurrency));
    const agent = new Agent({ keepAlive: true });
    try {
      const port = proxy.ports['in'] as number;
      t.strictSame(await statuses(agent, port), [200]);
      const turns = async (query: string, status: number): Promise<void> => {
        t.equal((await modify(proxy, query)).status, 200);
        await eventually(async () => {
          const all = await statuses(agent, port);
          return all.length === 1 && all[0] === status;
        }, DEADLINE_MS);
      };
      t.ok(await turnsAtOnce({ proxy, agent, port }), 'every worker within 100 ms');
      await turns('new.share=100', 201);
      await turns('new.share=', 200);
      await turns('new.share=%7Bnumerator:1000000,denominator:MILLION%7D', 201);
      const victim = concurrency === 1 ? undefined : proxy.command.children()[0];
      if (victim === undefined) return;
      agent.destroy();
      process.kill(victim, 'SIGKILL');
      await eventually(() => {
        const children = proxy.command.children();
        return children.length === concurrency && !children.includes(victim);
      }, DEADLINE_MS);
      t.strictSame(await statuses(agent, port), [201], 'the replacement knows it, too');
    } finally {
      agent.destroy();
      proxy.command.signal('SIGKILL');
      await proxy.command.ended;
      directory.remove();
    }
  });
}
