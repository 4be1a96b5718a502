// What docs/xds-server.md promises, with the files of its tutorial: Outrigger and Envoy live on what
// `outrigger xds` serves, in both variants, and hear of every change.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { serveFolder } from '../../proxy/cli/xds/xds-command.ts';
import { callCommand } from '../support/command-host.ts';
import { type EchoUpstream, startEchoUpstream } from '../support/echo-upstream.ts';
import { eventually } from '../support/eventually.ts';
import type { Message } from '../support/static-bootstrap.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { RunningCommand } from '../support/with-process.ts';
import { withProxy } from '../support/with-proxy.ts';
import { XdsProgram } from '../support/xds-program.ts';

const EXAMPLE = fileURLToPath(new URL('../../../examples/xds/', import.meta.url));

/** A file of the tutorial, with ports that are free. */
function textOf(name: string, upstream: EchoUpstream): string {
  const text = readFileSync(`${EXAMPLE}resources/${name}`, 'utf8');
  return text.replace('port_value: 8080', 'port_value: 0').replace('3000', `${upstream.port}`);
}

/** Routes and service in one file, so that both can change at once. */
function siteOf(upstream: EchoUpstream): string {
  return ['routes.yaml', 'app.yaml'].map((name) => textOf(name, upstream)).join('---\n');
}

function bootstrap(port: number, variant: string): Record<string, Message> {
  const text = readFileSync(`${EXAMPLE}outrigger.yaml`, 'utf8')
    .replace('api_type: DELTA_GRPC', `api_type: ${variant}`)
    .replace('port_value: 18000', `port_value: ${port}`)
    .replace('port_value: 9901', 'port_value: 0');
  return parse(text) as Record<string, Message>;
}

async function serve(t: Test, upstream: EchoUpstream): Promise<XdsProgram> {
  const xds = new XdsProgram();
  xds.write('listener.yaml', textOf('listener.yaml', upstream));
  xds.write('site.yaml', siteOf(upstream));
  await xds.start({ json: true, check: 'off' });
  t.teardown(() => xds.remove());
  return xds;
}

async function get(address: string, path: string): Promise<string> {
  const response = await fetch(`http://${address}${path}`);
  const text = await response.text();
  if (response.status !== 200) return String(response.status);
  return text.startsWith('{') ? (JSON.parse(text) as { upstream: string }).upstream : text;
}

function count(xds: XdsProgram, event: string, type: string): number {
  return xds.events.filter((each) => each.event === event && `${each['type']}`.endsWith(type))
    .length;
}

/** Requests one after the other until told to stop; answers what was no success. */
function keepAsking(address: string): () => Promise<readonly string[]> {
  const bad: string[] = [];
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      const answer = await get(address, '/').catch(String);
      if (answer !== 'a' && answer !== 'b') bad.push(answer);
    }
  })();
  return async () => {
    isOver = true;
    await asking;
    return bad;
  };
}

async function tutorial(
  t: Test,
  xds: XdsProgram,
  address: string,
  whileRefused: () => Promise<void> = async () => undefined,
): Promise<void> {
  t.equal(await get(address, '/hello'), 'hello\n');
  t.equal(await get(address, '/'), 'a');
  const site = readFileSync(`${xds.folder}/site.yaml`, 'utf8');
  xds.write('site.yaml', site.replace('hello\\n', 'good morning\\n'));
  await eventually(async () => (await get(address, '/hello')) === 'good morning\n');

  const nacks = count(xds, 'nack', 'Cluster');
  xds.write('site.yaml', site.replace('connect_timeout: 1s', 'connect_timeout: 0s'));
  await eventually(() => count(xds, 'nack', 'Cluster') > nacks);
  const nack = xds.events.find(({ event }) => event === 'nack');
  t.match(nack?.['error'], /app[\s\S]*connect_?timeout/i);
  t.equal(await get(address, '/'), 'a', 'the last good version serves');
  await whileRefused();
  const acks = count(xds, 'ack', 'Cluster');
  xds.write('site.yaml', site);
  await eventually(() => count(xds, 'ack', 'Cluster') > acks);
}

