// Outrigger and a real Envoy with the same configuration, for tests whose clients or upstreams
// speak something else than what withTwins sends: they get the ports and the lines of the logs.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestCertificate } from './certificates.ts';
import { eventually } from './eventually.ts';
import { type Json, type TwinConfig, twinBootstrap, typed } from './twin-bootstrap.ts';
import { withEnvoy } from './with-envoy.ts';
import { withProxy } from './with-proxy.ts';

/** One of the two. */
export interface ServedTwin {
  readonly side: 'ours' | 'envoy';
  readonly ports: Readonly<Record<string, number>>;
  /** `http://127.0.0.1:port` */
  readonly admin: string;
  /** Lines of its log so far; waits until there are `count`. */
  lines(count: number): Promise<readonly string[]>;
  /** A counter or gauge; 0 when there is none. */
  stat(name: string): Promise<number>;
}

const FLUSH_MS = 10;

/** Starts both, runs `use` with each, ends both. A configuration may name the log's path itself. */
export async function withServedTwins(
  configOf: TwinConfig | ((logPath: string) => TwinConfig),
  use: (twins: { readonly ours: ServedTwin; readonly envoy: ServedTwin }) => Promise<void>,
): Promise<void> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'served-'));
  const places = (side: string) => ({ upstreamPort: 1, logPath: path.join(directory, side) });
  const flags = ['--file-flush-interval-msec', String(FLUSH_MS)];
  const options = { fileFlushIntervalMs: FLUSH_MS };
  const bootstrapOf = (side: string): Json => {
    const own = places(side);
    return twinBootstrap(typeof configOf === 'function' ? configOf(own.logPath) : configOf, own);
  };
  const names = Object.keys((typeof configOf === 'function' ? configOf('') : configOf).listeners);
  const proxy = await withProxy(bootstrapOf('ours'), options);
  try {
    await withEnvoy(
      bootstrapOf('envoy'),
      async ({ admin, listener }) => {
        const ports: Record<string, number> = {};
        for (const name of names) {
          ports[name] = Number((await listener(name)).split(':').at(-1));
        }
        const common = (side: 'ours' | 'envoy', url: string) => ({
          ...{ side, admin: url },
          lines: (count: number) => linesOf(places(side).logPath, count),
          stat: (name: string) => statOf(url, name),
        });
        await use({
          ours: { ...common('ours', `http://${proxy.adminAddress}`), ports: proxy.ports },
          envoy: { ...common('envoy', admin), ports },
        });
      },
      flags,
    );
  } finally {
    await proxy.stop();
    fs.rmSync(directory, { recursive: true });
  }
}

/** A certificate as both read it. */
export function tlsCertificate(own: TestCertificate): Json {
  return {
    certificate_chain: { inline_string: own.chainPem },
    private_key: { inline_string: own.keyPem },
  };
}

/** A `transport_socket` of TLS. */
export function tlsSocket(side: 'Downstream' | 'Upstream', context: Json): Json {
  const type = `extensions.transport_sockets.tls.v3.${side}TlsContext`;
  return { name: 'envoy.transport_sockets.tls', typed_config: typed(type, context) };
}

/** A cluster `secure` whose only host is at `port`, reached by TLS. */
export function secureCluster(port: number, context: Json, more: Json = {}): Json {
  const address = { socket_address: { address: '127.0.0.1', port_value: port } };
  return {
    name: 'secure',
    type: 'STATIC',
    connect_timeout: '2s',
    load_assignment: {
      cluster_name: 'secure',
      endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
    },
    transport_socket: tlsSocket('Upstream', context),
    ...more,
  };
}

async function linesOf(file: string, count: number): Promise<readonly string[]> {
  let lines: readonly string[] = [];
  await eventually(() => {
    lines = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
    return lines.length >= count;
  });
  return lines;
}

async function statOf(admin: string, name: string): Promise<number> {
  const text = await (await fetch(`${admin}/stats?filter=^${name.replaceAll('.', '\\.')}$`)).text();
  return Number(/: (\d+)/.exec(text)?.[1] ?? 0);
}
