// One side of a connection: which TLS it speaks, with which certificate, and whom it believes.
import type { SanMatcherConfig, TextMatchConfig } from '../../model/secret.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { parsePemCertificates } from '../../x509/pem-certificates.ts';
import type { Json } from '../flow-text.ts';
import type { AuthnSource } from './authn-source.ts';
import { at, isSet, listAt, textAt, textsAt } from './fields.ts';

/** What a transport socket comes to. */
export interface TlsSide {
  /** `other`: a transport socket that is not known here. */
  readonly kind: 'clear' | 'tls' | 'other';
  /** Type of an unknown one. */
  readonly typeName: string;
  /** Of a client; '' : none of its own. */
  readonly serverName: string;
  readonly protocols: readonly string[];
  readonly hasCertificate: boolean;
  /** What peers see: a name of the certificate, or where that comes from; '' : none. */
  readonly identity: string;
  /** null: not known here. */
  readonly chain: readonly Certificate[] | null;
  readonly requiresCertificate: boolean;
  /** Peers are judged by authorities. */
  readonly verifies: boolean;
  /** null: not known here. */
  readonly trusted: readonly Certificate[] | null;
  readonly names: readonly SanMatcherConfig[];
  /** 12 or 13 for TLS 1.2 or 1.3. */
  readonly minVersion: number;
  readonly maxVersion: number;
}

const CLEAR: TlsSide = Object.freeze({
  ...{ kind: 'clear', typeName: '', serverName: '', protocols: [], hasCertificate: false },
  ...{ identity: '', chain: null, requiresCertificate: false, verifies: false, trusted: null },
  ...{ names: [], minVersion: 0, maxVersion: 0 },
} as const);

const VERSIONS: Readonly<Record<string, number>> = {
  TLSv1_0: 10,
  TLSv1_1: 11,
  TLSv1_2: 12,
  TLSv1_3: 13,
};
const TLS_1_2 = 12;
const TLS_1_3 = 13;
const CONTEXT = /\.(?:Downstream|Upstream)TlsContext$/;
const CLEAR_TYPES = /\.RawBuffer$/;
const KINDS: Readonly<Record<string, SanMatcherConfig['kind']>> = {
  ...{ DNS: 'dns', URI: 'uri', EMAIL: 'email', IP_ADDRESS: 'ip', OTHER_NAME: 'other' },
};
const MATCHES = ['exact', 'prefix', 'suffix', 'contains'] as const;

