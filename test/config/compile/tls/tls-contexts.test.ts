import type { JsonObject } from '@bufbuild/protobuf';
import t from 'tap';
import { ClusterSchema } from '../../../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { FilterChainSchema } from '../../../../proxy/api/gen/envoy/config/listener/v3/listener_components_pb.js';
import type { Rejection } from '../../../../proxy/base/result.ts';
import { compileClusterTransport } from '../../../../proxy/config/compile/cluster-transport.ts';
import { compileDownstreamTransport } from '../../../../proxy/config/compile/transport-socket.ts';
import type { CompileEnvironment } from '../../../../proxy/model/extension.ts';
import { makeAuthority, makeCertificate } from '../../../support/certificates.ts';
import {
  compileJson,
  problemLines,
  testEnvironment,
  typed,
} from '../../../support/compile-json.ts';

const authority = makeAuthority();
const leaf = makeCertificate({ issuer: authority, altNames: [{ dns: 'a.test' }] });
const own = {
  certificate_chain: { inline_string: leaf.chainPem },
  private_key: { inline_string: leaf.keyPem },
};
const validation = { trusted_ca: { inline_string: authority.pem } };
const TLS = 'extensions.transport_sockets.tls.v3';

function socket(side: 'Downstream' | 'Upstream', members: JsonObject) {
  return { name: 'tls', typed_config: typed(`${TLS}.${side}TlsContext`, members) };
}

function downstream(members: JsonObject, environment: Partial<CompileEnvironment> = {}) {
  const json = { transport_socket: socket('Downstream', members) };
  return compileJson(
    { schema: FilterChainSchema, json, environment: testEnvironment(environment) },
    (message, context) => compileDownstreamTransport(message.transportSocket, context),
  );
}

function upstream(members: JsonObject, environment: Partial<CompileEnvironment> = {}) {
  const json = { transport_socket: socket('Upstream', members) };
  return compileJson(
    { schema: ClusterSchema, json, environment: testEnvironment(environment) },
    (message, context) => compileClusterTransport(message, context).transport,
  );
}

t.test('a server context has the defaults of Envoy', (t) => {
  const { value, rejections, warnings } = downstream({
    common_tls_context: { tls_certificates: [own] },
  });
  t.same(rejections, []);
  t.same(warnings, []);
  t.match(value, {
    kind: 'tls',
    tls: {
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      groups: 'X25519:P-256',
      signatureAlgorithms: '',
      validation: null,
      applicationProtocols: [],
      keyLogPath: null,
      requiresClientCertificate: false,
      requiresServerName: false,
      ticketKeys: null,
      resumesStateless: true,
      resumesStateful: true,
      sessionTimeoutS: null,
      ocspPolicy: 'lenient',
      scansAllCertificates: false,
      prefersClientCiphers: false,
      certificates: [
        {
          kind: 'certificate',
          source: { kind: 'inline' },
          initial: { keyPem: leaf.keyPem, chain: [{ subject: 'CN=leaf' }] },
        },
      ],
    },
  });
  t.end();
});

t.test('a client context has the defaults of Envoy', (t) => {
  const { value, rejections } = upstream({
    sni: 'a.test',
    common_tls_context: { validation_context: validation },
  });
  t.same(rejections, []);
  t.match(value, {
    kind: 'tls',
    tls: {
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.2',
      serverName: 'a.test',
      usesHostName: false,
      verifiesServerName: false,
      maxSessionKeys: 1,
      enforcesRsaKeyUsage: true,
      certificates: [],
      validation: { base: null, ref: { initial: { trustedCaPem: authority.pem } } },
    },
  });
  t.end();
});

function refusals(compiled: { readonly rejections: readonly Rejection[] }): readonly string[] {
  return problemLines(compiled.rejections);
}

