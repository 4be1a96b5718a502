// Programs that other people wrote, through two proxies in a row: whatever the pairs of protocols
// are, what arrives is what was sent. Each part skips where its program is missing.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { H2Upstream } from '../support/h2-upstream.ts';
import { rigBootstrap } from '../support/rig-bootstrap.ts';
import type { Echo } from '../support/scripted-upstream.ts';
import { type SpawnedServer, spawnServer } from '../support/spawn-server.ts';
import { type Rig, withRig } from '../support/with-rig.ts';

const OVER_HTTP2 = { explicit_http_config: { http2_protocol_options: {} } };
const LARGE = 10 * 1024 * 1024;

/** The front proxy's listeners, by what it speaks with the one behind it. */
const LINKS = ['http1', 'http2'] as const;
/** Paths by what the proxy behind speaks with the upstream. */
const UPSTREAMS = ['/one', '/two'] as const;

/** Two proxies in a row. */
interface Chain {
  readonly back: Rig;
  readonly front: SpawnedServer;
  /** A URL through the chain. */
  url(link: (typeof LINKS)[number], path: string): Promise<string>;
  /** A file with `LARGE` octets. */
  readonly largeFile: string;
}

async function withChain(use: (chain: Chain) => Promise<void>): Promise<void> {
  const second = new H2Upstream();
  const secondPort = await second.listen();
  const route = { match: { prefix: '/two' }, route: { cluster: 'two' } };
  const clusters = () => ({ two: { port: secondPort, http: OVER_HTTP2 } });
  await withRig({ routes: [route], clusters }, async (back) => {
    back.upstream.on('/one/large', (_head, peer) => {
      peer.write(`HTTP/1.1 200 OK\r\ncontent-length: ${LARGE}\r\n\r\n`);
      peer.write('x'.repeat(LARGE));
    });
    const port = Number((await back.address()).split(':').at(-1));
    const front = await spawnServer((directory) => frontBootstrap(port, directory));
    const largeFile = path.join(front.directory, 'large');
    fs.writeFileSync(largeFile, 'y'.repeat(LARGE));
    const url = async (link: string, target: string) =>
      `http://${await front.listener(link)}${target}`;
    try {
      await use({ back, front, url, largeFile });
    } finally {
      front.kill('SIGTERM');
      await front.exited;
      await second.close();
    }
  });
}

function frontBootstrap(port: number, directory: string): object {
  const via = (cluster: string) => ({
    routes: [{ match: { prefix: '/' }, route: { cluster, timeout: '30s' } }],
  });
  return rigBootstrap(
    {
      listeners: { http1: via('http1'), http2: via('http2') },
      clusters: { main: { port }, http1: { port }, http2: { port, http: OVER_HTTP2 } },
    },
    path.join(directory, 'access.log'),
  );
}

function without(program: string): string | false {
  const found = spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
  return found ? false : `there is no ${program}`;
}

/** Runs a program to its end; its output as latin1. */
async function run(program: string, ...flags: string[]): Promise<string> {
  const child = spawn(program, flags, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString('latin1');
  });
  child.stderr.on('data', (data: Buffer) => {
    errors += data.toString('latin1');
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (status !== 0) throw new Error(`${program} ${flags.join(' ')}: ${status}\n${errors}${output}`);
  return output;
}

t.test('clients through two proxies', async (t) => {
  await withChain(async (chain) => {
    await t.test('curl', { skip: without('curl') }, (t) => curl(t, chain));
    await t.test('nghttp', { skip: without('nghttp') }, (t) => nghttp(t, chain));
    await t.test('h2load', { skip: without('h2load') }, (t) => h2load(t, chain));
  });
});

async function curl(t: Test, chain: Chain): Promise<void> {
  const report = '\n%{http_version} %{http_code} %{size_download}';
  for (const protocol of ['--http2-prior-knowledge', '--http2', '--http1.1']) {
    const version = protocol === '--http2-prior-knowledge' ? '2' : '1.1';
    for (const link of LINKS) {
      const flags = [protocol, '-sS', '-w', report];
      const get = async (target: string, ...more: string[]): Promise<readonly string[]> => {
        const output = await run('curl', ...flags, ...more, await chain.url(link, target));
        const end = output.lastIndexOf('\n');
        return [output.slice(0, end), output.slice(end + 1)];
      };
      const title = `${protocol} over ${link}`;
      for (const upstream of UPSTREAMS) {
        const [body = '', verdict] = await get(
          `${upstream}/echo`,
          '-H',
          'x-mine: yes',
          '-b',
          'a=1',
        );
        t.match(verdict, new RegExp(`^${version} 200 `), `${title}${upstream}`);
        const fields = new Map((JSON.parse(body) as Echo).fields);
        t.equal(fields.get('x-mine'), 'yes');
        t.equal(fields.get('cookie'), 'a=1');
        t.notOk(fields.has('upgrade') || fields.has('http2-settings'), 'h2c is not passed on');
      }
      const [, down] = await get('/one/large');
      t.equal(down, `${version} 200 ${LARGE}`, `${title}: large response`);
      const [sent = ''] = await get('/one/up', '--data-binary', `@${chain.largeFile}`);
      t.equal((JSON.parse(sent) as Echo).body.length, LARGE, `${title}: large request`);
    }
  }
}

async function nghttp(t: Test, chain: Chain): Promise<void> {
  for (const link of LINKS) {
    const url = await chain.url(link, '/one/nghttp');
    const verbose = await run(
      'nghttp',
      '-nv',
      '--trailer',
      'x-tail: end',
      '-d',
      chain.largeFile,
      url,
    );
    t.match(verbose, /:status: 200/, `${link}: content with trailers`);
    t.notMatch(verbose, /RST_STREAM|ERROR\]/);
    const statistics = await run('nghttp', '-ns', '-m', '100', url);
    t.equal(statistics.match(/ 200 +\S+ \/one\/nghttp/g)?.length, 100, `${link}: 100 at once`);
  }
}

async function h2load(t: Test, chain: Chain): Promise<void> {
  for (const link of LINKS) {
    for (const upstream of UPSTREAMS) {
      const url = await chain.url(link, `${upstream}/load`);
      const output = await run('h2load', '-n', '2000', '-c', '10', '-m', '20', url);
      t.match(
        output,
        /2000 total, 2000 started, 2000 done, 2000 succeeded, 0 failed, 0 errored, 0 timeout/,
        `${link}${upstream}`,
      );
      t.match(output, /status codes: 2000 2xx/);
    }
  }
}
