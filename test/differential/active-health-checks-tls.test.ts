// Active health checks over TLS beside Envoy's: which ALPN and SNI are sent, what is asked, and what
// becomes of hosts that nobody trusts or that speak no TLS.
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import t from 'tap';
import { makeAuthority, makeCertificate } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import {
  bootstrapOf,
  httpListener,
  type Message,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { tlsCertificate, tlsSocket } from '../support/tls-twins.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { withProxy } from '../support/with-proxy.ts';

const authority = makeAuthority();
const stranger = makeAuthority({ subject: 'another root' });
const own = makeCertificate({ issuer: authority, altNames: [{ dns: 'server.test' }] });
const client = makeCertificate({ issuer: authority, altNames: [{ uri: 'spiffe://td/hc' }] });

/** What a server saw of its clients, by SNI. */
type Seen = Map<string, Readonly<Record<string, unknown>>>;

interface Servers {
  readonly ports: Readonly<Record<'http' | 'tcp' | 'plain', number>>;
  readonly seen: Seen;
  close(): void;
}

function facts(socket: TLSSocket): Readonly<Record<string, unknown>> {
  const subject = socket.getPeerX509Certificate()?.subjectAltName ?? null;
  return { alpn: socket.alpnProtocol, client: subject };
}

function httpServer(seen: Seen): Http2SecureServer {
  const options = { cert: own.chainPem, key: own.keyPem, allowHTTP1: true };
  const asks = { requestCert: true, rejectUnauthorized: false };
  const server = createSecureServer({ ...options, ...asks });
  server.on('request', (request, response) => {
    const socket = (
      'stream' in request && request.httpVersion === '2.0'
        ? request.stream.session?.socket
        : request.socket
    ) as TLSSocket & { servername: string };
    const { method, url, httpVersion } = request;
    const authorityText = request.headers[':authority'] ?? request.headers.host;
    const scheme = request.headers[':scheme'] ?? null;
    const asked = { method, url, httpVersion, authority: authorityText, scheme };
    seen.set(socket.servername, { ...facts(socket), ...asked });
    if (url !== '/grpc.health.v1.Health/Check' || httpVersion !== '2.0') {
      response.end();
      return;
    }
    response.setHeader('content-type', 'application/grpc');
    response.addTrailers({ 'grpc-status': '0' });
    response.end(Buffer.from([0, 0, 0, 0, 2, 8, 1]));
  });
  return server;
}

function tcpServer(seen: Seen): Server {
  const server = createTlsServer(
    { cert: own.chainPem, key: own.keyPem, ALPNProtocols: ['of-check', 'of-cluster'] },
    (socket) => {
      seen.set(String((socket as unknown as { servername: string }).servername), facts(socket));
      socket.on('error', () => socket.destroy());
      socket.on('data', () => socket.write('PONG'));
    },
  );
  return server;
}

async function openServers(): Promise<Servers> {
  const seen: Seen = new Map();
  const plain = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  });
  const all = { http: httpServer(seen), tcp: tcpServer(seen), plain };
  const ports: Record<string, number> = {};
  for (const [name, server] of Object.entries(all)) {
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ports[name] = (server.address() as AddressInfo).port;
  }
  return {
    seen,
    ports: ports as Servers['ports'],
    close: () => {
      for (const server of Object.values(all)) server.close();
    },
  };
}

const H2 = {
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
};
const PING = { tcp_health_check: { send: { text: '50494e47' }, receive: [{ text: '504f4e47' }] } };
const ALPN = (...names: string[]): Message => ({ tls_options: { alpn_protocols: names } });
const HTTP: Message = { http_health_check: { path: '/hc' } };

interface Setting {
  readonly check: Message;
  readonly port: keyof Servers['ports'];
  readonly protocols?: readonly string[];
  readonly root?: string;
  readonly cluster?: Message;
  readonly tls?: Message;
  readonly isHealthy: boolean;
}

const SETTINGS: Readonly<Record<string, Setting>> = {
  http1: { check: HTTP, port: 'http', isHealthy: true },
  http1_alpn: { check: { ...HTTP, ...ALPN('http/1.1') }, port: 'http', isHealthy: true },
  http2: {
    check: { http_health_check: { path: '/hc', codec_client_type: 'HTTP2' }, ...ALPN('h2') },
    ...{ port: 'http', cluster: H2, isHealthy: true },
  },
  http2_of_cluster: {
    check: { http_health_check: { path: '/hc', codec_client_type: 'HTTP2' } },
    ...{ port: 'http', cluster: H2, protocols: ['h2'], isHealthy: true },
  },
  grpc: {
    check: { grpc_health_check: { authority: 'a.test' }, ...ALPN('h2') },
    ...{ port: 'http', cluster: H2, isHealthy: true },
  },
  tcp: { check: PING, port: 'tcp', isHealthy: true },
  tcp_of_cluster: { check: PING, port: 'tcp', protocols: ['of-cluster'], isHealthy: true },
  tcp_of_check: {
    check: { ...PING, ...ALPN('of-check') },
    ...{ port: 'tcp', protocols: ['of-cluster'], isHealthy: true },
  },
  tcp_connect: { check: { tcp_health_check: {} }, port: 'tcp', isHealthy: true },
  distrusted: { check: HTTP, port: 'http', root: stranger.pem, isHealthy: false },
  clear: { check: HTTP, port: 'plain', isHealthy: false },
  clear_tcp: { check: { tcp_health_check: {} }, port: 'plain', isHealthy: false },
};

