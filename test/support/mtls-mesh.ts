// Two pods with sidecars, and every pair of client and server modes of mTLS between them: the
// configurations are shaped as istiod sends them. Either sidecar may be a real Envoy.
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { makeAuthority } from './certificates.ts';
import {
  type InboundPort,
  inboundChains,
  outboundTls,
  type SecretFiles,
  type ServerMode,
  spiffeId,
  workloadCertificate,
  writeSecrets,
} from './mesh-tls.ts';
import { APP_USER, joinedPods, PEER_IP, POD_IP, type PodUser, PROXY_USER } from './pod.ts';
import { type Json, typed } from './rig-bootstrap.ts';
import { runSidecar, type Sidecar } from './sidecar.ts';
import type { TestDirectory } from './with-process.ts';

const MAIN = fileURLToPath(new URL('../../proxy/cli/main.js', import.meta.url));
const RULES = ['-p', '15001', '-z', '15006', '-u', '1337', '-g', '1337', '-i', '*', '-x', ''];
const INBOUND = ['-b', '*', '-d', '15090,15021,15020'];
const SERVER_ID = spiffeId('foo', 'httpbin');
const CLIENT_ID = spiffeId('foo', 'sleep');

/** AUTO: by what an endpoint says of itself, the default of a mesh. */
export const CLIENT_MODES = ['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL', 'AUTO'] as const;
/** What a client of the mesh may be told to speak. */
export type MeshClient = (typeof CLIENT_MODES)[number];
export const SERVER_MODES = ['DISABLE', 'PERMISSIVE', 'STRICT'] as const;
/** How the server's ports are declared: by name, or left to detection. */
export const PROTOCOLS = ['http', 'tcp', 'auto'] as const;
type Protocol = (typeof PROTOCOLS)[number];

const BASE_PORT = { http: 8000, tcp: 9000, auto: 7000 } as const;

/** Port of the server with this mode and protocol. */
export function serverPort(mode: ServerMode, protocol: Protocol): number {
  return BASE_PORT[protocol] + SERVER_MODES.indexOf(mode);
}

/** Where the client's listeners of TCP services are: one address for each pair of modes. */
function vipOf(client: MeshClient, server: ServerMode): string {
  return `10.96.${CLIENT_MODES.indexOf(client)}.${10 + SERVER_MODES.indexOf(server)}`;
}

/** Both pods. */
export interface MtlsMesh {
  /** The application in the mesh, and somebody whose traffic no sidecar sees. */
  readonly app: PodUser;
  readonly outsider: PodUser;
  readonly clientSidecar: Sidecar;
  readonly serverSidecar: Sidecar;
  /** Certificate and key of the client's workload, as PEM. */
  readonly clientPem: string;
  /** What the server's sidecar counts, as Prometheus reads it. */
  serverStats(): Promise<string>;
}

/** Which sidecars are Envoy. */
export interface MeshPrograms {
  readonly client: 'ours' | 'envoy';
  readonly server: 'ours' | 'envoy';
}

/** Starts everything; ended by the test's teardown. */
export async function startMtlsMesh(t: Test, programs?: MeshPrograms): Promise<MtlsMesh> {
  const { pod, peer, remove } = joinedPods();
  t.teardown(remove);
  for (const each of [pod, peer]) each.run(MAIN, 'istio-iptables', ...RULES, ...INBOUND);
  await serveApplications(pod.user(APP_USER));
  const root = makeAuthority({ subject: 'mesh root' });
  const client = workloadCertificate(root, CLIENT_ID);
  const secrets = (files: TestDirectory, own: typeof client): SecretFiles =>
    writeSecrets((name, content) => files.write(name, content), own, root);
  const isEnvoy = (side: keyof MeshPrograms): { isEnvoy?: boolean } =>
    programs === undefined ? {} : { isEnvoy: programs[side] === 'envoy' };
  const serverSidecar = await runSidecar({ pod, watcher: peer, ...isEnvoy('server') }, (files) =>
    serverConfig(secrets(files, workloadCertificate(root, SERVER_ID))),
  );
  t.teardown(() => serverSidecar.stop());
  const clientSidecar = await runSidecar(
    { pod: peer, watcher: pod, ip: PEER_IP, ...isEnvoy('client') },
    (files) => clientConfig(secrets(files, client)),
  );
  t.teardown(() => clientSidecar.stop());
  const outsider = peer.user(PROXY_USER);
  const at = { what: 'http', ip: POD_IP, port: 15090, path: '/stats/prometheus' } as const;
  return {
    app: peer.user(APP_USER),
    outsider,
    clientSidecar,
    serverSidecar,
    clientPem: client.chainPem + client.keyPem,
    serverStats: async () => (await outsider.do(at)).text ?? '',
  };
}

