// Which filter chain takes a connection: the same octets go to Outrigger and to Envoy. Each chain is
// a TCP proxy to an upstream that says the chain's name and ends.
import net from 'node:net';
import t from 'tap';
import {
  alpnExtension,
  helloMessage,
  records,
  serverNameExtension,
} from '../support/client-hello.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { withProxy } from '../support/with-proxy.ts';

const API = 'type.googleapis.com/envoy.extensions.filters.';
const CHAINS = ['a', 'b', 'c', 'd', 'e', 'fallback'] as const;
/** Of connections that are told nothing. */
const REFUSED = 'refused';
const DEADLINE_MS = 8_000;
/** Where every client says enough: no machine is so busy. */
const FILTERS_TIMEOUT = '20s';
/** Where some clients say too little: the others have said all by then. */
const SHORT_TIMEOUT = '1.5s';

type ChainName = (typeof CHAINS)[number];
type Match = Readonly<Record<string, unknown>>;

interface Shape {
  readonly filters: readonly object[];
  readonly chains: Partial<Record<ChainName, Match>>;
  readonly continues?: boolean;
  /** Of its listener filters. Default: FILTERS_TIMEOUT. */
  readonly timeout?: string;
}

const listenerFilter = (name: string, type: string, members = {}, more = {}): object => ({
  name: `envoy.filters.listener.${name}`,
  typed_config: { '@type': `${API}listener.${name}.v3.${type}`, ...members },
  ...more,
});
const TLS = listenerFilter('tls_inspector', 'TlsInspector');
const HTTP = listenerFilter('http_inspector', 'HttpInspector');
const PROXY = listenerFilter('proxy_protocol', 'ProxyProtocol');
const LENIENT = listenerFilter('proxy_protocol', 'ProxyProtocol', {
  allow_requests_without_proxy_protocol: true,
});
const range = (address_prefix: string, prefix_len: number): object[] => [
  { address_prefix, prefix_len },
];

const SHAPES: Readonly<Record<string, Shape>> = {
  names: {
    filters: [TLS],
    chains: {
      a: { server_names: ['a.test'] },
      b: { server_names: ['*.b.test'] },
      c: { server_names: ['*.x.b.test'], application_protocols: ['h2'] },
      d: { transport_protocol: 'tls', application_protocols: ['h2', 'istio'] },
      e: { transport_protocol: 'raw_buffer' },
      fallback: {},
    },
  },
  ends: {
    filters: [PROXY],
    chains: {
      a: { destination_port: 443, source_prefix_ranges: range('9.0.0.0', 8) },
      b: { prefix_ranges: range('10.0.0.0', 8) },
      c: { prefix_ranges: range('10.1.0.0', 16), source_ports: [7] },
      d: { source_type: 'SAME_IP_OR_LOOPBACK' },
      e: { prefix_ranges: range('fd00::', 8), direct_source_prefix_ranges: range('127.0.0.0', 8) },
      fallback: {},
    },
  },
  http: {
    filters: [LENIENT, TLS, HTTP],
    timeout: SHORT_TIMEOUT,
    chains: {
      a: { application_protocols: ['http/1.1'] },
      b: { application_protocols: ['http/1.0'] },
      c: { application_protocols: ['h2c'] },
      d: { transport_protocol: 'tls' },
      fallback: {},
    },
  },
  nobody: { filters: [TLS], timeout: SHORT_TIMEOUT, chains: { a: { server_names: ['a.test'] } } },
  patient: {
    filters: [HTTP],
    chains: { a: { application_protocols: ['http/1.1'] }, b: {} },
    continues: true,
    timeout: SHORT_TIMEOUT,
  },
  apart: {
    filters: [
      PROXY,
      listenerFilter(
        'http_inspector',
        'HttpInspector',
        {},
        {
          filter_disabled: { destination_port_range: { start: 400, end: 444 } },
        },
      ),
    ],
    chains: { a: { application_protocols: ['http/1.1'] }, b: {} },
  },
};

