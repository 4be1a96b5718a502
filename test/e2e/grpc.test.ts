// Real gRPC clients and servers, with two proxies between them that speak HTTP/2 on every hop.
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import t, { type Test } from 'tap';
import { makeAuthority } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { callEchoServer, type EchoReport } from '../support/grpc-echo-client.ts';
import { GrpcEchoServer } from '../support/grpc-echo-server.ts';
import { spiffeId, workloadCertificate } from '../support/mesh-tls.ts';
import { type Json, rigBootstrap, typed } from '../support/rig-bootstrap.ts';
import { clientTls, type Identity, secureListener } from '../support/secure-listener.ts';
import { type SpawnedServer, spawnServer } from '../support/spawn-server.ts';

const PEER = fileURLToPath(new URL('../../../test/support/grpc_peer.py', import.meta.url));
/** PYTHON_GRPC names the directory that grpcio was installed into, if Python does not know it. */
const PYTHON_ENV = { ...process.env, PYTHONPATH: process.env['PYTHON_GRPC'] ?? '' };
const withoutPython =
  spawnSync('python3', ['-c', 'import grpc'], { env: PYTHON_ENV }).status === 0
    ? false
    : 'no grpcio: pip install --target DIR grpcio, and PYTHON_GRPC=DIR';

/** Of every hop. */
const HTTP2 = { explicit_http_config: { http2_protocol_options: {} } };
const NAMES = 'cluster.main.grpc.outrigger.test.Echo';
/** What each proxy counts of one client. */
const COUNTED = {
  [`${NAMES}.Chat.success`]: 1,
  [`${NAMES}.Chat.request_message_count`]: 101,
  [`${NAMES}.Expand.response_message_count`]: 209,
  [`${NAMES}.Once.16`]: 1,
  [`${NAMES}.Once.success`]: 54,
};

/** What every client finds at every server. */
function checkReport(t: Test, report: EchoReport): void {
  t.equal(report.once, 'hello', 'unary');
  t.same(
    report.metadata,
    [
      ...['x-echo-bin=AP8KDYA=', 'x-echo=a, b', 'x-greeting=hello'],
      ...['x-end-bin=AAH+/w==', 'x-end=bye'],
    ],
    'metadata',
  );
  const [ok, ...failed] = report.statuses;
  t.match(ok, /^0 /, 'status 0');
  t.same(
    failed,
    failed.map((_, index) => `${index + 1} because of ${index + 1}%`),
    'every status',
  );
  t.same(report.streamStatuses, ['15 0', '15 7', '15 13'], 'statuses behind messages');
  t.equal(report.collect, '100:495000', 'client stream');
  t.equal(report.expand, '200:2000000', 'server stream');
  t.equal(report.chat, '100 0', 'both streams');
  t.equal(report.big[1], report.big[0], '10 MiB');
  t.equal(report.deadline, 4, 'deadline');
  t.equal(report.cancel, 1, 'cancel');
  t.ok(report.cancelled >= 2, 'the server hears of both');
  t.equal(report.unknownMethod, 12, 'unknown method');
  t.equal(report.parallel, 50, 'calls at once');
}

interface Row {
  /** Address of the first proxy. */
  readonly address: string;
  readonly proxies: readonly SpawnedServer[];
}

interface RowOptions {
  readonly serverPort: number;
  /** mTLS between the two proxies. */
  readonly isSecure: boolean;
}

async function withRow(
  { serverPort, isSecure }: RowOptions,
  use: (row: Row) => Promise<void>,
): Promise<void> {
  const proxies: SpawnedServer[] = [];
  try {
    const second = await startProxy(serverPort, isSecure ? { listener: IN_MESH } : {});
    proxies.push(second);
    const port = portOf(await second.listener('main'));
    const first = await startProxy(port, isSecure ? { cluster: IN_MESH } : {});
    proxies.push(first);
    await use({ address: await first.listener('main'), proxies });
    for (const proxy of proxies) await settled(proxy);
  } finally {
    for (const proxy of proxies) {
      proxy.kill('SIGKILL');
      await proxy.exited;
    }
  }
}

const authority = makeAuthority();
const IN_MESH: Identity = {
  certificate: workloadCertificate(authority, spiffeId('foo', 'echo')),
  trusts: authority,
  alpn: ['h2'],
};

