// TLS of a mesh in the shape that istiod gives to sidecars: inbound filter chains by mode and
// protocol, transport sockets of clusters by client mode, secrets from SDS files.
import type { TestCertificate } from './certificates.ts';
import { makeCertificate } from './certificates.ts';
import { type Json, typed } from './rig-bootstrap.ts';

/** PeerAuthentication.mtls.mode. */
export type ServerMode = 'DISABLE' | 'PERMISSIVE' | 'STRICT';
/** DestinationRule trafficPolicy.tls.mode. */
export type ClientMode = 'DISABLE' | 'SIMPLE' | 'MUTUAL' | 'ISTIO_MUTUAL';
/** What a port of a service is declared as; auto: nothing. */
export type PortProtocol = 'http' | 'tcp' | 'auto';

/** Paths of a workload's secrets. */
export interface SecretFiles {
  /** Where both secrets come from instead of the SDS files, names in the fields of istiod. */
  readonly sds?: Json;
  /** SDS files of the secrets `default` and `ROOTCA`. */
  readonly identity: string;
  readonly roots: string;
  /** The same as PEM. */
  readonly chainPem: string;
  readonly keyPem: string;
  readonly rootsPem: string;
}

const TRUST_DOMAIN = 'cluster.local';
const HTTP_ALPN = ['istio-http/1.0', 'istio-http/1.1', 'istio-h2'];
const TCP_ALPN = ['istio-peer-exchange', 'istio'];
const CIPHERS = [
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-GCM-SHA256',
];
const VERSIONS = {
  tls_minimum_protocol_version: 'TLSv1_2',
  tls_maximum_protocol_version: 'TLSv1_3',
};

/** The SPIFFE id of a service account. */
export function spiffeId(namespace: string, account: string, domain = TRUST_DOMAIN): string {
  return `spiffe://${domain}/ns/${namespace}/sa/${account}`;
}

/** A workload's certificate: its SPIFFE id and nothing else. */
export function workloadCertificate(issuer: TestCertificate, id: string): TestCertificate {
  return makeCertificate({
    issuer,
    subject: [['O', id.slice('spiffe://'.length).split('/')[0] ?? '']],
    altNames: [{ uri: id }],
    keyUsage: [0, 2],
  });
}

/** What an SDS file holds: the identity of a workload. */
export function identityFile(certificate: TestCertificate): string {
  return secretFile({
    name: 'default',
    tls_certificate: {
      certificate_chain: { inline_string: certificate.chainPem },
      private_key: { inline_string: certificate.keyPem },
    },
  });
}

/** The same: whom to trust. */
export function rootsFile(...roots: readonly TestCertificate[]): string {
  const inline_string = roots.map(({ pem }) => pem).join('');
  return secretFile({ name: 'ROOTCA', validation_context: { trusted_ca: { inline_string } } });
}

function secretFile(secret: Json): string {
  return JSON.stringify({
    resources: [typed('extensions.transport_sockets.tls.v3.Secret', secret)],
  });
}

/** Writes all files of a workload. */
export function writeSecrets(
  write: (name: string, content: string) => string,
  certificate: TestCertificate,
  root: TestCertificate,
): SecretFiles {
  return {
    identity: write('default.json', identityFile(certificate)),
    roots: write('roots.json', rootsFile(root)),
    chainPem: write('cert-chain.pem', certificate.chainPem),
    keyPem: write('key.pem', certificate.keyPem),
    rootsPem: write('root-cert.pem', root.pem),
  };
}

/** `tls` contexts of the mesh: certificates `default`, roots `ROOTCA`, both by SDS. */
function meshContext(files: SecretFiles, alpn: readonly string[], names: readonly Json[]): Json {
  const sds = (name: string, path: string): Json => ({
    name,
    sds_config: files.sds ?? { path_config_source: { path }, resource_api_version: 'V3' },
  });
  const matchers = names.map((matcher) => ({ san_type: 'URI', matcher }));
  const matching =
    files.sds === undefined
      ? { match_typed_subject_alt_names: matchers }
      : { match_subject_alt_names: names };
  return {
    tls_params: VERSIONS,
    alpn_protocols: alpn,
    tls_certificate_sds_secret_configs: [sds('default', files.identity)],
    combined_validation_context: {
      default_validation_context: matchers.length === 0 ? {} : matching,
      validation_context_sds_secret_config: sds('ROOTCA', files.roots),
    },
  };
}

