// Operators about the TLS of both connections: what was agreed on, and who the two ends are.
import type { StreamInfo } from '../../http/stream-info.ts';
import { peerCertificateOf, type TlsInfo } from '../../http/tls-info.ts';
import {
  type Certificate,
  type SubjectAltName,
  subjectAltNamesOf,
} from '../../x509/certificate.ts';
import { DateFormat, DEFAULT_DATE_PATTERN, patternBreaksLine } from '../date-format.ts';
import { bare, type OperatorDefinition, type OperatorTable, orMissing } from '../operator.ts';

type TlsReader = (info: StreamInfo) => TlsInfo | null;
type CertificateReader = (info: StreamInfo) => Certificate | null;

const DOWNSTREAM: TlsReader = ({ downstream }) => downstream.tls;
const UPSTREAM: TlsReader = ({ upstreamTls }) => upstreamTls;

const NAME_KINDS: Readonly<Record<string, SubjectAltName['kind']>> = {
  URI_SAN: 'uri',
  DNS_SAN: 'dns',
  IP_SAN: 'ip',
  EMAIL_SAN: 'email',
  OTHERNAME_SAN: 'other',
};
const EVERY_KIND = Object.keys(NAME_KINDS);
/** Envoy's operators about upstream connections know no others. */
const UPSTREAM_KINDS = ['URI_SAN', 'DNS_SAN', 'IP_SAN'];

/** Operators about TLS connections. */
export const TLS_OPERATORS: OperatorTable = {
  ...agreement('DOWNSTREAM', DOWNSTREAM),
  ...names('DOWNSTREAM_PEER', peerOf(DOWNSTREAM), EVERY_KIND),
  ...names('DOWNSTREAM_LOCAL', localOf(DOWNSTREAM), EVERY_KIND),
  ...peer('DOWNSTREAM', peerOf(DOWNSTREAM)),
  DOWNSTREAM_LOCAL_SUBJECT: ofCertificate(localOf(DOWNSTREAM), ({ subject }) => subject),
  DOWNSTREAM_PEER_SERIAL: ofCertificate(peerOf(DOWNSTREAM), ({ serialNumber }) => serialNumber),
  DOWNSTREAM_PEER_FINGERPRINT_256: ofCertificate(peerOf(DOWNSTREAM), sha256Of),
  DOWNSTREAM_PEER_FINGERPRINT_1: ofCertificate(peerOf(DOWNSTREAM), sha1Of),
  DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256: ofChain(sha256Of),
  DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1: ofChain(sha1Of),
  DOWNSTREAM_PEER_CHAIN_SERIALS: ofChain(({ serialNumber }) => serialNumber),
  DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256: ofCertificate(issuerOf, sha256Of),
  DOWNSTREAM_PEER_ISSUER_SERIAL: ofCertificate(issuerOf, ({ serialNumber }) => serialNumber),
  DOWNSTREAM_TRANSPORT_FAILURE_REASON: bare(({ info }) =>
    orMissing((info.downstream.transportFailureReason ?? '').replace(/\s/g, '_')),
  ),
  ...agreement('UPSTREAM', UPSTREAM),
  ...names('UPSTREAM_PEER', peerOf(UPSTREAM), UPSTREAM_KINDS),
  ...names('UPSTREAM_LOCAL', localOf(UPSTREAM), UPSTREAM_KINDS),
  ...peer('UPSTREAM', peerOf(UPSTREAM)),
  UPSTREAM_SERVER_NAME: ofTls(UPSTREAM, ({ serverName }) => serverName),
  TLS_JA3_FINGERPRINT: bare(({ info }) => orMissing(info.downstream.ja3 ?? '')),
  TLS_JA4_FINGERPRINT: bare(({ info }) => orMissing(info.downstream.ja4 ?? '')),
};

function agreement(side: string, tls: TlsReader): OperatorTable {
  return {
    [`${side}_TLS_VERSION`]: ofTls(tls, ({ version }) => version),
    [`${side}_TLS_CIPHER`]: ofTls(tls, ({ cipher }) => cipher),
    [`${side}_TLS_GROUP`]: ofTls(tls, ({ group }) => group),
    [`${side}_TLS_SESSION_ID`]: ofTls(tls, ({ sessionId }) => sessionId),
  };
}

function peer(side: string, certificate: CertificateReader): OperatorTable {
  return {
    [`${side}_PEER_SUBJECT`]: ofCertificate(certificate, ({ subject }) => subject),
    [`${side}_PEER_ISSUER`]: ofCertificate(certificate, ({ issuer }) => issuer),
    [`${side}_PEER_CERT`]: ofCertificate(certificate, ({ pem }) => encodeURIComponent(pem)),
    [`${side}_PEER_CERT_V_START`]: date(certificate, ({ notBeforeMs }) => notBeforeMs),
    [`${side}_PEER_CERT_V_END`]: date(certificate, ({ notAfterMs }) => notAfterMs),
  };
}

/** Names of each kind, as they stand there. */
function names(
  prefix: string,
  certificate: CertificateReader,
  kinds: readonly string[],
): OperatorTable {
  const entries = kinds.map((name) => {
    const kind = NAME_KINDS[name] as SubjectAltName['kind'];
    const read = (of: Certificate) => subjectAltNamesOf(of, kind).join(',');
    return [`${prefix}_${name}`, ofCertificate(certificate, read)] as const;
  });
  return Object.fromEntries(entries);
}

function ofTls(tls: TlsReader, read: (tls: TlsInfo) => string): OperatorDefinition {
  return bare(({ info }) => {
    const found = tls(info);
    return found === null ? null : orMissing(read(found));
  });
}

function ofCertificate(
  certificate: CertificateReader,
  read: (certificate: Certificate) => string,
): OperatorDefinition {
  return bare(({ info }) => {
    const found = certificate(info);
    return found === null ? null : orMissing(read(found));
  });
}

/** All that the client showed, its own first. */
function ofChain(read: (certificate: Certificate) => string): OperatorDefinition {
  return bare(({ info }) => orMissing((info.downstream.tls?.peerChain ?? []).map(read).join(',')));
}

function date(
  certificate: CertificateReader,
  read: (certificate: Certificate) => number,
): OperatorDefinition {
  return {
    syntax: 'optional',
    takesLength: false,
    make: ({ argument }) => {
      if (patternBreaksLine(argument)) {
        return { error: 'Invalid header configuration. Format string contains newline.' };
      }
      const format = new DateFormat(argument === '' ? DEFAULT_DATE_PATTERN : argument, null);
      return ({ info }) => {
        const found = certificate(info);
        return found === null ? null : format.format(read(found));
      };
    },
  };
}

function peerOf(tls: TlsReader): CertificateReader {
  return (info) => peerCertificateOf(tls(info));
}

function localOf(tls: TlsReader): CertificateReader {
  return (info) => tls(info)?.localCertificate ?? null;
}

function issuerOf({ downstream }: StreamInfo): Certificate | null {
  return downstream.tls?.peerIssuer() ?? null;
}

function sha256Of({ fingerprint256 }: Certificate): string {
  return fingerprint256;
}

function sha1Of({ fingerprint1 }: Certificate): string {
  return fingerprint1;
}
