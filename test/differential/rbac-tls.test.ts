// Who a client is by its certificate, for access rules in front of HTTP and of TCP: every rule is
// asked of every client, and both proxies must say the same of it.
import t from 'tap';
import { makeAuthority, makeCertificate, type TestCertificate } from '../support/certificates.ts';
import {
  clientIdentities,
  identityRoot,
  serverIdentities,
  trickyIdentity,
} from '../support/identities.ts';
import { rawConnect } from '../support/raw-peer.ts';
import { openMirror, tlsExchange } from '../support/tls-exchange.ts';
import {
  type ServedTwin,
  secureCluster,
  tlsCertificate,
  tlsSocket,
  withServedTwins,
} from '../support/tls-twins.ts';
import { type Json, type TwinConfig, type TwinListener, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

const ANY: Json = { any: true };
const SPIFFE = 'spiffe://td/ns/a/sa/b';
const regex = (text: string): Json => ({ safe_regex: { regex: text } });

/** What a name may be asked for: whole, in part, of any kind, as it would be joined or escaped. */
const NAMES: Readonly<Record<string, Json>> = {
  workload: { exact: SPIFFE },
  'workload-case': { exact: SPIFFE.toUpperCase(), ignore_case: true },
  'second-uri': { exact: 'spiffe://td/two' },
  'joined-uris': { exact: 'spiffe://td/a=b?c,spiffe://td/two' },
  'uri-prefix': { prefix: 'spiffe://td/' },
  'uri-suffix': { suffix: '/two' },
  'uri-contains': { contains: '/ns/' },
  'uri-regex': regex('spiffe://td/ns/[^/]+/sa/b'),
  'regex-is-whole': regex('spiffe://td'),
  dns: { exact: 'a.test' },
  'dns-wildcard': { exact: '*.a.test' },
  'dns-under-wildcard': { exact: 'x.a.test' },
  'dns-suffix': { suffix: '.only.test' },
  email: { exact: 'm@a' },
  ip: { exact: '10.0.0.1' },
  'whole-subject': { exact: 'CN=plain,OU=unit,O=Org' },
  'subject-contains': { contains: 'CN=' },
  'subject-prefix': { prefix: 'CN=' },
  'subject-escaped': { contains: 'O=Acme\\, \\"Co\\"' },
  'common-name': { exact: 'plain' },
  empty: { exact: '' },
  'empty-regex': regex('.*'),
  'admin-inside': { exact: 'spiffe://td/admin' },
  'with-line-ends': { contains: '\r\n' },
};
const SERVER_NAMES: Readonly<Record<string, Json>> = {
  exact: { exact: 'server.test' },
  case: { exact: 'SERVER.TEST', ignore_case: true },
  upper: { exact: 'SERVER.test' },
  suffix: { suffix: '.test' },
  empty: { exact: '' },
};

const custom = (config: Json): Json => ({
  custom: {
    name: 'envoy.rbac.principals.mtls_authenticated',
    typed_config: typed('extensions.rbac.principals.mtls_authenticated.v3.Config', config),
  },
});
const validated = (san_type: string, matcher: Json): Json =>
  custom({ san_matcher: { san_type, matcher } });
const PRINCIPALS: Readonly<Record<string, Json>> = {
  authenticated: { authenticated: {} },
  'not-authenticated': { not_id: { authenticated: {} } },
  ...named('name', NAMES, (principal_name) => ({ authenticated: { principal_name } })),
  validated: custom({ any_validated_client_certificate: true }),
  'validated-workload': validated('URI', { exact: SPIFFE }),
  'validated-prefix': validated('URI', { prefix: 'spiffe://' }),
  'validated-dns': validated('DNS', { exact: 'a.test' }),
  'validated-under-wildcard': validated('DNS', { exact: 'x.a.test' }),
  'validated-email': validated('EMAIL', { exact: 'm@a' }),
  'validated-ip': validated('IP_ADDRESS', { exact: '10.0.0.1' }),
  'not-validated': { not_id: custom({ any_validated_client_certificate: true }) },
};

const input = (type: string): Json => ({ name: type, typed_config: typed(type) });
const act = (name: string): Json => ({
  action: {
    name: 'action',
    typed_config: typed('config.rbac.v3.Action', { name, action: 'ALLOW' }),
  },
});
const SSL = 'extensions.matching.common_inputs.ssl.v3';
const SERVER_NAME = 'extensions.matching.common_inputs.network.v3.ServerNameInput';
/** Matchers' regular expressions want their engine named. */
const forMatcher = (match: Json): Json =>
  'safe_regex' in match
    ? { safe_regex: { google_re2: {}, ...(match['safe_regex'] as Json) } }
    : match;
const onInput = (type: string) => (match: Json) => ({
  matcher_list: {
    matchers: [
      {
        predicate: {
          single_predicate: { input: input(type), value_match: forMatcher(match) },
        },
        on_match: act('matched'),
      },
    ],
  },
});
const MATCHERS: Readonly<Record<string, Json>> = {
  ...named('uri', NAMES, onInput(`${SSL}.UriSanInput`)),
  ...named('dns', NAMES, onInput(`${SSL}.DnsSanInput`)),
  ...named('subject', NAMES, onInput(`${SSL}.SubjectInput`)),
  ...named('sni-input', SERVER_NAMES, onInput(SERVER_NAME)),
};

/** Each by the name under which its verdict is logged. */
const RULES: Readonly<Record<string, Json>> = {
  ...named('id', PRINCIPALS, (id) => ({ shadow_rules: allow(ANY, id) })),
  ...named('sni', SERVER_NAMES, (requested_server_name) => ({
    shadow_rules: allow({ requested_server_name }, ANY),
  })),
  ...named('on', MATCHERS, (shadow_matcher) => ({ shadow_matcher })),
};

function named(
  base: string,
  values: Readonly<Record<string, Json>>,
  make: (value: Json) => Json,
): Readonly<Record<string, Json>> {
  const entries = Object.entries(values).map(([key, value]) => [`${base}-${key}`, make(value)]);
  return Object.fromEntries(entries);
}

function allow(permission: Json, principal: Json): Json {
  const policy = { permissions: [permission], principals: [principal] };
  return { action: 'ALLOW', policies: { p: policy } };
}

const PEER = makeCertificate({
  issuer: identityRoot,
  subject: [
    ['O', 'Org'],
    ['OU', 'unit'],
    ['CN', 'plain'],
  ],
});
const CLIENTS: Readonly<Record<string, TestCertificate | null>> = {
  ...clientIdentities,
  plain: PEER,
  'dns only': makeCertificate({
    issuer: identityRoot,
    altNames: [{ dns: 'one.only.test' }, { dns: 'a.test' }],
  }),
  'mail only': makeCertificate({ issuer: identityRoot, altNames: [{ email: 'm@a' }] }),
  tricky: trickyIdentity,
  stranger: makeCertificate({
    issuer: makeAuthority({ keyLabel: 'stranger' }),
    subject: 'plain',
    altNames: [{ uri: SPIFFE }, { dns: 'a.test' }],
  }),
};
const trusting: Json = { trusted_ca: { inline_string: identityRoot.pem } };
/** How a listener takes its clients; null: clear text. */
const CHAINS: Readonly<Record<string, Json | null>> = {
  trusting: { validation_context: trusting },
  untrusting: {
    validation_context: { ...trusting, trust_chain_verification: 'ACCEPT_UNTRUSTED' },
  },
  unasking: {},
  clear: null,
};

function chain(context: Json | null): Json {
  if (context === null) return {};
  const certificates = [tlsCertificate(serverIdentities.named)];
  const common = { tls_certificates: certificates, ...context };
  return { transport_socket: tlsSocket('Downstream', { common_tls_context: common }) };
}

/** Without one of these nobody's server name is known to rules, as in Envoy. */
const INSPECTING: Json = {
  listener_filters: [
    {
      name: 'envoy.filters.listener.tls_inspector',
      typed_config: typed('extensions.filters.listener.tls_inspector.v3.TlsInspector'),
    },
  ],
};

function httpFilters(rules: Readonly<Record<string, Json>>): readonly Json[] {
  return Object.entries(rules).map(([name, config]) => ({
    name,
    typed_config: typed('extensions.filters.http.rbac.v3.RBAC', {
      ...{ shadow_rules_stat_prefix: `${name}_`, ...config },
    }),
  }));
}

function networkFilters(rules: Readonly<Record<string, Json>>): readonly Json[] {
  return Object.entries(rules).map(([name, config]) => ({
    name,
    typed_config: typed('extensions.filters.network.rbac.v3.RBAC', {
      ...{ stat_prefix: 'net.', shadow_rules_stat_prefix: `${name}_`, ...config },
    }),
  }));
}

const json: Json = {
  log_format: {
    json_format: {
      http: '%DYNAMIC_METADATA(envoy.filters.http.rbac)%',
      network: '%DYNAMIC_METADATA(envoy.filters.network.rbac)%',
      code: '%RESPONSE_CODE%',
      details: '%RESPONSE_CODE_DETAILS%',
      termination: '%CONNECTION_TERMINATION_DETAILS%',
    },
  },
};

function tcpProxy(path: string): Json {
  const log = {
    name: 'envoy.access_loggers.file',
    typed_config: typed('extensions.access_loggers.file.v3.FileAccessLog', { path, ...json }),
  };
  return {
    name: 'envoy.filters.network.tcp_proxy',
    typed_config: typed('extensions.filters.network.tcp_proxy.v3.TcpProxy', {
      ...{ stat_prefix: 'tcp', cluster: 'secure', access_log: [log] },
    }),
  };
}

/** Only the workload may pass. */
const ENFORCED = { only: { rules: allow(ANY, PRINCIPALS['name-workload'] ?? {}) } };

function listeners(path: string): Readonly<Record<string, TwinListener>> {
  const own = Object.entries(CHAINS).flatMap(([name, context]) => [
    [
      `http ${name}`,
      {
        ...{ chain: chain(context), filters: httpFilters(RULES), cluster: 'secure' },
        listener: name === 'unasking' ? {} : INSPECTING,
      },
    ],
    [
      `tcp ${name}`,
      {
        chain: { ...chain(context), filters: [...networkFilters(RULES), tcpProxy(path)] },
        listener: name === 'unasking' ? {} : INSPECTING,
      },
    ],
  ]);
  const tls = chain(CHAINS['trusting'] ?? null);
  return {
    ...Object.fromEntries(own),
    'http only': { chain: tls, filters: httpFilters(ENFORCED), cluster: 'secure' },
    'tcp only': { chain: { ...tls, filters: [...networkFilters(ENFORCED), tcpProxy(path)] } },
  };
}

interface Caller {
  readonly listener: string;
  readonly client: string;
  readonly servername: string;
}

/** What was answered, and the line that was written. */
async function told(twin: ServedTwin, caller: Caller): Promise<unknown> {
  const before = (await twin.lines(0)).length;
  const port = twin.ports[caller.listener] ?? 0;
  const answer = await answerOf(port, caller);
  const line = (await twin.lines(before + 1))[before] ?? '';
  return { status: answer.split('\r\n')[0], line: JSON.parse(line) };
}

async function answerOf(port: number, { listener, client, servername }: Caller): Promise<string> {
  if (!listener.endsWith('clear')) {
    return tlsExchange(port, { shown: CLIENTS[client] ?? null, options: { servername } });
  }
  const peer = await rawConnect(`127.0.0.1:${port}`);
  peer.write('GET / HTTP/1.1\r\nhost: h.test\r\nconnection: close\r\n\r\n');
  await peer.ended();
  peer.close();
  return peer.unread;
}

/** Those who are not refused in the handshake, where nothing is logged. */
const CALLERS: readonly Caller[] = Object.keys(listeners('')).flatMap((listener) =>
  Object.keys(CLIENTS)
    .filter((client) => client !== 'stranger' || listener.endsWith('untrusting'))
    .filter((client) => client === 'none' || !listener.endsWith('clear'))
    .map((client, index) => ({
      ...{ listener, client },
      servername: ['', 'server.test', 'SERVER.test', 'a.b.test'][index % 4] ?? '',
    })),
);

t.test('decides by certificates as Envoy does', { skip: withoutEnvoy }, async (t) => {
  const mirror = await openMirror(serverIdentities.named);
  t.teardown(() => mirror.close());
  const config = (path: string): TwinConfig => ({
    ...{ listeners: listeners(path), log: json },
    moreClusters: [secureCluster(mirror.port, { common_tls_context: {} })],
  });
  await withServedTwins(config, async ({ ours, envoy }) => {
    for (const caller of CALLERS) {
      const [mine, theirs] = await Promise.all([told(ours, caller), told(envoy, caller)]);
      t.same(mine, theirs, `${caller.listener}: ${caller.client}`);
    }
  });
});