const hello = (name: string | null, ...protocols: readonly string[]): Buffer => {
  const extensions = name === null ? [] : [serverNameExtension(name)];
  if (protocols.length > 0) extensions.push(alpnExtension(...protocols));
  return records(helloMessage(extensions));
};
const proxied = (from: string, to: string, ports: string, rest = ''): string =>
  `PROXY TCP${from.includes(':') ? 6 : 4} ${from} ${to} ${ports}\r\n${rest}`;
const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';

const CASES: readonly (readonly [shape: string, title: string, bytes: Buffer | string])[] = [
  ['names', 'exact name', hello('a.test')],
  ['names', 'name in capitals', hello('A.Test')],
  ['names', 'name below a wildcard', hello('x.b.test')],
  ['names', 'name two below a wildcard', hello('y.z.b.test')],
  ['names', 'the wildcard’s own name', hello('b.test')],
  ['names', 'the longer wildcard with its protocol', hello('q.x.b.test', 'h2')],
  ['names', 'the longer wildcard without its protocol', hello('q.x.b.test', 'foo')],
  ['names', 'no name, known protocol', hello(null, 'foo', 'istio')],
  ['names', 'unknown name, known protocol', hello('z.test', 'h2')],
  ['names', 'no name, no protocol', hello(null)],
  ['names', 'clear text', GET],
  ['names', 'name of a chain, unknown protocol', hello('a.test', 'foo')],
  ['ends', 'port and source', proxied('9.1.1.1', '20.0.0.1', '7 443')],
  ['ends', 'port without source', proxied('8.1.1.1', '10.0.0.1', '7 443')],
  ['ends', 'network', proxied('8.1.1.1', '10.9.0.1', '7 80')],
  ['ends', 'longer network, source port', proxied('8.1.1.1', '10.1.0.1', '7 80')],
  ['ends', 'longer network, other source port', proxied('8.1.1.1', '10.1.0.1', '8 80')],
  ['ends', 'local by loopback', proxied('127.0.0.1', '20.0.0.1', '8 80')],
  ['ends', 'not local', proxied('127.0.0.2', '20.0.0.1', '8 80')],
  ['ends', 'local by equal ends', proxied('20.0.0.1', '20.0.0.1', '8 80')],
  ['ends', 'IPv6', proxied('2001:db8::1', 'fd00::1', '8 80')],
  ['ends', 'unknown ends', 'PROXY UNKNOWN\r\n'],
  ['ends', 'no header', GET],
  ['http', 'HTTP/1.1', GET],
  ['http', 'HTTP/1.1 behind a header', proxied('9.1.1.1', '20.0.0.1', '7 80', GET)],
  ['http', 'HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n'],
  ['http', 'HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['http', 'TLS', hello('a.test', 'http/1.1')],
  ['http', 'TLS that offers nothing', hello(null)],
  ['http', 'something else', 'SSH-2.0-x\r\n'],
  ['http', 'half a line', 'GET / HT'],
  ['nobody', 'its name', hello('a.test')],
  ['nobody', 'no chain', hello('b.test')],
  ['nobody', 'nothing', ''],
  ['patient', 'nothing', ''],
  ['patient', 'half a line', 'GET / HT'],
  ['patient', 'a line', GET],
  ['apart', 'inspected', proxied('9.1.1.1', '20.0.0.1', '7 80', GET)],
  ['apart', 'not inspected', proxied('9.1.1.1', '20.0.0.1', '7 443', GET)],
  ['apart', 'first port', proxied('9.1.1.1', '20.0.0.1', '7 400', GET)],
  ['apart', 'port behind the last', proxied('9.1.1.1', '20.0.0.1', '7 444', GET)],
];

t.test('both choose the same chain, and count the same', { skip: withoutEnvoy }, async (t) => {
  const upstreams = new Map<string, net.Server>();
  for (const name of CHAINS) upstreams.set(name, await announce(name));
  const bootstrap = bootstrapOf(upstreams);
  const proxy = await withProxy({
    ...bootstrap,
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
  });
  try {
    await withEnvoy(bootstrap, async (envoy) => {
      const [theirs, ours] = await Promise.all([
        outcomes(async (shape) => {
          const address = await envoy.listener(shape);
          return Number(address.slice(address.lastIndexOf(':') + 1));
        }),
        outcomes(async (shape) => proxy.ports[shape] ?? 0),
      ]);
      for (const [index, [shape, title]] of CASES.entries()) {
        t.equal(ours[index], theirs[index], `${shape}: ${title}: ${theirs[index]}`);
      }
      t.ok(new Set(theirs).size >= CHAINS.length, 'every chain is chosen once');
      const masks = Object.keys(SHAPES).map(async (shape) => {
        const address = await envoy.listener(shape);
        return [address.replace(':', '_'), `127.0.0.1_${proxy.ports[shape]}`] as const;
      });
      const names = new Map(await Promise.all(masks));
      const [mine, envoys] = [
        await statsOf(`http://${proxy.adminAddress}`, new Map()),
        await statsOf(envoy.admin, names),
      ];
      t.same(mine, envoys);
    });
  } finally {
    await proxy.stop();
    for (const server of upstreams.values()) server.close();
  }
});

/** Says its name to everybody. */
async function announce(name: string): Promise<net.Server> {
  const server = net.createServer({ allowHalfOpen: false }, (socket) => {
    socket.on('error', () => undefined);
    socket.end(name);
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function bootstrapOf(upstreams: ReadonlyMap<string, net.Server>): Record<string, unknown> {
  const clusters = [...upstreams].map(([name, server]) => {
    const { port } = server.address() as net.AddressInfo;
    const address = { socket_address: { address: '127.0.0.1', port_value: port } };
    const lb_endpoints = [{ endpoint: { address } }];
    const load_assignment = { cluster_name: name, endpoints: [{ lb_endpoints }] };
    return { name, connect_timeout: '5s', type: 'STATIC', load_assignment };
  });
  const listeners = Object.entries(SHAPES).map(([name, shape]) => ({
    name,
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    listener_filters: shape.filters,
    listener_filters_timeout: shape.timeout ?? FILTERS_TIMEOUT,
    continue_on_listener_filters_timeout: shape.continues === true,
    filter_chains: Object.entries(shape.chains)
      .filter(([chain]) => chain !== 'fallback')
      .map(([chain, filter_chain_match]) => ({ ...chainTo(chain), filter_chain_match })),
    ...(shape.chains.fallback === undefined ? {} : { default_filter_chain: chainTo('fallback') }),
  }));
  return { static_resources: { listeners, clusters } };
}

function chainTo(name: string): object {
  const typed_config = {
    '@type': `${API}network.tcp_proxy.v3.TcpProxy`,
    stat_prefix: name,
    cluster: name,
  };
  return { name, filters: [{ name: 'envoy.filters.network.tcp_proxy', typed_config }] };
}

function outcomes(portOf: (shape: string) => Promise<number>): Promise<string[]> {
  return Promise.all(CASES.map(async ([shape, , bytes]) => tell(await portOf(shape), bytes)));
}

/** What is told to a client that sends these octets and waits. */
function tell(port: number, bytes: Buffer | string): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  return new Promise((resolve, reject) => {
    let text = '';
    socket.setTimeout(DEADLINE_MS, () => socket.destroy(new Error('no end')));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.on('close', () => resolve(text === '' ? REFUSED : text));
    socket.write(bytes);
  });
}

/** Counters of listener filters and of connections without a chain. */
async function statsOf(
  admin: string,
  names: ReadonlyMap<string, string>,
): Promise<Record<string, string>> {
  const wanted = 'inspector|proxy_proto|pre_cx_timeout|listener_filter_|no_filter_chain';
  const text = await (await fetch(`${admin}/stats?filter=${encodeURIComponent(wanted)}`)).text();
  const stats: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const [name = '', value = ''] = line.split(': ');
    // The admin interface is no listener here; a histogram's values are compared elsewhere.
    if (name === '' || /^listener\.admin\.|bytes_processed$/.test(name)) continue;
    const found = [...names].find(([theirs]) => name.includes(theirs));
    stats[found === undefined ? name : name.replace(found[0], found[1])] = value;
  }
  return stats;
}