/** The transport socket of an inbound chain that ends mTLS. */
export function inboundTls(files: SecretFiles, protocol: 'http' | 'tcp'): Json {
  const alpn = protocol === 'http' ? ['h2', 'http/1.1'] : ['istio-peer-exchange', 'h2', 'http/1.1'];
  const common = meshContext(files, alpn, [{ prefix: `spiffe://${TRUST_DOMAIN}/` }]);
  const context = typed('extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
    common_tls_context: { ...common, tls_params: { ...VERSIONS, cipher_suites: CIPHERS } },
    require_client_certificate: true,
  });
  return { name: 'envoy.transport_sockets.tls', typed_config: context };
}

/** The transport socket of a cluster; null: plain. */
export function outboundTls(
  mode: ClientMode,
  files: SecretFiles,
  target: {
    readonly protocol: 'http' | 'tcp';
    readonly sni: string;
    /** Exact SPIFFE ids of the service. */
    readonly accounts: readonly string[];
  },
): Json | null {
  if (mode === 'DISABLE') return null;
  const common =
    mode === 'ISTIO_MUTUAL'
      ? meshContext(
          files,
          // What Istio's ALPN filter makes of HTTP/1.1.
          target.protocol === 'http' ? ['istio-http/1.1', 'istio', 'http/1.1'] : TCP_ALPN,
          target.accounts.map((exact) => ({ exact })),
        )
      : fileContext(mode, files);
  const context = typed('extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
    common_tls_context: common,
    sni: target.sni,
  });
  return { name: 'envoy.transport_sockets.tls', typed_config: context };
}

/** SIMPLE and MUTUAL: PEM files of the user's own. */
function fileContext(mode: ClientMode, files: SecretFiles): Json {
  const own = {
    certificate_chain: { filename: files.chainPem },
    private_key: { filename: files.keyPem },
  };
  return {
    ...(mode === 'MUTUAL' ? { tls_certificates: [own] } : {}),
    validation_context: { trusted_ca: { filename: files.rootsPem } },
  };
}

/** An inbound port of a workload. */
export interface InboundPort {
  readonly port: number;
  readonly mode: ServerMode;
  readonly protocol: PortProtocol;
}

/** The filter chains of virtualInbound for a port, in istiod's order. */
export function inboundChains(
  { port, mode, protocol }: InboundPort,
  files: SecretFiles,
  filters: { readonly http: readonly Json[]; readonly tcp: readonly Json[] },
): readonly Json[] {
  return CHAINS[mode][protocol].map(({ match, as, ends }) => ({
    name: `0.0.0.0_${port}`,
    filter_chain_match: { destination_port: port, ...match },
    filters: filters[as],
    ...(ends ? { transport_socket: inboundTls(files, as) } : {}),
  }));
}

interface ChainShape {
  readonly match: Json;
  readonly as: 'http' | 'tcp';
  /** TLS ends here. */
  readonly ends: boolean;
}

const shape = (as: ChainShape['as'], ends: boolean, match: Json): ChainShape => ({
  match,
  as,
  ends,
});
const tls = (...application_protocols: readonly string[]): Json => ({
  transport_protocol: 'tls',
  ...(application_protocols.length === 0 ? {} : { application_protocols }),
});
const RAW = { transport_protocol: 'raw_buffer' };
const RAW_HTTP = { ...RAW, application_protocols: ['http/1.1', 'h2c'] };

/** By mode and protocol. */
const CHAINS: Readonly<Record<ServerMode, Readonly<Record<PortProtocol, readonly ChainShape[]>>>> =
  {
    DISABLE: {
      http: [shape('http', false, RAW)],
      tcp: [shape('tcp', false, RAW)],
      auto: [shape('http', false, RAW_HTTP), shape('tcp', false, RAW)],
    },
    PERMISSIVE: {
      http: [
        shape('http', true, tls('istio', 'istio-peer-exchange', ...HTTP_ALPN)),
        shape('http', false, RAW),
      ],
      tcp: [
        shape('tcp', true, tls(...TCP_ALPN, ...HTTP_ALPN)),
        shape('tcp', false, tls()),
        shape('tcp', false, RAW),
      ],
      auto: [
        shape('http', true, tls(...HTTP_ALPN)),
        shape('http', false, RAW_HTTP),
        shape('tcp', true, tls(...TCP_ALPN)),
        shape('tcp', false, RAW),
        shape('tcp', false, tls()),
      ],
    },
    STRICT: {
      http: [shape('http', true, tls())],
      tcp: [shape('tcp', true, tls())],
      auto: [shape('http', true, tls(...HTTP_ALPN)), shape('tcp', true, tls())],
    },
  };