t.test('what a server context says is taken over', (t) => {
  const { value, rejections } = downstream({
    common_tls_context: {
      tls_certificates: [own],
      alpn_protocols: ['h2,http/1.1'],
      validation_context: validation,
      key_log: { path: '/tmp/keys' },
    },
    require_client_certificate: true,
    require_sni: true,
    disable_stateless_session_resumption: true,
    disable_stateful_session_resumption: true,
    session_timeout: '90.5s',
    ocsp_staple_policy: 'STRICT_STAPLING',
    full_scan_certs_on_sni_mismatch: true,
    prefer_client_ciphers: true,
  });
  t.same(rejections, []);
  t.match(value, {
    tls: {
      applicationProtocols: ['h2', 'http/1.1'],
      keyLogPath: '/tmp/keys',
      requiresClientCertificate: true,
      requiresServerName: true,
      resumesStateless: false,
      resumesStateful: false,
      sessionTimeoutS: 90,
      ocspPolicy: 'strict',
      scansAllCertificates: true,
      prefersClientCiphers: true,
    },
  });
  t.end();
});

t.test('equal texts have equal fingerprints and keys, in any process', (t) => {
  const tlsOf = (members: JsonObject) => {
    const { value } = downstream(members);
    if (value?.kind !== 'tls') throw new Error('no TLS');
    return value.tls;
  };
  const common_tls_context = { tls_certificates: [own] };
  const first = tlsOf({ common_tls_context });
  const second = tlsOf({ common_tls_context });
  t.equal(first.fingerprint, second.fingerprint);
  t.equal(first.certificates[0]?.key, second.certificates[0]?.key);
  t.match(first.certificates[0]?.key, /^inline:[0-9a-f]{32}$/);
  t.not(first.fingerprint, tlsOf({ common_tls_context, require_sni: true }).fingerprint);
  t.end();
});

t.test('parts in files are one secret, whose value in use is not read again', (t) => {
  const files: Record<string, string> = { '/c': leaf.chainPem, '/k': leaf.keyPem };
  const readFile = (path: string) => Buffer.from(files[path] ?? '');
  const named = { certificate_chain: { filename: '/c' }, private_key: { filename: '/k' } };
  const members = { common_tls_context: { tls_certificates: [named] } };
  const { value } = downstream(members, { readFile });
  const ref = value?.kind === 'tls' ? value.tls.certificates[0] : undefined;
  t.match(ref, { key: /^files:[0-9a-f]{32}$/, name: '', source: { kind: 'files' } });
  t.match(ref?.source, { secret: { type: { case: 'tlsCertificate' } } });
  files['/c'] = 'half written';
  t.equal(downstream(members, { readFile }).rejections.length, 1);
  const known = downstream(members, {
    readFile,
    knownSecret: (key) => (key === ref?.key ? (ref?.initial ?? null) : null),
  });
  t.same(known.rejections, []);
  t.end();
});

t.test('secrets by name say who supplies them', (t) => {
  const refOf = (sds_config: JsonObject | null) => {
    const secret = { name: 's', ...(sds_config !== null && { sds_config }) };
    const common_tls_context = { tls_certificate_sds_secret_configs: [secret] };
    const { value, rejections } = downstream({ common_tls_context });
    if (value?.kind !== 'tls') return refusals({ rejections });
    return value.tls.certificates[0];
  };
  t.match(refOf(null), { key: 'static/s', source: { kind: 'static' }, initial: null });
  t.match(refOf({ path_config_source: { path: '/f', watched_directory: { path: '/d' } } }), {
    key: 'path:/f/s',
    name: 's',
    source: { kind: 'path', path: '/f', directory: '/d', fetchTimeoutMs: 15_000 },
  });
  t.match(refOf({ ads: {}, initial_fetch_timeout: '2s' }), {
    key: 'ads/s',
    source: { kind: 'xds', from: { kind: 'ads' }, fetchTimeoutMs: 2000 },
  });
  const grpc_services = [{ envoy_grpc: { cluster_name: 'sds' } }];
  t.match(refOf({ api_config_source: { api_type: 'GRPC', grpc_services } }), {
    key: /^api:[0-9a-f]+\/s$/,
    source: { kind: 'xds', from: { kind: 'api' } },
  });
  t.match(refOf({ api_config_source: { api_type: 'REST' } }), [
    /must have a singleton cluster name/,
  ]);
  t.match(refOf({}), [/sds_config: Missing config source specifier/]);
  t.end();
});

