// What an upstream reads first on connections that speak the PROXY protocol to it.
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import t from 'tap';
import { serverIdentities } from '../support/identities.ts';
import { type ServedTwin, tlsSocket, withServedTwins } from '../support/tls-twins.ts';
import { type Json, type TwinListener, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
const RAW = {
  name: 'raw',
  typed_config: typed('extensions.transport_sockets.raw_buffer.v3.RawBuffer'),
};

/** Reads a header, then HTTP in the clear or over TLS; remembers the headers. */
class Upstream {
  readonly headers: Buffer[] = [];
  readonly #server = net.createServer((socket) => this.#serve(socket));
  readonly #context = tls.createSecureContext({
    cert: serverIdentities.bare.chainPem,
    key: serverIdentities.bare.keyPem,
  });

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
  }

  #serve(socket: net.Socket): void {
    socket.on('error', () => socket.destroy());
    socket.once('data', (bytes) => {
      const end = headerEnd(bytes);
      this.headers.push(bytes.subarray(0, end));
      const rest = bytes.subarray(end);
      if (rest.length > 0) socket.unshift(rest);
      // The header may come alone.
      socket.once('readable', () => {
        const first = socket.read() as Buffer | null;
        if (first === null) return;
        socket.unshift(first);
        this.#answer(first[0] === 22 ? this.#secured(socket) : socket);
      });
    });
  }

  #secured(socket: net.Socket): net.Socket {
    const secured = new tls.TLSSocket(socket, { isServer: true, secureContext: this.#context });
    secured.on('error', () => socket.destroy());
    return secured;
  }

  #answer(socket: net.Socket): void {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (!text.endsWith('\r\n\r\n')) return;
      text = '';
      socket.write(ANSWER);
    });
  }
}

function headerEnd(bytes: Buffer): number {
  return bytes[0] === 13 ? 16 + bytes.readUInt16BE(14) : bytes.indexOf('\r\n') + 2;
}

function proxied(name: string, port: number, [config, inner]: readonly [Json, Json]): Json {
  const type = 'extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport';
  return {
    ...{ name, type: 'STATIC', connect_timeout: '2s' },
    load_assignment: {
      cluster_name: name,
      endpoints: [
        {
          lb_endpoints: [
            {
              endpoint: {
                address: { socket_address: { address: '127.0.0.1', port_value: port } },
              },
            },
          ],
        },
      ],
    },
    transport_socket: {
      name: 'envoy.transport_sockets.upstream_proxy_protocol',
      typed_config: typed(type, { config, transport_socket: inner }),
    },
  };
}

/** Sends requests on one connection, one after the other; answers its port. */
async function ask(port: number, paths: readonly string[]): Promise<number> {
  const socket = net.connect(port, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  const { localPort = 0 } = socket;
  for (const path of paths) {
    socket.write(`GET ${path} HTTP/1.1\r\nhost: h\r\n\r\n`);
    await new Promise((resolve) => socket.once('data', resolve));
  }
  socket.destroy();
  return localPort;
}

const VERSIONS: Readonly<Record<string, Json>> = {
  v1: { version: 'V1' },
  v2: { version: 'V2' },
  tlvs: {
    version: 'V2',
    added_tlvs: [
      { type: 0xe0, value: Buffer.from('hello').toString('base64') },
      { type: 0x05, value: 'AQI=' },
    ],
  },
};

const tcp = (cluster: string): TwinListener => ({
  chain: {
    filters: [
      {
        name: 'envoy.filters.network.tcp_proxy',
        typed_config: typed('extensions.filters.network.tcp_proxy.v3.TcpProxy', {
          ...{ stat_prefix: 'tcp', cluster },
        }),
      },
    ],
  },
});

async function seen(twin: ServedTwin, upstream: Upstream): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const [listener, paths] of [
    ...Object.keys(VERSIONS).flatMap((name) => [
      ['main', [`/${name}`, `/${name}`]] as const,
      ['main', [`/${name}-tls`]] as const,
    ]),
    ['tcp', ['/']] as const,
    ['tcp', ['/']] as const,
  ]) {
    upstream.headers.length = 0;
    const own = twin.ports[listener] ?? 0;
    const port = await ask(own, paths);
    const masked = upstream.headers.map((header) => masking(header, [port, own]));
    lines.push(`${listener} ${paths}: ${masked.join(' ')}`);
  }
  return lines;
}

function masking(header: Buffer, [source = 0, destination = 0]: readonly number[]): string {
  if (header[0] !== 13) {
    return header.toString('latin1').replace(` ${source} ${destination}\r\n`, ' {ports}');
  }
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(source, 0);
  ports.writeUInt16BE(destination, 2);
  return header.toString('hex').replace(ports.toString('hex'), '{ports}');
}

t.test('says whom connections are for, as Envoy does', { skip: withoutEnvoy }, async (t) => {
  const upstream = new Upstream();
  const port = await upstream.listen();
  t.teardown(() => upstream.close());
  const clusters = Object.entries(VERSIONS).flatMap(([name, version]) => [
    proxied(name, port, [version, RAW]),
    proxied(`${name}-tls`, port, [version, tlsSocket('Upstream', {})]),
  ]);
  const names = clusters.map(({ name }) => name as string).reverse();
  const routes = names.map((name) => ({ match: { path: `/${name}` }, route: { cluster: name } }));
  const listeners = { main: { routes, cluster: 'v1' }, tcp: tcp('v2') };
  const config = { listeners, moreClusters: clusters, log: null, clusters: {} };
  await withServedTwins(config, async ({ ours, envoy }) => {
    const mine = await seen(ours, upstream);
    t.same(mine, await seen(envoy, upstream));
    t.match(mine[0], /^main \/v1,\/v1: PROXY TCP4 127.0.0.1 127.0.0.1 \{ports\}$/);
  });
});