/** Reads a transport socket; undefined: clear text. */
export function readSide(socket: Json | undefined, source: AuthnSource): TlsSide {
  const config = at(socket, 'typed_config');
  const typeName = textAt(config, '@type').replace(/^.*\//, '');
  if (socket === undefined || CLEAR_TYPES.test(typeName)) return CLEAR;
  if (CONTEXT.test(typeName)) return tlsSide(config, source);
  // PROXY protocol and proxies in between leave the TLS inside of them as it is.
  const inner = at(config, 'transport_socket') ?? at(config, 'tls_socket_config');
  return inner === undefined ? { ...CLEAR, kind: 'other', typeName } : readSide(inner, source);
}

function tlsSide(config: Json | undefined, source: AuthnSource): TlsSide {
  const common = at(config, 'common_tls_context');
  const certificate = certificateOf(common, source);
  const validations = validationsOf(common, source);
  const isVerifying = (one: Validation): boolean =>
    one.isSupplied || at(one.json, 'trusted_ca') !== undefined;
  const texts = validations.map(({ json }) => sourceText(at(json, 'trusted_ca'), source));
  const minimum = textAt(common, 'tls_params', 'tls_minimum_protocol_version');
  const maximum = textAt(common, 'tls_params', 'tls_maximum_protocol_version');
  return {
    ...{ kind: 'tls', typeName: '' },
    serverName: textAt(config, 'sni'),
    protocols: textsAt(common, 'alpn_protocols'),
    ...certificate,
    requiresCertificate: isSet(config, 'require_client_certificate'),
    verifies: validations.some(isVerifying),
    trusted: certificatesOf(texts.find((text) => text !== null) ?? null),
    names: validations.flatMap(({ json }) => sanMatchers(json)),
    minVersion: VERSIONS[minimum] ?? TLS_1_2,
    maxVersion: VERSIONS[maximum] ?? TLS_1_3,
  };
}

function certificateOf(common: Json | undefined, source: AuthnSource) {
  const [inline] = listAt(common, 'tls_certificates');
  const [named] = listAt(common, 'tls_certificate_sds_secret_configs');
  const name = textAt(named, 'name');
  const json = inline ?? at(source.secrets.get(name), 'tls_certificate');
  const chain = certificatesOf(sourceText(at(json, 'certificate_chain'), source));
  const leaf = chain?.[0] ?? null;
  const own = leaf?.subjectAltNames[0]?.value ?? leaf?.subject ?? '';
  const from = name === '' ? textAt(json, 'certificate_chain', 'filename') : `secret ${name}`;
  const hasCertificate = inline !== undefined || named !== undefined;
  return { hasCertificate, chain, identity: hasCertificate ? own || from || 'inline' : '' };
}

interface Validation {
  readonly json: Json | undefined;
  /** Somebody supplies it whom we can't ask. */
  readonly isSupplied: boolean;
}

function validationsOf(common: Json | undefined, source: AuthnSource): readonly Validation[] {
  const named = (config: Json | undefined): readonly Validation[] => {
    if (config === undefined) return [];
    const json = at(source.secrets.get(textAt(config, 'name')), 'validation_context');
    return [{ json, isSupplied: json === undefined }];
  };
  const own = (json: Json | undefined): readonly Validation[] =>
    json === undefined ? [] : [{ json, isSupplied: false }];
  const combined = at(common, 'combined_validation_context');
  return [
    ...own(at(common, 'validation_context')),
    ...named(at(common, 'validation_context_sds_secret_config')),
    ...own(at(combined, 'default_validation_context')),
    ...named(at(combined, 'validation_context_sds_secret_config')),
  ];
}

function sourceText(dataSource: Json | undefined, source: AuthnSource): string | null {
  const path = textAt(dataSource, 'filename');
  if (path !== '') return source.readFile(path);
  const text = textAt(dataSource, 'inline_string');
  if (text !== '') return text;
  const bytes = textAt(dataSource, 'inline_bytes');
  return bytes === '' ? null : Buffer.from(bytes, 'base64').toString('latin1');
}

function certificatesOf(pem: string | null): readonly Certificate[] | null {
  if (pem === null) return null;
  const parsed = parsePemCertificates(pem);
  return 'error' in parsed ? null : parsed;
}

/** Matchers that are not known here, such as regular expressions, match everything. */
function sanMatchers(validation: Json | undefined): readonly SanMatcherConfig[] {
  const typed = listAt(validation, 'match_typed_subject_alt_names').flatMap((one) => {
    const kind = KINDS[textAt(one, 'san_type')];
    return kind === undefined ? [] : matchersOf([kind], at(one, 'matcher'), textAt(one, 'oid'));
  });
  const untyped = listAt(validation, 'match_subject_alt_names').flatMap((matcher) =>
    matchersOf(['dns', 'uri', 'email', 'ip'], matcher, ''),
  );
  return [...typed, ...untyped];
}

function matchersOf(
  kinds: readonly SanMatcherConfig['kind'][],
  matcher: Json | undefined,
  oid: string,
): readonly SanMatcherConfig[] {
  const known = MATCHES.find((name) => typeof at(matcher, name) === 'string');
  const match: TextMatchConfig = {
    kind: known ?? 'prefix',
    text: known === undefined ? '' : textAt(matcher, known),
    regex: null,
    ignoresCase: isSet(matcher, 'ignore_case'),
  };
  return kinds.map((kind) => ({ kind, oid, match }));
}
