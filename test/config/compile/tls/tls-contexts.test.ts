import type { JsonObject } from '@bufbuild/protobuf';
import t from 'tap';
import { ClusterSchema } from '../../../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { FilterChainSchema } from '../../../../proxy/api/gen/envoy/config/listener/v3/listener_components_pb.js';
import { compileClusterTransport } from '../../../../proxy/config/compile/cluster-transport.ts';
import { compileDownstreamTransport } from '../../../../proxy/config/compile/transport-socket.ts';
import type { CompileEnvironment } from '../../../../proxy/model/extension.ts';
import { makeAuthority, makeCertificate } from '../../../support/certificates.ts';
import { compileJson, testEnvironment, typed } from '../../../support/compile-json.ts';

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