async function serveApplications(app: PodUser): Promise<void> {
  for (const mode of SERVER_MODES) {
    await app.serve(
      { what: 'serve-http', ip: '127.0.0.1', port: serverPort(mode, 'http'), name: mode },
      { what: 'serve-tcp', ip: '127.0.0.1', port: serverPort(mode, 'tcp'), name: mode },
      { what: 'serve-http', ip: '127.0.0.1', port: serverPort(mode, 'auto'), name: mode },
    );
  }
}

/** The proxy of the server's pod. */
function serverConfig(files: SecretFiles): object {
  const ports: readonly InboundPort[] = SERVER_MODES.flatMap((mode) =>
    PROTOCOLS.map((protocol) => ({ mode, protocol, port: serverPort(mode, protocol) })),
  );
  const chains = ports.flatMap((each) => inboundChains(each, files, inboundFilters(each.port)));
  const virtualInbound = {
    name: 'virtualInbound',
    address: address('0.0.0.0', 15006),
    traffic_direction: 'INBOUND',
    listener_filters: [
      extension('filters.listener.original_dst.v3.OriginalDst'),
      extension('filters.listener.tls_inspector.v3.TlsInspector'),
      extension('filters.listener.http_inspector.v3.HttpInspector'),
    ],
    listener_filters_timeout: '5s',
    continue_on_listener_filters_timeout: true,
    filter_chains: chains,
    access_log: [refusalLog()],
  };
  const clusters = ports.map(({ port }) => ({
    ...staticCluster(`inbound|${port}||`, '127.0.0.1', port),
    upstream_bind_config: { source_address: { address: '127.0.0.6', port_value: 0 } },
  }));
  return bootstrap([virtualInbound], clusters);
}

function inboundFilters(port: number): { http: readonly Json[]; tcp: readonly Json[] } {
  const cluster = `inbound|${port}||`;
  const route = { match: { prefix: '/' }, route: { cluster, timeout: '0s' } };
  const hosts = [{ name: `inbound|http|${port}`, domains: ['*'], routes: [route] }];
  const hcm = manager(`inbound_0.0.0.0_${port}`, hosts, { server_name: 'istio-envoy' });
  return { http: [hcm], tcp: [tcpProxy(cluster)] };
}

/** Listener.access_log as istiod sends it: connections that no chain takes, in plain words. */
function refusalLog(): Json {
  const format =
    'refused %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% ' +
    '%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_TRANSPORT_FAILURE_REASON%\n';
  return stdoutLog(format);
}

function stdoutLog(format: string): Json {
  const log_format = { text_format_source: { inline_string: format } };
  return {
    name: 'envoy.access_loggers.stdout',
    typed_config: typed('extensions.access_loggers.stream.v3.StdoutAccessLog', { log_format }),
  };
}

/** The proxy of the client's pod: a cluster for each pair of modes. */
function clientConfig(files: SecretFiles): object {
  const pairs = CLIENT_MODES.flatMap((client) =>
    SERVER_MODES.map((server) => ({ client, server })),
  );
  const virtualOutbound = {
    name: 'virtualOutbound',
    address: address('0.0.0.0', 15001),
    traffic_direction: 'OUTBOUND',
    use_original_dst: true,
    filter_chains: [{ filters: [tcpProxy('PassthroughCluster')] }],
  };
  const ofHttp = (protocol: 'http' | 'auto'): Json =>
    outboundListener('0.0.0.0', BASE_PORT[protocol], [
      manager(`outbound_0.0.0.0_${BASE_PORT[protocol]}`, httpHosts(protocol), {}),
    ]);
  const ofTcp = pairs.map(({ client, server }) =>
    outboundListener(vipOf(client, server), BASE_PORT.tcp, [
      tcpProxy(clusterName(client, server, 'tcp')),
    ]),
  );
  const clusters = pairs.flatMap(({ client, server }) =>
    PROTOCOLS.map((protocol) => outboundCluster({ client, server, protocol }, files)),
  );
  const passthrough = {
    name: 'PassthroughCluster',
    type: 'ORIGINAL_DST',
    lb_policy: 'CLUSTER_PROVIDED',
    connect_timeout: '10s',
  };
  const listeners = [virtualOutbound, ofHttp('http'), ofHttp('auto'), ...ofTcp];
  return bootstrap(listeners, [...clusters, passthrough]);
}