function cluster(name: string, each: Setting, ports: Servers['ports']): Message {
  const { check, port, protocols = [], root = authority.pem } = each;
  const address = { socket_address: { address: '127.0.0.1', port_value: ports[port] } };
  return {
    ...{ name, type: 'STATIC', connect_timeout: '5s' },
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
    },
    health_checks: [
      {
        ...{ timeout: '2s', interval: '0.1s', no_traffic_interval: '0.1s' },
        ...{ unhealthy_threshold: 1, healthy_threshold: 1, ...check },
      },
    ],
    transport_socket: tlsSocket('Upstream', {
      sni: `${name}.test`,
      common_tls_context: {
        alpn_protocols: protocols,
        tls_certificates: [tlsCertificate(client)],
        validation_context: { trusted_ca: { inline_string: root } },
      },
    }),
    ...each.cluster,
  };
}

function bootstrap(ports: Servers['ports']): Message {
  const clusters = Object.entries(SETTINGS).map(([name, each]) => cluster(name, each, ports));
  const routes = [{ match: { prefix: '/' }, route: { cluster: 'http1' } }];
  const listener = httpListener('main', { virtual_hosts: [virtualHost(['*'], routes)] });
  return {
    ...bootstrapOf([listener], clusters),
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
  };
}

async function read(admin: string, path: string): Promise<string> {
  return (await fetch(`${admin}${path}`, { headers: { connection: 'close' } })).text();
}

async function flagsOf(admin: string): Promise<Readonly<Record<string, string>>> {
  const lines = (await read(admin, '/clusters')).matchAll(
    /^(\w+)::[^:]+:\d+::health_flags::(.*)$/gm,
  );
  return Object.fromEntries([...lines].map(([, name, flags]) => [name, flags]));
}

/** Which of these statistics of TLS have counted anything. */
async function countedOf(admin: string): Promise<readonly string[]> {
  const text = await read(
    admin,
    '/stats?usedonly&filter=^cluster%5C..*%5C.ssl%5C.(hand|conn|fail)',
  );
  return [...text.matchAll(/^(\S+): [1-9]/gm)].map(([, name]) => name ?? '').sort();
}

const EXPECTED = Object.fromEntries(
  Object.entries(SETTINGS).map(([name, { isHealthy }]) => [
    name,
    isHealthy ? 'healthy' : '/failed_active_hc',
  ]),
);

t.test('hosts are checked by TLS as the cluster says', { skip: withoutEnvoy }, async (t) => {
  const servers = { ours: await openServers(), envoy: await openServers() };
  t.teardown(() => {
    servers.ours.close();
    servers.envoy.close();
  });
  const proxy = await withProxy(bootstrap(servers.ours.ports));
  t.teardown(() => proxy.stop());
  const ours = `http://${proxy.adminAddress}`;
  await withEnvoy(bootstrap(servers.envoy.ports), async ({ admin: envoy }) => {
    const isSettled = async (admin: string) => {
      const flags = await flagsOf(admin);
      return Object.entries(EXPECTED).every(([name, wanted]) => flags[name] === wanted);
    };
    await eventually(async () => (await isSettled(ours)) && (await isSettled(envoy)), 8000).catch(
      () => undefined,
    );
    t.strictSame(await flagsOf(ours), EXPECTED, 'flags: ours');
    t.strictSame(await flagsOf(envoy), EXPECTED, 'flags: Envoy’s');
    t.strictSame(await countedOf(ours), await countedOf(envoy), 'statistics');
  });
  // Whether a server hears of a connection that was all the check is up to chance.
  const isAsked = ([name]: readonly [string, unknown]) => /^(?!tcp_connect).*test$/.test(name);
  const seen = (side: Seen) =>
    [...side].filter(isAsked).sort(([left], [right]) => (left < right ? -1 : 1));
  t.strictSame(seen(servers.ours.seen), seen(servers.envoy.seen), 'what servers saw');
});