/** What ends or begins TLS. */
interface ProxyTls {
  readonly listener?: Identity;
  readonly cluster?: Identity;
}

function startProxy(upstreamPort: number, tls: ProxyTls): Promise<SpawnedServer> {
  const stats = typed('extensions.filters.http.grpc_stats.v3.FilterConfig', {
    stats_for_all_methods: true,
  });
  const router = typed('extensions.filters.http.router.v3.Router');
  const hcm: Json = {
    http_filters: [
      { name: 'envoy.filters.http.grpc_stats', typed_config: stats },
      { name: 'envoy.filters.http.router', typed_config: router },
    ],
  };
  const route = {
    match: { prefix: '/', grpc: {} },
    route: {
      cluster: 'main',
      timeout: '0s',
      max_stream_duration: { grpc_timeout_header_max: '0s' },
    },
  };
  const main = { hcm, routes: [route] };
  const listener = tls.listener === undefined ? main : secureListener(tls.listener, main);
  const cluster = tls.cluster && { cluster: { transport_socket: clientTls(tls.cluster) } };
  return spawnServer((directory) =>
    rigBootstrap(
      {
        listeners: { main: listener },
        clusters: { main: { port: upstreamPort, http: HTTP2, ...cluster } },
      },
      path.join(directory, 'access.log'),
    ),
  );
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}

/** Nothing is in flight any more. */
async function settled(proxy: SpawnedServer): Promise<void> {
  await eventually(async () => {
    const text = await proxy.admin('/stats?filter=rq_active');
    return [...text.matchAll(/^(?:cluster|http\.main).*: (\d+)$/gm)].every(
      ([, value]) => value === '0',
    );
  });
}

/** The statistics of COUNTED, when they are as they should be, or after a while as they are. */
async function countedBy(proxy: SpawnedServer): Promise<Readonly<Record<string, number>>> {
  let found: Record<string, number> = {};
  await eventually(async () => {
    const text = await proxy.admin('/stats?filter=grpc');
    const values = new Map(
      [...text.matchAll(/^(.*): (\d+)$/gm)].map(([, name, value]) => [name, value]),
    );
    found = Object.fromEntries(
      Object.keys(COUNTED).map((name) => [name, Number(values.get(name))]),
    );
    return isDeepStrictEqual(found, COUNTED);
  }).catch(() => undefined);
  return found;
}

async function withJsServer(use: (port: number) => Promise<void>): Promise<void> {
  const server = new GrpcEchoServer();
  try {
    await use(await server.listen());
  } finally {
    server.close();
  }
}

async function withPythonServer(use: (port: number) => Promise<void>): Promise<void> {
  const server = spawn('python3', [PEER, 'serve'], {
    env: PYTHON_ENV,
    stdio: ['pipe', 'pipe', 'inherit'],
  }) as ChildProcess;
  const exited = once(server, 'exit');
  try {
    const lines = createInterface({ input: server.stdout as NodeJS.ReadableStream });
    const [port] = (await once(lines, 'line')) as [string];
    await use(Number(port));
  } finally {
    server.kill('SIGKILL');
    await exited;
  }
}

function callFromPython(address: string): Promise<EchoReport> {
  return new Promise((resolve, reject) => {
    execFile('python3', [PEER, 'call', address], { env: PYTHON_ENV }, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout) as EchoReport);
      else reject(new Error(stderr));
    });
  });
}

const SERVERS = {
  'grpc-js': { run: withJsServer, skip: false },
  grpcio: { run: withPythonServer, skip: withoutPython },
} as const;
const CLIENTS = {
  'grpc-js': { run: callEchoServer, skip: false },
  grpcio: { run: callFromPython, skip: withoutPython },
} as const;

for (const isSecure of [false, true]) {
  for (const [serverName, server] of Object.entries(SERVERS)) {
    for (const [clientName, client] of Object.entries(CLIENTS)) {
      const between = isSecure ? 'two proxies with mTLS between them' : 'two proxies';
      const title = `${clientName} calls ${serverName} through ${between}`;
      t.test(title, { skip: server.skip || client.skip }, (t) =>
        server.run((serverPort) =>
          withRow({ serverPort, isSecure }, async ({ address, proxies }) => {
            checkReport(t, await client.run(address));
            for (const proxy of proxies) t.same(await countedBy(proxy), COUNTED, 'statistics');
          }),
        ),
      );
    }
  }
}