function httpHosts(protocol: 'http' | 'auto'): readonly Json[] {
  const hosts = CLIENT_MODES.flatMap((client) =>
    SERVER_MODES.map((server) => ({
      name: clusterName(client, server, protocol),
      domains: [hostName(client, server)],
      routes: [
        { match: { prefix: '/' }, route: { cluster: clusterName(client, server, protocol) } },
      ],
    })),
  );
  const anywhere = { match: { prefix: '/' }, route: { cluster: 'PassthroughCluster' } };
  return [...hosts, { name: 'allow_any', domains: ['*'], routes: [anywhere] }];
}

function hostName(client: MeshClient, server: ServerMode): string {
  return `${client}.${server}`.toLowerCase().replaceAll('_', '-');
}

/** How a cluster of the client is called, and what its log lines begin with. */
export function clusterName(client: MeshClient, server: ServerMode, protocol: Protocol): string {
  return `outbound|${BASE_PORT[protocol]}||${hostName(client, server)}`;
}

function outboundCluster(
  at: { readonly client: MeshClient; readonly server: ServerMode; readonly protocol: Protocol },
  files: SecretFiles,
): Json {
  const { client, server, protocol } = at;
  const transport_socket = outboundTls(client === 'AUTO' ? 'ISTIO_MUTUAL' : client, files, {
    protocol: protocol === 'tcp' ? 'tcp' : 'http',
    sni: `outbound_.${BASE_PORT[protocol]}_._.${hostName(client, server)}`,
    accounts: [SERVER_ID],
  });
  const name = clusterName(client, server, protocol);
  const cluster = staticCluster(name, POD_IP, serverPort(server, protocol));
  if (transport_socket === null) return cluster;
  return client === 'AUTO'
    ? autoCluster(cluster, server, transport_socket)
    : { ...cluster, transport_socket };
}

/** Endpoints with a sidecar have the label, and get mTLS. */
function autoCluster(cluster: Json, server: ServerMode, transport_socket: Json): Json {
  const metadata = {
    filter_metadata: { 'envoy.transport_socket_match': { tlsMode: 'istio' } },
  };
  const { load_assignment: assignment } = cluster as { load_assignment: Json };
  const { endpoints } = assignment as { endpoints: readonly { lb_endpoints: readonly Json[] }[] };
  const lb_endpoints = (endpoints[0]?.lb_endpoints ?? []).map((each) =>
    server === 'DISABLE' ? each : { ...each, metadata },
  );
  return {
    ...cluster,
    load_assignment: { ...assignment, endpoints: [{ lb_endpoints }] },
    transport_socket_matches: [
      { name: 'tlsMode-istio', match: { tlsMode: 'istio' }, transport_socket },
      {
        name: 'tlsMode-disabled',
        match: {},
        transport_socket: extension('transport_sockets.raw_buffer.v3.RawBuffer'),
      },
    ],
  };
}

function bootstrap(listeners: readonly Json[], clusters: readonly Json[]): object {
  const own = (port: number, prefix: string, prefix_rewrite: string): Json => ({
    name: `port ${port}`,
    address: address('0.0.0.0', port),
    filter_chains: [
      {
        filters: [
          manager(`port_${port}`, [
            {
              name: 'backend',
              domains: ['*'],
              routes: [{ match: { prefix }, route: { cluster: 'agent', prefix_rewrite } }],
            },
          ]),
        ],
      },
    ],
  });
  const ports = [
    own(15021, '/healthz/ready', '/ready'),
    own(15090, '/stats/prometheus', '/stats/prometheus'),
  ];
  return {
    node: { id: 'sidecar~10.77.0.1~app.foo~foo.svc.cluster.local', cluster: 'app.foo' },
    admin: { address: address('127.0.0.1', 15000) },
    static_resources: {
      listeners: [...listeners, ...ports],
      clusters: [...clusters, staticCluster('agent', '127.0.0.1', 15000)],
    },
  };
}

