// TlsParameters: versions, cipher suites, groups and signature algorithms by the names of OpenSSL.
import { constants } from 'node:crypto';
import {
  TlsParameters_CompliancePolicy as CompliancePolicy,
  type TlsParameters,
  TlsParameters_TlsProtocol as TlsProtocol,
} from '../../../api/gen/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
import type { CompileContext } from '../../../model/extension.ts';
import type { CommonTlsConfig, TlsVersion } from '../../../model/transport-socket.ts';
import {
  CIPHER_NAMES,
  DEFAULT_CIPHER_SUITES,
  evaluateCiphers,
  TLS13_SUITES,
} from './cipher-suites.ts';

/** What of a context TlsParameters decides. */
export type ParametersConfig = Pick<
  CommonTlsConfig,
  'minVersion' | 'maxVersion' | 'ciphers' | 'groups' | 'signatureAlgorithms'
>;

/** Versions that are refused have no row. */
const VERSIONS: Readonly<Partial<Record<TlsProtocol, TlsVersion>>> = {
  [TlsProtocol.TLSv1_2]: 'TLSv1.2',
  [TlsProtocol.TLSv1_3]: 'TLSv1.3',
};

/** The first OpenSSL with ML-KEM: 3.5. */
const OPENSSL_3_5 = 0x30500000;

/** Names of BoringSSL and those of OpenSSL. */
const GROUPS: ReadonlyMap<string, string> = new Map([
  ['X25519', 'X25519'],
  ['x25519', 'X25519'],
  ['P-256', 'P-256'],
  ['prime256v1', 'P-256'],
  ['P-384', 'P-384'],
  ['secp384r1', 'P-384'],
  ['P-521', 'P-521'],
  ['secp521r1', 'P-521'],
  ...postQuantumGroups(constants.OPENSSL_VERSION_NUMBER ?? 0),
]);

/** Envoy's default. */
const DEFAULT_GROUPS = 'X25519:P-256';

/** Names of BoringSSL (and of RFC 8446 §4.2.3) and those of OpenSSL. */
const SIGNATURE_ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ...['256', '384', '512'].flatMap((bits) => [
    same(`rsa_pkcs1_sha${bits}`),
    same(`rsa_pss_rsae_sha${bits}`),
    same(`RSA+SHA${bits}`),
    same(`ECDSA+SHA${bits}`),
    same(`RSA-PSS+SHA${bits}`),
  ]),
  same('ecdsa_secp256r1_sha256'),
  same('ecdsa_secp384r1_sha384'),
  same('ecdsa_secp521r1_sha512'),
  same('ed25519'),
  same('rsa_pkcs1_sha1'),
  same('RSA+SHA1'),
  same('ECDSA+SHA1'),
  ['ecdsa_sha1', 'ECDSA+SHA1'],
]);

/** What FIPS_202205 allows, in BoringSSL's order. */
const FIPS_202205 = {
  ciphers: [
    ...TLS13_SUITES.filter((name) => name.includes('AES')),
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
  ].join(':'),
  groups: 'P-256:P-384',
  signatureAlgorithms: [
    ...['rsa_pss_rsae_sha256', 'rsa_pkcs1_sha256', 'ecdsa_secp256r1_sha256'],
    ...['rsa_pss_rsae_sha384', 'rsa_pkcs1_sha384', 'ecdsa_secp384r1_sha384'],
    ...['rsa_pss_rsae_sha512', 'rsa_pkcs1_sha512'],
  ].join(':'),
} as const;

