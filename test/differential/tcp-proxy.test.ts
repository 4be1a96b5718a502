// The TCP proxy beside Envoy's: what both ends see, access log lines, flags and statistics.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { closedPort } from '../support/dead-ports.ts';
import { eventually } from '../support/eventually.ts';
import { type RawPeer, rawConnect } from '../support/raw-peer.ts';
import { type Message, staticCluster } from '../support/static-bootstrap.ts';
import { fileLog, filterListener, TcpServer, tcpProxy } from '../support/tcp-bootstrap.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { withProxy } from '../support/with-proxy.ts';

const FORMAT = [
  '%ACCESS_LOG_TYPE% %RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG% rx=%BYTES_RECEIVED% tx=%BYTES_SENT%',
  '%DOWNSTREAM_WIRE_BYTES_RECEIVED%/%DOWNSTREAM_WIRE_BYTES_SENT%',
  '%UPSTREAM_WIRE_BYTES_RECEIVED%/%UPSTREAM_WIRE_BYTES_SENT%',
  '%UPSTREAM_CLUSTER% %UPSTREAM_HOST% %UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%',
  '%UPSTREAM_TRANSPORT_FAILURE_REASON% %UPSTREAM_REQUEST_ATTEMPT_COUNT%',
  '%PROTOCOL% %UPSTREAM_PROTOCOL% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS%',
  '%REQUEST_DURATION% %RESPONSE_DURATION% %REQ(A)% %CONNECTION_TERMINATION_DETAILS%',
  '%DOWNSTREAM_DETECTED_CLOSE_TYPE%/%UPSTREAM_DETECTED_CLOSE_TYPE%',
  '%DOWNSTREAM_LOCAL_CLOSE_REASON%/%UPSTREAM_LOCAL_CLOSE_REASON%',
  '%LISTENER_NAME% %METADATA(LISTENER:a)% %CLUSTER_METADATA(a)%\n',
].join(' ');

const NOTHING = /(?!)/;

/** One of the two. */
interface Side {
  readonly admin: string;
  readonly logPath: string;
  readonly server: TcpServer;
  client(listener: string): Promise<RawPeer>;
  mask(text: string): string;
}

interface TcpCase {
  readonly title: string;
  readonly listener: string;
  /** What the server does with a connection. */
  readonly serve?: (peer: RawPeer) => void;
  readonly run: (peer: RawPeer) => Promise<void>;
  /** Lines of the log. */
  readonly lines?: number;
  /** What differs on purpose, in lines of the log and statistics. */
  readonly differs?: RegExp;
}

const echo = (peer: RawPeer): void => {
  peer.socket.on('data', (data) => peer.write(data));
  peer.socket.on('end', () => peer.finish());
};

const untilEnd = async (peer: RawPeer): Promise<void> => {
  await peer.ended();
};

const afterPing = (act: (peer: RawPeer) => void) => (peer: RawPeer) => {
  peer.socket.once('data', () => act(peer));
};

const pingPong = async (peer: RawPeer): Promise<void> => {
  peer.write('ping');
  await peer.until(() => peer.bytesRead >= 4);
};

const CASES: readonly TcpCase[] = [
  {
    title: 'the client ends first',
    listener: 'plain',
    run: async (peer) => {
      await pingPong(peer);
      peer.finish();
      await peer.ended();
    },
  },
  {
    title: 'the server speaks and ends first',
    listener: 'plain',
    serve: (peer) => {
      peer.write('hello');
      peer.finish();
    },
    run: async (peer) => {
      await peer.ended();
      peer.write('thanks');
      peer.finish();
    },
  },
  {
    title: 'the server resets',
    listener: 'plain',
    serve: afterPing((peer) => peer.reset()),
    run: async (peer) => {
      peer.write('ping');
      await peer.ended();
    },
  },
  {
    title: 'the client resets',
    listener: 'plain',
    run: async (peer) => {
      await pingPong(peer);
      peer.reset();
    },
  },
  { title: 'nobody listens', listener: 'dead', run: untilEnd },
  { title: 'nobody listens, three attempts', listener: 'dead3', run: untilEnd },
  { title: 'no such cluster', listener: 'nowhere', run: untilEnd },
  { title: 'no host', listener: 'empty', run: untilEnd },
  { title: 'no connection allowed', listener: 'full', run: untilEnd },
  { title: 'no destination', listener: 'original', run: untilEnd },
  {
    title: 'idle',
    listener: 'idle',
    run: async (peer) => {
      await pingPong(peer);
      await peer.ended();
    },
  },
  {
    title: 'too long',
    listener: 'long',
    run: async (peer) => {
      await pingPong(peer);
      await peer.ended();
    },
  },
  {
    title: 'a line when it is connected',
    listener: 'logged',
    serve: (peer) => {
      peer.write('hello');
      echo(peer);
    },
    run: async (peer) => {
      await peer.until(() => peer.bytesRead === 5);
      peer.finish();
      await peer.ended();
    },
    lines: 2,
  },
  {
    title: 'a tunnel',
    listener: 'tunnel',
    serve: afterPing((peer) => {
      peer.write('HTTP/1.1 200 OK\r\n\r\n');
      echo(peer);
    }),
    run: async (peer) => {
      await pingPong(peer);
      peer.finish();
      await peer.ended();
    },
    // Envoy counts a tunnel's octets twice, and cuts it when the client ends its side.
    differs: /(?<=4\/4 )\d+\/\d+|^.*upstream_cx_destroy.*$/,
  },
  {
    title: 'a tunnel that is refused',
    listener: 'tunnel',
    serve: afterPing((peer) => peer.write('HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n')),
    run: untilEnd,
  },
];

