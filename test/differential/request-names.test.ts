// Whom connections to an upstream are with when requests say so (auto_sni, auto_san_validation).
import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import t from 'tap';
import { makeCertificate } from '../support/certificates.ts';
import { identityRoot } from '../support/identities.ts';
import { type ServedTwin, secureCluster, withServedTwins } from '../support/tls-twins.ts';
import { type Json, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

const certificate = makeCertificate({
  issuer: identityRoot,
  subject: 'a.test',
  altNames: [{ dns: 'a.test' }, { dns: '*.wild.test' }, { ip: [127, 0, 0, 1] }],
});

/** Answers with the name that its connection was asked for. */
async function openNamed(): Promise<{ readonly port: number; close(): void }> {
  const server = http2.createSecureServer(
    { cert: certificate.chainPem, key: certificate.keyPem, allowHTTP1: true },
    (request, response) => {
      const socket = (request.stream?.session?.socket ?? request.socket) as TLSSocket;
      const { servername } = socket as TLSSocket & { readonly servername: string | false };
      const content = servername === false ? 'no name' : servername;
      response.setHeader('content-length', content.length);
      response.end(content);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

const TRUST = {
  common_tls_context: {
    validation_context: { trusted_ca: { inline_string: identityRoot.pem } },
  },
};
const MATCH = {
  common_tls_context: {
    validation_context: {
      trusted_ca: { inline_string: identityRoot.pem },
      match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: 'other.test' } }],
    },
  },
};
const BOTH = { auto_sni: true, auto_san_validation: true };

/** What is taken from requests, and the context of TLS. */
const CLUSTERS: Readonly<Record<string, readonly [Json, Json]>> = {
  sni: [{ auto_sni: true }, {}],
  fixed: [{ auto_sni: true }, { sni: 'fixed.test' }],
  hostname: [{ auto_sni: true }, { auto_host_sni: true, sni: 'fixed.test' }],
  san: [{ auto_san_validation: true }, { ...TRUST, sni: 'fixed.test' }],
  both: [BOTH, TRUST],
  http2: [BOTH, TRUST],
  untrusting: [BOTH, {}],
  own: [BOTH, { ...TRUST, auto_sni_san_validation: true, sni: 'b.test' }],
  match: [BOTH, MATCH],
  header: [{ ...BOTH, override_auto_sni_header: 'X-Name' }, TRUST],
  nothing: [{ override_auto_sni_header: 'x-name' }, { sni: 'fixed.test' }],
};

function clusterJson(name: string, port: number): Json {
  const [names, context] = CLUSTERS[name] as readonly [Json, Json];
  const key = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  const protocol = name === 'http2' ? 'http2_protocol_options' : 'http_protocol_options';
  const options = {
    upstream_http_protocol_options: names,
    explicit_http_config: { [protocol]: {} },
  };
  const address = { socket_address: { address: '127.0.0.1', port_value: port } };
  const endpoint = { hostname: 'own.test', address };
  // A resumed session does not tell the server every name again.
  return secureCluster(
    port,
    { ...context, max_session_keys: 0 },
    {
      name,
      load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint }] }] },
      typed_extension_protocol_options: { [key]: typed(key.slice('envoy.'.length), options) },
    },
  );
}

