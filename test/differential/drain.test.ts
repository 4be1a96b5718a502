// Draining beside Envoy: listeners that are removed, filter chains that an update takes away, and
// /drain_listeners, with a drain time of seconds.
import { mkdtempSync, rmSync } from 'node:fs';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { DEFAULT_SERVER_OPTIONS } from '../../proxy/server/options.ts';
import { eventually } from '../support/eventually.ts';
import { type RawPeer, rawConnect } from '../support/raw-peer.ts';
import { ResourceFiles } from '../support/resource-files.ts';
import { httpListener, type Message, virtualHost } from '../support/static-bootstrap.ts';
import { filterListener, networkFilter } from '../support/tcp-bootstrap.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { withProxy } from '../support/with-proxy.ts';

const DRAIN_S = 2;
const DRAIN_TIMEOUT = '0.3s';
/** What ends at the drain time ends within this of it. */
const TOLERANCE_MS = 1_500;
const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';

/** One of the two. */
interface Side {
  readonly files: ResourceFiles;
  readonly admin: string;
}

function listener(name: string, body: string, direction = 'OUTBOUND'): Message {
  const direct = { match: { prefix: '/' }, direct_response: { status: 200, body: text(body) } };
  const routes = { virtual_hosts: [virtualHost(['*'], [direct])] };
  // Envoy would wait for the client's FIN.
  const manager = { drain_timeout: DRAIN_TIMEOUT, delayed_close_timeout: '0s' };
  return { ...httpListener(name, routes, { manager }), traffic_direction: direction };
}

const text = (inline_string: string) => ({ inline_string });
const echo = () => filterListener('tcp', networkFilter('echo.v3.Echo'));
const initial = () => [listener('in', 'one'), listener('inbound', 'one', 'INBOUND'), echo()];

async function address({ admin }: Side, name: string): Promise<string> {
  const lines = (await (await fetch(`${admin}/listeners`)).text()).split('\n');
  return lines.find((line) => line.startsWith(`${name}::`))?.slice(name.length + 2) ?? '';
}

async function stat({ admin }: Side, name: string): Promise<number> {
  const line = await (await fetch(`${admin}/stats?filter=${name}`)).text();
  return Number(line.split(': ')[1] ?? Number.NaN);
}

/** Body and Connection of the next response, and whether the connection ends behind it. */
async function ask(peer: RawPeer): Promise<string> {
  peer.write(GET);
  const { body, head } = await peer.response();
  const connection = head.get('connection');
  return connection === null ? body : `${body} ${connection} ${await peer.ended()}`;
}

/** How long until it ends, beside the drain time: '' when it ends with it. */
async function endsWithDrainTime(peer: RawPeer, startMs: number): Promise<string> {
  await peer.ended();
  const lateMs = performance.now() - startMs - DRAIN_S * 1000;
  return Math.abs(lateMs) < TOLERANCE_MS ? 'at the drain time' : `${Math.round(lateMs)} ms late`;
}

async function speak(address: string): Promise<RawPeer> {
  const peer = await rawConnect(address);
  peer.write('hello');
  await peer.takeBytes(5);
  return peer;
}

/** The last streams of the GOAWAY frames that come, with a request before and one after `act`. */
async function goaways(place: string, act: () => Promise<void>): Promise<string> {
  const session = http2.connect(`http://${place}`);
  const seen: string[] = [];
  session.on('goaway', (code, lastStream) => seen.push(`goaway ${code} ${lastStream}`));
  session.on('error', () => undefined);
  const closed = new Promise((resolve) => session.once('close', resolve));
  const exchange = () =>
    new Promise<void>((resolve) => {
      const stream = session.request({ ':path': '/' });
      stream.on('error', () => undefined);
      stream.resume().once('close', resolve);
    });
  await exchange();
  await act();
  seen.push('asked');
  await exchange();
  await closed;
  return seen.join(', ');
}