function bootstrap(serverPort: number, deadPort: number, logPath: string): Message {
  const proxies: Readonly<Record<string, Message>> = {
    plain: {},
    dead: { cluster: 'dead' },
    dead3: { cluster: 'dead', max_connect_attempts: 3 },
    nowhere: { cluster: 'nowhere' },
    empty: { cluster: 'empty' },
    full: { cluster: 'full' },
    original: { cluster: 'original' },
    idle: { idle_timeout: '0.2s' },
    long: { max_downstream_connection_duration: '1s' },
    logged: { access_log_options: { flush_access_log_on_connected: true } },
    tunnel: { cluster: 'proxy', tunneling_config: { hostname: 'a.test:443' } },
  };
  const access_log = [fileLog(logPath, FORMAT)];
  const circuit_breakers = { thresholds: [{ max_connections: 0 }] };
  const original = { name: 'original', type: 'ORIGINAL_DST', lb_policy: 'CLUSTER_PROVIDED' };
  return {
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
    static_resources: {
      listeners: Object.entries(proxies).map(([name, members]) =>
        filterListener(name, tcpProxy(name, { access_log, ...members })),
      ),
      clusters: [
        ...[staticCluster('server', serverPort), staticCluster('dead', deadPort)],
        ...[staticCluster('proxy', serverPort), { name: 'empty', type: 'STATIC' }],
        { ...staticCluster('full', serverPort), circuit_breakers },
        original,
      ],
    },
  };
}

t.test('TCP proxy', { skip: withoutEnvoy, timeout: 120_000 }, async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'tcp-twins-'));
  const dead = await closedPort();
  let serve: (peer: RawPeer) => void = echo;
  const servers = { ours: serverOf(), envoy: serverOf() };
  function serverOf(): TcpServer {
    return new TcpServer((peer) => serve(peer));
  }
  const logs = { ours: path.join(directory, 'ours'), envoy: path.join(directory, 'envoy') };
  const ports = { ours: await servers.ours.listen(), envoy: await servers.envoy.listen() };
  const proxy = await withProxy(bootstrap(ports.ours, dead, logs.ours), {
    fileFlushIntervalMs: 20,
  });
  const mask = (port: number) => (text: string) =>
    text.replaceAll(`:${port}`, ':{server}').replaceAll(`:${dead}`, ':{dead}');
  try {
    await withEnvoy(
      bootstrap(ports.envoy, dead, logs.envoy),
      async ({ admin, listener }) => {
        const ours: Side = {
          ...{ admin: `http://${proxy.adminAddress}`, logPath: logs.ours, server: servers.ours },
          client: (name) => rawConnect(`127.0.0.1:${proxy.ports[name]}`),
          mask: mask(ports.ours),
        };
        const envoy: Side = {
          ...{ admin, logPath: logs.envoy, server: servers.envoy, mask: mask(ports.envoy) },
          client: async (name) => rawConnect(await listener(name)),
        };
        for (const each of CASES) {
          serve = each.serve ?? echo;
          await t.test(each.title, (t) => compare(t, each, { ours, envoy }));
        }
      },
      ['--file-flush-interval-msec', '20'],
    );
  } finally {
    await proxy.stop();
    servers.ours.close();
    servers.envoy.close();
    fs.rmSync(directory, { recursive: true });
  }
});

async function compare(t: Test, each: TcpCase, { ours, envoy }: Record<'ours' | 'envoy', Side>) {
  t.same(await outcome(each, ours), await outcome(each, envoy));
}

async function outcome(each: TcpCase, side: Side): Promise<unknown> {
  await fetch(`${side.admin}/reset_counters`, { method: 'POST' });
  const before = linesOf(side.logPath).length;
  const peers = side.server.peers.length;
  const client = await side.client(each.listener);
  await each.run(client);
  const expected = before + (each.lines ?? 1);
  await eventually(() => linesOf(side.logPath).length >= expected);
  const server = side.server.peers.slice(peers);
  for (const peer of server) await peer.ended();
  await eventually(async () => (await statsOf(side, /upstream_cx_active/)).length === 0);
  const same = (line: string) => side.mask(line).replace(each.differs ?? NOTHING, '{differs}');
  const stats = await statsOf(side, COMPARED);
  return {
    log: linesOf(side.logPath).slice(before).map(same),
    client: { bytes: client.bytesRead, end: client.end },
    server: server.map(({ bytesRead, end }) => ({ bytesRead, end })),
    stats: [...new Set(stats.map(same))],
  };
}

function linesOf(file: string): readonly string[] {
  return fs.existsSync(file) ? fs.readFileSync(file, 'latin1').split('\n').slice(0, -1) : [];
}

/** What exchanges change. Whether octets still had to leave is chance. */
const COMPARED = /^(tcp|cluster)\.(?!.*(default\.total|membership|circuit_b|upstream_flush))/;

/** `name: value` of what is not 0; histograms by whether there is anything in them. */
async function statsOf({ admin }: Side, names: RegExp): Promise<readonly string[]> {
  const text = await (await fetch(`${admin}/stats`)).text();
  return text
    .split('\n')
    .filter((line) => names.test(line) && !/: (0|No recorded values)$/.test(line))
    .filter((line) => !/_ms: |rq_per_cx|worker_\d/.test(line))
    .sort();
}