const LONG = `${'l'.repeat(260)}.test`;
const HOSTS = [
  ...['a.test', 'a.test:8443', 'A.Test', 'x.wild.test', 'b.test', 'b.test', 'a.test.', 'a_b.test'],
  ...['127.0.0.1', '127.0.0.1:80', '[::1]:80', '[::1]', LONG],
];
const NAMES = [
  ...[['x-name: a.test'], ['x-name: b.test:70'], ['x-name: '], ['x-name: 1.2.3.4']],
  ...[
    ['x-name: a.test', 'x-name: b.test'],
    ['x-name: ', 'x-name: b.test'],
  ],
];
const ADDED = { key: 'x-name', value: 'x.wild.test' };
const REWRITES: Readonly<Record<string, Json>> = {
  literal: { route: { cluster: 'sni', host_rewrite_literal: 'b.test' } },
  header: { route: { cluster: 'sni', host_rewrite_header: 'x-host' } },
  auto: { route: { cluster: 'sni', auto_host_rewrite: true } },
  path: {
    route: {
      cluster: 'sni',
      host_rewrite_path_regex: {
        pattern: { regex: '^/rewrite/(.*)$' },
        substitution: '\\1.test',
      },
    },
  },
  named: { route: { cluster: 'header', host_rewrite_literal: 'b.test' } },
  removed: { route: { cluster: 'header' }, request_headers_to_remove: ['x-name'] },
  added: {
    route: { cluster: 'header' },
    request_headers_to_add: [{ header: ADDED, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' }],
  },
};

/** A path and lines of a head. */
const CASES: readonly (readonly [path: string, lines: readonly string[]])[] = [
  ...Object.keys(CLUSTERS).flatMap((name) =>
    HOSTS.map((host) => [`/${name}`, [`host: ${host}`]] as const),
  ),
  ...NAMES.map((lines) => ['/header', ['host: a.test', ...lines]] as const),
  ...Object.keys(REWRITES).map(
    (name) => [`/rewrite/${name}`, ['host: b.test', 'x-host: h.test:1', 'x-name: a.test']] as const,
  ),
];

const COUNTS = [
  ...['upstream_cx_total', 'upstream_cx_active', 'upstream_cx_connect_fail'],
  ...['ssl.handshake', 'ssl.fail_verify_san', 'ssl.fail_verify_error', 'ssl.connection_error'],
];

/** Status and content of the answer. */
async function ask(port: number, path: string, lines: readonly string[]): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  socket.write([`GET ${path} HTTP/1.1`, ...lines, 'connection: close', '', ''].join('\r\n'));
  let text = '';
  for await (const chunk of socket) text += chunk.toString('latin1');
  return `${text.split(' ')[1]} ${text.split('\r\n\r\n')[1]}`;
}

async function seen({ ports, lines, stat }: ServedTwin): Promise<Readonly<Record<string, string>>> {
  const answers: string[] = [];
  for (const [path, head] of CASES) answers.push(await ask(ports['main'] ?? 0, path, head));
  const log = await lines(CASES.length);
  const told: Record<string, string> = {};
  CASES.forEach(([path, head], index) => {
    told[`${path} ${head.join(' ')} #${index}`] = `${answers[index]} ${log[index]}`;
  });
  for (const name of Object.keys(CLUSTERS)) {
    for (const count of COUNTS) {
      told[`${name} ${count}`] = String(await stat(`cluster.${name}.${count}`));
    }
  }
  return told;
}

t.test('whom connections are with by request, as Envoy', { skip: withoutEnvoy }, async (t) => {
  const server = await openNamed();
  t.teardown(() => server.close());
  const routes = [
    ...Object.entries(REWRITES).map(([name, route]) => ({
      match: { path: `/rewrite/${name}` },
      ...route,
    })),
    ...Object.keys(CLUSTERS).map((name) => ({
      match: { path: `/${name}` },
      route: { cluster: name },
    })),
  ];
  const text = '%RESPONSE_FLAGS% %UPSTREAM_TRANSPORT_FAILURE_REASON%\n';
  const config = {
    listeners: { main: { routes } },
    moreClusters: Object.keys(CLUSTERS).map((name) => clusterJson(name, server.port)),
    log: { log_format: { text_format_source: { inline_string: text } } },
  };
  await withServedTwins(config, async ({ ours, envoy }) => {
    const mine = await seen(ours);
    t.same(mine, await seen(envoy));
    t.match(mine, {
      '/fixed host: 127.0.0.1 #21': '200 fixed.test - -',
      '/http2 host: x.wild.test #68': '200 x.wild.test - -',
      '/http2 host: b.test #69': /^503 .* UF TLS_error.*verify_SAN_list/,
    });
  });
});
