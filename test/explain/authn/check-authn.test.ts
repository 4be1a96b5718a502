import t from 'tap';
import { type AuthnSource, dumpedSource } from '../../../proxy/explain/authn/authn-source.ts';
import { type AuthnRow, checkAuthn } from '../../../proxy/explain/authn/check-authn.ts';
import type { Json } from '../../../proxy/explain/flow-text.ts';
import {
  makeAuthority,
  makeCertificate,
  type TestCertificate,
} from '../../support/certificates.ts';

const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3';
const ROOT = makeAuthority({ subject: 'mesh root' });
const idOf = (account: string): string => `spiffe://td/ns/default/sa/${account}`;
const certificateOf = (account: string, issuer = ROOT): TestCertificate =>
  makeCertificate({ issuer, altNames: [{ uri: idOf(account) }] });
const SERVER = certificateOf('server');
const CLIENT = certificateOf('client');

interface Parts {
  readonly own?: TestCertificate;
  readonly root?: TestCertificate;
  readonly san?: string;
  readonly common?: Readonly<Record<string, Json>>;
  readonly more?: Readonly<Record<string, Json>>;
}

function socket(context: 'Upstream' | 'Downstream', parts: Parts): Json {
  const { own, root, san, common = {}, more = {} } = parts;
  const matcher = { san_type: 'URI', matcher: { exact: san ?? '' } };
  const validation = {
    ...(root === undefined ? {} : { trusted_ca: { inline_string: root.pem } }),
    ...(san === undefined ? {} : { match_typed_subject_alt_names: [matcher] }),
  };
  const certificate = {
    certificate_chain: { inline_string: own?.chainPem ?? '' },
    private_key: { inline_string: '[redacted]' },
  };
  return {
    name: 'tls',
    typed_config: {
      '@type': `${TLS}.${context}TlsContext`,
      ...more,
      common_tls_context: {
        ...(own === undefined ? {} : { tls_certificates: [certificate] }),
        ...(Object.keys(validation).length === 0 ? {} : { validation_context: validation }),
        ...common,
      },
    },
  };
}

const STRICT = socket('Downstream', {
  ...{ own: SERVER, root: ROOT },
  more: { require_client_certificate: true },
});
const MUTUAL = socket('Upstream', { own: CLIENT, root: ROOT, san: idOf('server') });

function chain(name: string, transport: Json | null, match: Json | null = null): Json {
  const manager =
    'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
  return {
    name,
    filters: [{ name: 'hcm', typed_config: { '@type': `type.googleapis.com/${manager}` } }],
    ...(transport === null ? {} : { transport_socket: transport }),
    ...(match === null ? {} : { filter_chain_match: match }),
  };
}

function listener(
  port: number,
  chains: readonly Json[],
  more: Readonly<Record<string, Json>> = {},
): Json {
  return {
    name: `l${port}`,
    address: { socket_address: { address: '0.0.0.0', port_value: port } },
    listener_filters: [{ name: 'envoy.filters.listener.tls_inspector' }],
    filter_chains: chains,
    ...more,
  };
}

function endpoint(port: number, labels: Json | null = null, address = '127.0.0.1'): Json {
  const metadata = { filter_metadata: { 'envoy.transport_socket_match': labels } };
  return {
    endpoint: { address: { socket_address: { address, port_value: port } } },
    ...(labels === null ? {} : { metadata }),
  };
}

function cluster(name: string, endpoints: readonly Json[], transport: Json | null): Json {
  return {
    name,
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: endpoints }] },
    ...(transport === null ? {} : { transport_socket: transport }),
  };
}

function source(name: string, parts: Partial<AuthnSource>): AuthnSource {
  const none = { clusters: [], listeners: [], assignments: new Map(), secrets: new Map() };
  return { name, ...none, readFile: () => null, ...parts };
}

function check(client: Json | null, server: Json | null, now = Date.now()): AuthnRow {
  const listeners = [listener(1, [chain('only', server)])];
  const clusters = [cluster('c', [endpoint(1)], client)];
  const [row] = checkAuthn({
    client: source('x', { clusters, listeners }),
    servers: [],
    nowMs: now,
  });
  if (row === undefined) throw new Error('no row');
  return row;
}