t.test('static secrets are known by name and kind', (t) => {
  const secretKinds = new Map([['s', 'certificate' as const]]);
  const context = (name: string) => ({
    common_tls_context: { validation_context_sds_secret_config: { name } },
  });
  t.match(refusals(upstream(context('x'), { secretKinds })), [
    /validation_context_sds_secret_config\.name: Unknown static certificate validation context: x: static_resources\.secrets has none/,
  ]);
  t.match(refusals(upstream(context('s'), { secretKinds })), [
    /Unknown static certificate validation context: s: .* is a tls_certificate, not a validation_c/,
  ]);
  t.same(refusals(upstream(context('x'))), [], 'where nobody knows them');
  t.end();
});

t.test('what is said in the context is added to what a secret says', (t) => {
  const { value, rejections } = upstream({
    common_tls_context: {
      combined_validation_context: {
        default_validation_context: { match_subject_alt_names: [{ exact: 'a' }] },
        validation_context_sds_secret_config: { name: 'ca' },
      },
    },
  });
  t.same(rejections, [], 'authorities come with the secret');
  t.match(value, {
    tls: { validation: { base: { sanMatchers: { length: 4 } }, ref: { key: 'static/ca' } } },
  });
  t.end();
});

t.test('servers: contexts that Envoy refuses', (t) => {
  const at = 'transport_socket.typed_config';
  t.same(refusals(downstream({ common_tls_context: {} })), [
    `${at}.common_tls_context: No TLS certificates found for server context`,
  ]);
  const named = { tls_certificate_sds_secret_configs: [{ name: 's' }] };
  t.match(refusals(downstream({ common_tls_context: { tls_certificates: [own], ...named } })), [
    /SDS and non-SDS TLS certificates may not be mixed in server contexts$/,
  ]);
  const common_tls_context = { tls_certificates: [own] };
  t.match(refusals(downstream({ common_tls_context, ocsp_staple_policy: 'MUST_STAPLE' })), [
    /Required OCSP response is missing from TLS context$/,
  ]);
  t.match(
    refusals(downstream({ common_tls_context: { ...common_tls_context, alpn_protocols: [''] } })),
    [/alpn_protocols: Invalid ALPN protocol string/],
  );
  const names = { validation_context: { match_subject_alt_names: [{ exact: 'a' }] } };
  t.match(refusals(downstream({ common_tls_context: { ...common_tls_context, ...names } })), [
    /^transport_socket\.typed_config\.common_tls_context\.validation_context\.match_typed_subject_alt_names: SAN-based/,
  ]);
  t.end();
});

t.test('servers: what is accepted and surely not meant is told', (t) => {
  const warnings = (members: JsonObject) => problemLines(downstream(members).warnings);
  const common_tls_context = { tls_certificates: [own] };
  t.match(warnings({ common_tls_context, require_client_certificate: true }), [/any certificate/]);
  const validated = {
    common_tls_context: { ...common_tls_context, validation_context: validation },
  };
  t.match(warnings(validated), [/clients without a certificate are accepted/]);
  t.same(warnings({ ...validated, require_client_certificate: false }), []);
  t.end();
});

t.test('clients: contexts that Envoy refuses', (t) => {
  t.match(refusals(upstream({ common_tls_context: { tls_certificates: [own, own] } })), [
    /Multiple TLS certificates are not supported for client contexts$/,
  ]);
  t.match(refusals(upstream({ sni: 'a\0b' })), [/^.*sni: SNI names containing NULL-byte/]);
  t.match(refusals(upstream({ allow_renegotiation: true })), [
    /allow_renegotiation: renegotiation/,
  ]);
  t.match(refusals(upstream({ auto_sni_san_validation: true })), [/without a validation context$/]);
  const common_tls_context = { validation_context: {} };
  t.match(refusals(upstream({ auto_sni_san_validation: true, common_tls_context })), [
    /without configuring a trusted CA$/,
  ]);
  t.match(problemLines(upstream({}).warnings), [/the upstream is not verified/]);
  t.end();
});