function outboundListener(ip: string, port: number, filters: readonly Json[]): Json {
  return {
    name: `${ip}_${port}`,
    address: address(ip, port),
    traffic_direction: 'OUTBOUND',
    bind_to_port: false,
    filter_chains: [{ filters }],
  };
}

function manager(stat_prefix: string, virtual_hosts: readonly Json[], members: Json = {}): Json {
  return extension('filters.network.http_connection_manager.v3.HttpConnectionManager', {
    stat_prefix,
    route_config: { virtual_hosts },
    http_filters: [extension('filters.http.router.v3.Router')],
    access_log: [
      stdoutLog(
        '%UPSTREAM_CLUSTER_RAW% %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
          '%UPSTREAM_TRANSPORT_FAILURE_REASON%\n',
      ),
    ],
    ...members,
  });
}

function tcpProxy(cluster: string): Json {
  return extension('filters.network.tcp_proxy.v3.TcpProxy', {
    stat_prefix: cluster,
    cluster,
    access_log: [stdoutLog(`${cluster} %RESPONSE_FLAGS% %UPSTREAM_TRANSPORT_FAILURE_REASON%\n`)],
  });
}

/** An extension by the name of its type, which says more than its own name. */
function extension(type: string, value: Json = {}): Json {
  return { name: type, typed_config: typed(`extensions.${type}`, value) };
}

function staticCluster(name: string, ip: string, port: number): Json {
  return {
    name,
    type: 'STATIC',
    connect_timeout: '10s',
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: address(ip, port) } }] }],
    },
  };
}

function address(ip: string, port_value: number): Json {
  return { socket_address: { address: ip, port_value } };
}

/** What an application in the mesh sees of a call over HTTP: status and text. */
export async function callHttp(
  { app }: MtlsMesh,
  at: { readonly client: MeshClient; readonly server: ServerMode; readonly protocol?: 'auto' },
): Promise<string> {
  const port = BASE_PORT[at.protocol ?? 'http'];
  const host = hostName(at.client, at.server);
  const order = { what: 'http', ip: '10.96.9.9', port, host, path: `/${host}` } as const;
  const { status, text, error } = await app.do(order);
  return status === 200 ? `200 ${nameIn(text)}` : `${status ?? error} ${text ?? ''}`.trimEnd();
}

/** The same over TCP: what came back. */
export async function callTcp(
  { app }: MtlsMesh,
  client: MeshClient,
  server: ServerMode,
): Promise<string> {
  const order = { what: 'tcp', port: BASE_PORT.tcp, text: HELLO, speaksFirst: true } as const;
  const { text = '' } = await app.do({ ...order, ip: vipOf(client, server) });
  // By FIN or RST: that is a matter of who was faster.
  return text === '' ? 'ended' : masked(text);
}

/** A call in plain text from outside of the mesh. */
export async function callFromOutside(
  { outsider }: MtlsMesh,
  server: ServerMode,
  protocol: Protocol,
): Promise<string> {
  const at = { ip: POD_IP, port: serverPort(server, protocol) } as const;
  if (protocol === 'tcp') {
    const order = { what: 'tcp', text: HELLO, speaksFirst: true } as const;
    const { text, error } = await outsider.do({ ...order, ...at });
    return text === '' || text === undefined ? error || 'closed' : masked(text);
  }
  const { status, text, error } = await outsider.do({ what: 'http', path: '/outside', ...at });
  return status === 200 ? `200 ${nameIn(text)}` : `${status ?? error} ${text ?? ''}`.trimEnd();
}

function nameIn(text = '{}'): string {
  return String((JSON.parse(text) as { name?: string }).name);
}

/** A whole line, by which everybody who looks sees that it is no HTTP. */
const HELLO = 'hello\r\n';

/** Without the greeting's address. */
function masked(text: string): string {
  return text.replace(/greets .*\n/, 'greets; ').trimEnd();
}