/** A route moves to another cluster and its old one goes, in one step. */
async function move(t: Test, xds: XdsProgram, address: string): Promise<void> {
  const b = await startEchoUpstream('b');
  t.teardown(() => b.close());
  const stop = keepAsking(address);
  xds.write('site.yaml', siteOf(b).replaceAll(/\bapp\b/g, 'next'));
  await eventually(async () => (await get(address, '/')) === 'b');
  // First both clusters, then the new one alone.
  await eventually(() => {
    const push = xds.events.findLast(
      ({ event, type }) => event === 'push' && `${type}`.endsWith('Cluster'),
    );
    return push?.['variant'] === 'sotw' ? push['count'] === 1 : `${push?.['removed']}` === 'app';
  });
  t.same(await stop(), [], 'no request was lost');
}

for (const variant of ['DELTA_GRPC', 'GRPC']) {
  t.test(`Outrigger lives on it (${variant})`, async (t) => {
    const a = await startEchoUpstream('a');
    t.teardown(() => a.close());
    const xds = await serve(t, a);
    const proxy = await withProxy(bootstrap(xds.port, variant));
    t.teardown(() => proxy.stop());
    const address = `127.0.0.1:${proxy.ports['web']}`;
    await tutorial(t, xds, address, async () => {
      const shown = await callCommand('ps', '--admin', proxy.adminAddress ?? '');
      const how = variant === 'GRPC' ? 'sotw' : 'delta';
      t.match(shown.stdout, /^NAME +CLUSTER +CDS +LDS +EDS +RDS +ECDS +ISTIOD +VERSION$/m);
      t.match(
        shown.stdout,
        /^edge-1 +edge +ERROR +SYNCED +SYNCED +SYNCED +IGNORED +outrigger@\S+ +\S+$/m,
      );
      const version = '[0-9a-f]{16}';
      t.match(
        shown.stdout,
        new RegExp(
          `^CDS +NACKED +${version} +\\d+ +all +xds \\(ADS ${how}\\) +Error adding/updating cluster\\(s\\) app: `,
          'm',
        ),
      );
      t.match(
        shown.stdout,
        new RegExp(`^EDS +ACKED +${version} +\\d+ +1 +xds \\(ADS ${how}\\)$`, 'm'),
      );
    });
    await move(t, xds, address);
    t.equal(await xds.stop(), 0);
    t.equal(await get(address, '/'), 'b', 'without a server everything stays');
  });

  t.test(`Envoy lives on it (${variant})`, { skip: withoutEnvoy }, async (t) => {
    const a = await startEchoUpstream('a');
    t.teardown(() => a.close());
    const xds = await serve(t, a);
    await withEnvoy(bootstrap(xds.port, variant), async ({ listener }) => {
      const address = await listener('web');
      await tutorial(t, xds, address);
      await move(t, xds, address);
      t.equal(await get(address, '/'), 'b');
    });
  });
}

t.test('a signal ends it in order', async (t) => {
  const run = new RunningCommand(['xds', `${EXAMPLE}resources`, '--listen', '127.0.0.1:0']);
  await eventually(() => run.stdout.includes('serving 4 resources of 3 files'));
  run.signal('SIGTERM');
  t.match(await run.ended, { code: 0, signal: null, stderr: '' });
});

t.test('the files of the tutorial are right', async (t) => {
  const lines: string[] = [];
  const untilStopped = () => Promise.resolve();
  const out = (line: string) => void lines.push(line);
  const outlets = { out, err: out, colour: false, observer: null, untilStopped };
  t.equal(await serveFolder(`${EXAMPLE}resources`, { dryRun: true }, outlets), 0);
  t.same(lines, ['4 resources of 3 files (CDS 1, EDS 1, LDS 1, RDS 1): OK']);
});