/** `defaultMax`: Envoy's clients stop at TLS 1.2 unless they are told more. */
export function compileTlsParameters(
  message: TlsParameters | undefined,
  defaultMax: TlsVersion,
  context: CompileContext,
): ParametersConfig {
  const versions = compileVersions(message, defaultMax, context);
  const written = {
    ciphers: compileCiphers(message?.cipherSuites ?? [], context),
    groups: compileGroups(message?.ecdhCurves ?? [], context),
    signatureAlgorithms: compileAlgorithms(message?.signatureAlgorithms ?? [], context),
  };
  const [policy] = message?.compliancePolicies ?? [];
  if (policy === undefined) return { ...versions, ...written };
  if (policy === CompliancePolicy.FIPS_202205) {
    return { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', ...FIPS_202205 };
  }
  const name = CompliancePolicy[policy];
  context.reject(
    'compliance_policies[0]',
    `${name} is a policy of BoringSSL that OpenSSL does not have: use FIPS_202205, or write the versions, cipher_suites, ecdh_curves and signature_algorithms themselves`,
  );
  return { ...versions, ...written };
}

function compileVersions(
  message: TlsParameters | undefined,
  defaultMax: TlsVersion,
  context: CompileContext,
): Pick<ParametersConfig, 'minVersion' | 'maxVersion'> {
  const min = { path: 'tls_minimum_protocol_version', value: message?.tlsMinimumProtocolVersion };
  const max = { path: 'tls_maximum_protocol_version', value: message?.tlsMaximumProtocolVersion };
  const minVersion = compileVersion(min, 'TLSv1.2', context);
  const maxVersion = compileVersion(max, defaultMax, context);
  if (minVersion === 'TLSv1.3' && maxVersion === 'TLSv1.2') {
    context.reject(
      'tls_minimum_protocol_version',
      'no version is left: the maximum is TLSv1_2, which is the default of upstream contexts. Set tls_maximum_protocol_version to TLSv1_3',
    );
  }
  return { minVersion, maxVersion };
}

function compileVersion(
  field: { readonly path: string; readonly value: TlsProtocol | undefined },
  absent: TlsVersion,
  context: CompileContext,
): TlsVersion {
  const value = field.value ?? TlsProtocol.TLS_AUTO;
  if (value === TlsProtocol.TLS_AUTO) return absent;
  const version = VERSIONS[value];
  if (version !== undefined) return version;
  context.reject(
    field.path,
    `${TlsProtocol[value]} is not supported: it is broken (RFC 8996), and OpenSSL refuses it at its default security level. Use TLSv1_2 or TLSv1_3`,
  );
  return absent;
}

function compileCiphers(written: readonly string[], context: CompileContext): string {
  const text = written.length === 0 ? DEFAULT_CIPHER_SUITES : written.join(':');
  const list = evaluateCiphers(text);
  if (list.ok && list.suites.length > 0) return [...TLS13_SUITES, ...list.suites].join(':');
  const rejected = list.ok ? 'together they leave none' : list.unknown.join(', ');
  context.reject(
    'cipher_suites',
    `Failed to initialize cipher suites ${text}. The following ciphers were rejected when tried individually: ${rejected}. Known are ${CIPHER_NAMES.join(', ')}`,
  );
  return '';
}

function compileGroups(written: readonly string[], context: CompileContext): string {
  const text = written.length === 0 ? DEFAULT_GROUPS : written.join(':');
  return mapNames(text, GROUPS, {
    context: context.at('ecdh_curves'),
    failure: 'Failed to initialize ECDH curves',
  });
}

function compileAlgorithms(written: readonly string[], context: CompileContext): string {
  if (written.length === 0) return '';
  return mapNames(written.join(':'), SIGNATURE_ALGORITHMS, {
    context: context.at('signature_algorithms'),
    failure: 'Failed to initialize TLS signature algorithms',
  });
}

/** Every name of `text` as OpenSSL calls it, each once. */
function mapNames(
  text: string,
  known: ReadonlyMap<string, string>,
  { context, failure }: { readonly context: CompileContext; readonly failure: string },
): string {
  const names = text.split(':');
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length === 0) return [...new Set(names.map((name) => known.get(name)))].join(':');
  const list = [...known.keys()].join(', ');
  context.reject('', `${failure} ${text}: ${unknown.join(', ')} is not known. Known are ${list}`);
  return '';
}

/** Those that an OpenSSL of this version has. */
function postQuantumGroups(version: number): [string, string][] {
  if (version < OPENSSL_3_5) return [];
  return [same('X25519MLKEM768'), same('MLKEM1024')];
}

function same(name: string): [string, string] {
  return [name, name];
}