type Scenario = (side: Side) => Promise<unknown>;

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'a listener and a filter chain go': async (side) => {
    const [place, tcp] = [await address(side, 'in'), await address(side, 'tcp')];
    const inbound = await address(side, 'inbound');
    const [busy, idle, chained] = await Promise.all([place, place, inbound].map(rawConnect));
    const seen: unknown[] = [];
    for (const peer of [busy, idle, chained]) seen.push(await ask(peer as RawPeer));
    const session = await speak(tcp);
    side.files.write('lds', [listener('inbound', 'two', 'INBOUND')]);
    await eventually(async () => (await stat(side, 'listener_manager.lds.update_success')) === 2);
    const startMs = performance.now();
    seen.push(await stat(side, 'listener_manager.total_listeners_draining'));
    seen.push(await stat(side, 'listener_manager.total_filter_chains_draining'));
    seen.push(await stat(side, 'listener_manager.listener_in_place_updated'));
    session.write('more');
    seen.push(await session.takeBytes(4));
    seen.push(await ask(busy as RawPeer), await ask(chained as RawPeer));
    seen.push(await ask(await rawConnect(inbound)));
    seen.push(await rawConnect(place).catch((error) => error.code));
    for (const peer of [idle as RawPeer, session]) {
      seen.push(await endsWithDrainTime(peer, startMs));
    }
    return seen;
  },
  '/drain_listeners?graceful&inboundonly, then all': async (side) => {
    const [place, inbound] = [await address(side, 'in'), await address(side, 'inbound')];
    const tcp = await speak(await address(side, 'tcp'));
    const [outside, inside] = await Promise.all([place, inbound].map(rawConnect));
    const drain = async (query: string) => {
      await fetch(`${side.admin}/drain_listeners?${query}`, { method: 'POST' });
    };
    const seen: unknown[] = [await ask(outside as RawPeer), await ask(inside as RawPeer)];
    const frames = goaways(inbound, () => drain('graceful&inboundonly'));
    seen.push(await frames);
    const next = await rawConnect(inbound);
    seen.push(await ask(next), 'new ones are accepted, and end');
    seen.push(await ask(outside as RawPeer));
    const isRefused = () =>
      rawConnect(inbound).then(
        (peer) => {
          peer.close();
          return false;
        },
        () => true,
      );
    await eventually(isRefused, 10_000);
    seen.push(await ask(outside as RawPeer), await ask(await rawConnect(place)));
    tcp.write('hello');
    seen.push(await tcp.takeBytes(5));
    return seen;
  },
};

function bootstrap(files: ResourceFiles): Message {
  files.write('lds', initial());
  return {
    node: { id: 'n', cluster: 'c' },
    dynamic_resources: { lds_config: files.source('lds') },
  };
}

async function onBoth(scenario: Scenario): Promise<readonly [ours: unknown, envoys: unknown]> {
  const directories = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'drain-')));
  const [ours, theirs] = directories.map((directory) => new ResourceFiles(directory));
  const flags = ['--drain-time-s', String(DRAIN_S), '--drain-strategy', 'immediate'];
  const result: unknown[] = [];
  try {
    const run = async () => {
      const drain = { ...DEFAULT_SERVER_OPTIONS.drain, timeS: DRAIN_S, strategy: 'immediate' };
      const admin = { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } };
      const made = { ...bootstrap(ours as ResourceFiles), admin };
      const proxy = await withProxy(made, { drain: drain as typeof DEFAULT_SERVER_OPTIONS.drain });
      const side = { files: ours as ResourceFiles, admin: `http://${proxy.adminAddress}` };
      try {
        result[0] = await scenario(side);
      } finally {
        await proxy.stop();
      }
    };
    const compared = withEnvoy(
      bootstrap(theirs as ResourceFiles),
      async ({ admin }) => {
        result[1] = await scenario({ files: theirs as ResourceFiles, admin });
      },
      flags,
    );
    await Promise.all([run(), compared]);
  } finally {
    for (const directory of directories) rmSync(directory, { recursive: true });
  }
  return [result[0], result[1]];
}

for (const [title, scenario] of Object.entries(SCENARIOS)) {
  t.test(title, { skip: withoutEnvoy }, async (t) => {
    const [ours, envoys] = await onBoth(scenario);
    t.same(ours, envoys);
    t.ok(Array.isArray(ours) && ours.length > 5);
  });
}