t.test('clients and servers of every mode', (t) => {
  const simple = socket('Upstream', { root: ROOT });
  const terminating = socket('Downstream', { own: SERVER });
  const cases = [
    [null, null, 'DISABLE', 'PLAINTEXT', 'OK', ''],
    [null, terminating, 'DISABLE', 'TLS', 'CONFLICT', /speaks clear text, the server demands TLS/],
    [null, STRICT, 'DISABLE', 'MTLS', 'CONFLICT', /demands TLS/],
    [simple, null, 'SIMPLE', 'PLAINTEXT', 'CONFLICT', /the server expects clear text/],
    [simple, STRICT, 'SIMPLE', 'MTLS', 'CONFLICT', /demands a client certificate/],
    [MUTUAL, null, 'MUTUAL', 'PLAINTEXT', 'CONFLICT', /expects clear text/],
    [MUTUAL, terminating, 'MUTUAL', 'TLS', 'OK', ''],
    [MUTUAL, STRICT, 'MUTUAL', 'MTLS', 'OK', ''],
  ] as const;
  for (const [client, server, mode, demand, status, reason] of cases) {
    const row = check(client, server);
    t.equal(row.client.mode, mode);
    t.equal(row.server.mode, demand);
    t.equal(row.status, status, `${mode}: ${row.reason}`);
    t.match(row.reason, reason);
  }
  t.equal(check(null, STRICT).server.mode, 'MTLS');
  t.equal(check(null, terminating).server.mode, 'TLS');
  t.equal(check(simple, null).server.mode, 'PLAINTEXT');
  t.match(check(MUTUAL, STRICT), {
    client: { identity: idOf('client'), sans: [`uri ${idOf('server')}`], verifiesServer: true },
    server: { place: 'x l1', filterChain: 'only' },
  });
  t.end();
});

t.test('certificates that the other side would refuse are a conflict', (t) => {
  const stranger = makeAuthority({ subject: 'stranger' });
  const other = socket('Upstream', { own: CLIENT, root: ROOT, san: idOf('other') });
  t.match(check(other, STRICT), {
    status: 'CONFLICT',
    reason: `the client refuses the server's certificate: it is for ${idOf('server')}, expected is uri ${idOf('other')}`,
  });
  const unknown = socket('Upstream', { own: certificateOf('client', stranger), root: ROOT });
  t.match(
    check(unknown, STRICT).reason,
    /^the server refuses the client's certificate: unable to get/,
  );
  const late = Date.now() + 400 * 86_400_000;
  t.match(check(MUTUAL, STRICT, late).reason, /certificate has expired/);
  const old = { tls_params: { tls_maximum_protocol_version: 'TLSv1_2' } };
  const fresh = { tls_params: { tls_minimum_protocol_version: 'TLSv1_3' } };
  const client = socket('Upstream', { own: CLIENT, common: old });
  const server = socket('Downstream', { own: SERVER, common: fresh });
  t.match(check(client, server).reason, 'no version of TLS is common to both');
  t.end();
});

t.test('a permissive server takes both, by its filter chains', (t) => {
  const chains = [
    chain('mtls', STRICT, { transport_protocol: 'tls', application_protocols: ['istio'] }),
    chain('tls', socket('Downstream', { own: SERVER }), { transport_protocol: 'tls' }),
    chain('plain', null, { transport_protocol: 'raw_buffer' }),
  ];
  const istio = socket('Upstream', { own: CLIENT, common: { alpn_protocols: ['istio'] } });
  const clusters = [
    cluster('mutual', [endpoint(7)], istio),
    cluster('other', [endpoint(7)], MUTUAL),
    cluster('plain', [endpoint(7)], null),
  ];
  const client = source('x', { clusters, listeners: [listener(7, chains)] });
  const rows = checkAuthn({ client, servers: [], nowMs: Date.now() });
  t.same(
    rows.map(({ status, server }) => [status, server.mode, server.filterChain]),
    [
      ['OK', 'PERMISSIVE', 'mtls'],
      ['OK', 'PERMISSIVE', 'tls'],
      ['OK', 'PERMISSIVE', 'plain'],
    ],
  );
  t.end();
});

