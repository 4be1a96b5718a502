// Operators about TLS with certificates on both sides: in lines of HTTP, TCP and listeners, in header
// values, and where a handshake failed.
import { createHash } from 'node:crypto';
import t from 'tap';
import { makeAuthority, makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { clientIdentities, identityRoot, serverIdentities } from '../support/identities.ts';
import { openMirror, type TlsExchange, tlsExchange } from '../support/tls-exchange.ts';
import {
  type ServedTwin,
  secureCluster,
  tlsCertificate,
  tlsSocket,
  withServedTwins,
} from '../support/tls-twins.ts';
import { type Json, type TwinConfig, type TwinListener, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

const KINDS = ['URI_SAN', 'DNS_SAN', 'IP_SAN'];
const MORE_KINDS = [...KINDS, 'EMAIL_SAN', 'OTHERNAME_SAN'];
const BOTH = [
  ...['TLS_VERSION', 'TLS_CIPHER', 'TLS_GROUP', 'PEER_SUBJECT', 'PEER_ISSUER', 'PEER_CERT'],
  ...['PEER_CERT_V_START', 'PEER_CERT_V_END', 'PEER_CERT_V_START(%Y-%b-%d %s)'],
  'PEER_CERT_V_END(%E3S|%f)',
];
const OPERATORS: readonly string[] = [
  ...BOTH.flatMap((name) => [`DOWNSTREAM_${name}`, `UPSTREAM_${name}`]),
  ...MORE_KINDS.flatMap((name) => [`DOWNSTREAM_PEER_${name}`, `DOWNSTREAM_LOCAL_${name}`]),
  ...KINDS.flatMap((name) => [`UPSTREAM_PEER_${name}`, `UPSTREAM_LOCAL_${name}`]),
  ...['DOWNSTREAM_LOCAL_SUBJECT', 'DOWNSTREAM_PEER_SERIAL', 'UPSTREAM_SERVER_NAME'],
  ...['DOWNSTREAM_PEER_FINGERPRINT_256', 'DOWNSTREAM_PEER_FINGERPRINT_1'],
  ...['DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256', 'DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1'],
  ...['DOWNSTREAM_PEER_CHAIN_SERIALS', 'DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256'],
  ...['DOWNSTREAM_PEER_ISSUER_SERIAL', 'DOWNSTREAM_TRANSPORT_FAILURE_REASON'],
  ...['REQUESTED_SERVER_NAME', 'TLS_JA3_FINGERPRINT', 'TLS_JA4_FINGERPRINT'],
];
/** Ids that are one session's only: whether there is one is what counts. */
const SESSIONS = ['DOWNSTREAM_TLS_SESSION_ID', 'UPSTREAM_TLS_SESSION_ID'];
const json: Json = {
  log_format: {
    json_format: {
      ...Object.fromEntries([...OPERATORS, ...SESSIONS].map((name) => [name, `%${name}%`])),
      mixed: '<%DOWNSTREAM_PEER_URI_SAN%|%UPSTREAM_PEER_DNS_SAN%>',
    },
  },
};

const stranger = makeCertificate({ issuer: makeAuthority({ keyLabel: 'stranger' }) });
const CLIENTS: Readonly<Record<string, TestCertificate | null>> = { ...clientIdentities, stranger };
/** Where a client that nobody vouches for is refused, and there is no log of connections. */
const REFUSING = new Set(['main', 'bare', 'fields', 'tcp']);
/** Where clients without certificate are refused inside of the handshake. */
const REQUIRING = new Set(['pinned', 'matched', 'strict']);
/** They choose from this one otherwise. */
const CIPHERS = 'TLS_AES_128_GCM_SHA256';
const trusting: Json = { trusted_ca: { inline_string: identityRoot.pem } };

function chain(context: Json, more: Json = {}, own = serverIdentities.named): Json {
  const certificates = [tlsCertificate(own)];
  const common = { tls_certificates: certificates, validation_context: context };
  return { transport_socket: tlsSocket('Downstream', { common_tls_context: common, ...more }) };
}

function hashOf({ der }: TestCertificate): string {
  return createHash('sha256').update(der).digest('hex');
}

/** Response fields with everything but whole certificates, which are too long for them. */
const FIELDS = OPERATORS.filter((name) => !name.endsWith('CERT')).map((name, index) => ({
  header: { key: `x-${index}`, value: `%${name}%` },
}));

function listeners(path: string): Readonly<Record<string, TwinListener>> {
  const log = {
    name: 'envoy.access_loggers.file',
    typed_config: typed('extensions.access_loggers.file.v3.FileAccessLog', { path, ...json }),
  };
  const tcp = {
    name: 'envoy.filters.network.tcp_proxy',
    typed_config: typed('extensions.filters.network.tcp_proxy.v3.TcpProxy', {
      ...{ stat_prefix: 'tcp', cluster: 'secure', access_log: [log] },
    }),
  };
  const cluster = 'secure';
  const own = { listener: { access_log: [log] }, logs: [] };
  const workloads = { san_type: 'URI', matcher: { prefix: 'spiffe://' } };
  const pins = Object.values(CLIENTS).flatMap((one) => (one === null ? [] : [hashOf(one)]));
  return {
    main: { cluster, chain: chain(trusting) },
    bare: { cluster, chain: chain(trusting, {}, serverIdentities.bare) },
    untrusted: {
      cluster,
      chain: chain({ ...trusting, trust_chain_verification: 'ACCEPT_UNTRUSTED' }),
    },
    pinned: { ...own, chain: chain({ verify_certificate_hash: pins }) },
    matched: { ...own, chain: chain({ ...trusting, match_typed_subject_alt_names: [workloads] }) },
    lenient: {
      ...own,
      chain: chain({
        ...{ verify_certificate_hash: [pins[0]], trust_chain_verification: 'ACCEPT_UNTRUSTED' },
      }),
    },
    fields: { cluster, chain: chain(trusting), table: { response_headers_to_add: FIELDS } },
    tcp: { chain: { ...chain(trusting), filters: [tcp] } },
    strict: { ...own, chain: chain(trusting, { require_client_certificate: true }) },
  };
}

/** Response fields and the line that was written; without ids. */
async function told(twin: ServedTwin, name: string, exchange: TlsExchange): Promise<unknown> {
  const before = (await twin.lines(0)).length;
  const answer = await tlsExchange(twin.ports[name] ?? 0, exchange);
  const line = JSON.parse((await twin.lines(before + 1))[before] ?? '') as Record<string, unknown>;
  for (const id of SESSIONS) line[id] = line[id] !== null;
  return { line, fields: [...answer.matchAll(/^x-\d+: .*$/gm)].map(([field]) => field) };
}

/** Those that are logged; what a handshake that ended early had agreed on is not told. */
const CASES = Object.keys(listeners('')).flatMap((name) =>
  Object.keys(CLIENTS)
    .filter((client) => client !== 'stranger' || !REFUSING.has(name))
    .filter((client) => client !== 'none' || !REQUIRING.has(name))
    .map((client) => [name, client] as const),
);

t.test('says of TLS and certificates what Envoy says', { skip: withoutEnvoy }, async (t) => {
  const mirror = await openMirror(CLIENTS['named'] as TestCertificate);
  t.teardown(() => mirror.close());
  const upstream = {
    ...{ sni: 'sni.test' },
    common_tls_context: { tls_certificates: [tlsCertificate(serverIdentities.named)] },
  };
  const moreClusters = [secureCluster(mirror.port, upstream)];
  const config = (path: string): TwinConfig => {
    return { listeners: listeners(path), moreClusters, log: json };
  };
  await withServedTwins(config, async ({ ours, envoy }) => {
    for (const [name, client] of CASES) {
      const servername = client === 'named' ? 'server.test' : '';
      const shown = CLIENTS[client] ?? null;
      const exchange = { shown, options: { servername, ciphers: CIPHERS } };
      const [mine, theirs] = await Promise.all([
        told(ours, name, exchange),
        told(envoy, name, exchange),
      ]);
      t.same(mine, theirs, `${name}: ${client}`);
    }
  });
});
