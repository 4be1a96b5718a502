// Access logs of listeners: the same connections to Outrigger and to Envoy leave the same lines.
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { eventually } from '../support/eventually.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { withProxy } from '../support/with-proxy.ts';

const API = 'type.googleapis.com/envoy.extensions.';
const FORMAT = [
  '%RESPONSE_FLAGS%',
  '%RESPONSE_CODE_DETAILS%',
  '%RESPONSE_CODE%',
  '%BYTES_RECEIVED%/%BYTES_SENT%',
  '%ACCESS_LOG_TYPE%',
  '%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%',
  '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%',
  '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%',
  '%REQUESTED_SERVER_NAME%',
  '%FILTER_CHAIN_NAME%',
  '%UPSTREAM_CLUSTER%',
  '%DYNAMIC_METADATA(envoy.filters.listener.tls_inspector)%',
  '%DYNAMIC_METADATA(envoy.filters.listener.proxy_protocol:authority)%',
].join(' ');
const FLUSH_MS = 20;

const typed = (name: string, type: string, members: object = {}): object => ({
  name,
  typed_config: { '@type': API + type, ...members },
});
const TLS = typed('tls', 'filters.listener.tls_inspector.v3.TlsInspector');
const TLS_ONLY = typed('tls', 'filters.listener.tls_inspector.v3.TlsInspector', {
  close_connection_on_client_hello_parsing_errors: true,
});
const PROXY = typed('proxy', 'filters.listener.proxy_protocol.v3.ProxyProtocol', {
  rules: [{ tlv_type: 2, on_tlv_present: { key: 'authority' } }],
});

interface Shape {
  readonly filters: readonly object[];
  readonly match: object;
  readonly bytes: string;
  /** The client ends its side at once. */
  readonly ends?: boolean;
}

const HEADER = '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x15\x09\x09\x09\x09\x0a\0\0\x01\0\x05\x01\xbb';

/** One listener and one connection each. */
const SHAPES: Readonly<Record<string, Shape>> = {
  served: { filters: [TLS], match: {}, bytes: 'hello' },
  proxied: { filters: [PROXY], match: {}, bytes: `${HEADER}\x02\0\x06a.testhello` },
  nowhere: { filters: [], match: { destination_port: 1 }, bytes: '' },
  late: { filters: [TLS], match: {}, bytes: 'GE' },
  lost: { filters: [TLS], match: {}, bytes: 'GE', ends: true },
  refused: { filters: [TLS_ONLY], match: {}, bytes: 'hello' },
};

t.test('both write the same lines', { skip: withoutEnvoy }, async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'listener-log-'));
  const upstream = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end('bye'));
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const { port } = upstream.address() as net.AddressInfo;
  const place = (side: string) => ({ log: path.join(directory, side), port });
  const proxy = await withProxy(bootstrap(place('ours')), { fileFlushIntervalMs: FLUSH_MS });
  try {
    const ours = await linesOf(place('ours').log, async (name) => proxy.ports[name] ?? 0);
    const flags = ['--file-flush-interval-msec', String(FLUSH_MS)];
    await withEnvoy(
      bootstrap(place('envoy')),
      async (envoy) => {
        const theirs = await linesOf(place('envoy').log, async (name) => {
          const address = await envoy.listener(name);
          return Number(address.slice(address.lastIndexOf(':') + 1));
        });
        t.equal(theirs.length, Object.keys(SHAPES).length);
        t.same(ours, theirs);
      },
      flags,
    );
  } finally {
    await proxy.stop();
    upstream.close();
    fs.rmSync(directory, { recursive: true });
  }
});

function bootstrap({ log, port }: { log: string; port: number }): Record<string, unknown> {
  const address = (port_value: number): object => ({
    socket_address: { address: '127.0.0.1', port_value },
  });
  const listeners = Object.entries(SHAPES).map(([name, { filters, match }]) => ({
    name,
    address: address(0),
    listener_filters: filters,
    listener_filters_timeout: '0.3s',
    filter_chains: [
      {
        name: 'chain',
        filter_chain_match: match,
        filters: [
          typed('tcp', 'filters.network.tcp_proxy.v3.TcpProxy', { stat_prefix: 't', cluster: 'u' }),
        ],
      },
    ],
    access_log: [
      typed('file', 'access_loggers.file.v3.FileAccessLog', {
        path: log,
        log_format: { text_format_source: { inline_string: `${name} ${FORMAT}\n` } },
      }),
    ],
  }));
  const lb_endpoints = [{ endpoint: { address: address(port) } }];
  const load_assignment = { cluster_name: 'u', endpoints: [{ lb_endpoints }] };
  const clusters = [{ name: 'u', connect_timeout: '5s', type: 'STATIC', load_assignment }];
  return { static_resources: { listeners, clusters } };
}

async function linesOf(log: string, portOf: (name: string) => Promise<number>): Promise<string[]> {
  const names = Object.keys(SHAPES);
  await Promise.all(names.map(async (name) => connect(await portOf(name), SHAPES[name] as Shape)));
  const read = (): string[] => fs.readFileSync(log, 'utf8').split('\n').slice(0, -1);
  await eventually(() => fs.existsSync(log) && read().length >= names.length);
  return read().sort();
}

function connect(port: number, { bytes, ends }: Shape): Promise<void> {
  const socket = net.connect(port, '127.0.0.1');
  return new Promise((resolve) => {
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.resume();
    socket.write(Buffer.from(bytes, 'latin1'));
    if (ends === true) socket.end();
  });
}