t.test('endpoints get their transport by their metadata, and are told apart', (t) => {
  const matches = [
    { name: 'tlsMode-istio', match: { tlsMode: 'istio' }, transport_socket: MUTUAL },
    { name: 'tlsMode-disabled', match: {} },
  ];
  const endpoints = [
    endpoint(1, { tlsMode: 'istio' }),
    endpoint(2),
    endpoint(1, { tlsMode: 'istio' }),
  ];
  const raw = cluster('c', endpoints, null) as Record<string, Json>;
  const clusters = [{ ...raw, transport_socket_matches: matches }];
  const listeners = [listener(1, [chain('', STRICT)]), listener(2, [chain('', STRICT)])];
  const rows = checkAuthn({
    client: source('x', { clusters, listeners }),
    servers: [],
    nowMs: Date.now(),
  });
  t.match(rows, [
    { match: 'tlsMode-istio', status: 'OK', endpoints: ['127.0.0.1:1', '127.0.0.1:1'] },
    { match: 'tlsMode-disabled', status: 'CONFLICT', endpoints: ['127.0.0.1:2'] },
  ]);
  t.end();
});

t.test('a sidecar captures what goes to every port; outbound listeners are no servers', (t) => {
  const original = { name: 'envoy.filters.listener.original_dst' };
  const inspector = { name: 'envoy.filters.listener.tls_inspector' };
  const inbound = listener(
    15006,
    [chain('9080', STRICT, { destination_port: 9080 }), chain('rest', null)],
    { traffic_direction: 'INBOUND', listener_filters: [original, inspector] },
  );
  const outbound = listener(9080, [chain('', null)], { traffic_direction: 'OUTBOUND' });
  const server = source('pod', { listeners: [outbound, inbound] });
  const at = (port: number) => endpoint(port, null, '10.0.0.5');
  const clusters = [cluster('a', [at(9080)], MUTUAL), cluster('b', [at(9081)], MUTUAL)];
  const client = source('me', { clusters, listeners: [listener(9080, [chain('', null)])] });
  const rows = checkAuthn({ client, servers: [server], nowMs: Date.now() });
  t.match(rows, [
    { status: 'OK', server: { place: 'pod l15006', filterChain: '9080', mode: 'MTLS' } },
    { status: 'CONFLICT', server: { filterChain: 'rest', mode: 'PLAINTEXT' } },
  ]);
  const alone = checkAuthn({ client, servers: [], nowMs: Date.now() });
  t.match(alone[0], { status: 'UNKNOWN', reason: /none of the configurations/ });
  t.end();
});

t.test('a dump of a running proxy is read, secrets and EDS included', (t) => {
  const sds = socket('Upstream', {
    common: {
      alpn_protocols: ['istio'],
      tls_certificate_sds_secret_configs: [{ name: 'default' }],
      combined_validation_context: {
        default_validation_context: {},
        validation_context_sds_secret_config: { name: 'ROOTCA' },
      },
    },
    more: { sni: 'outbound_.80_._.a' },
  });
  const eds = {
    name: 'c',
    type: 'EDS',
    eds_cluster_config: { service_name: 's' },
    transport_socket: sds,
  };
  const assignment = { cluster_name: 's', endpoints: [{ lb_endpoints: [endpoint(1)] }] };
  const chainBytes = Buffer.from(CLIENT.chainPem).toString('base64');
  const certificate = { certificate_chain: { inline_bytes: chainBytes } };
  const dump = {
    configs: [
      { dynamic_active_clusters: [{ cluster: eds }] },
      { dynamic_listeners: [{ active_state: { listener: listener(1, [chain('', STRICT)]) } }] },
      { dynamic_endpoint_configs: [{ endpoint_config: assignment }] },
      { dynamic_active_secrets: [{ secret: { name: 'default', tls_certificate: certificate } }] },
    ],
  };
  const client = dumpedSource('admin', dump);
  const [row] = checkAuthn({ client, servers: [], nowMs: Date.now() });
  t.match(row, {
    status: 'OK',
    client: { mode: 'MUTUAL', identity: idOf('client'), sni: 'outbound_.80_._.a', alpn: ['istio'] },
    server: { mode: 'MTLS', place: 'admin l1' },
  });
  t.match(checkAuthn({ client: dumpedSource('x', {}), servers: [], nowMs: 0 }), []);
  t.match(
    checkAuthn({
      client: dumpedSource('x', { configs: [3, null, { static_clusters: [7] }] }),
      servers: [],
      nowMs: 0,
    }),
    [],
  );
  t.end();
});
