// Operators about TLS. No transport socket of ours is TLS yet, so each prints as missing, as it
// does in Envoy on a plain connection.
import { patternBreaksLine } from '../date-format.ts';
import { bare, type Operator, type OperatorArguments, type OperatorTable } from '../operator.ts';

const DOWNSTREAM_FACTS = [
  ...['TLS_VERSION', 'TLS_CIPHER', 'TLS_SESSION_ID', 'TLS_GROUP', 'TRANSPORT_FAILURE_REASON'],
  ...['PEER_SUBJECT', 'PEER_ISSUER', 'PEER_CERT', 'PEER_SERIAL'],
  ...['PEER_URI_SAN', 'PEER_DNS_SAN', 'PEER_IP_SAN', 'PEER_EMAIL_SAN', 'PEER_OTHERNAME_SAN'],
  ...['PEER_FINGERPRINT_256', 'PEER_FINGERPRINT_1'],
  ...['PEER_CHAIN_FINGERPRINTS_256', 'PEER_CHAIN_FINGERPRINTS_1', 'PEER_CHAIN_SERIALS'],
  ...['PEER_ISSUER_FINGERPRINT_256', 'PEER_ISSUER_SERIAL'],
  ...['LOCAL_SUBJECT', 'LOCAL_URI_SAN', 'LOCAL_DNS_SAN', 'LOCAL_IP_SAN'],
  ...['LOCAL_EMAIL_SAN', 'LOCAL_OTHERNAME_SAN'],
];

const UPSTREAM_FACTS = [
  'SERVER_NAME',
  ...['TLS_VERSION', 'TLS_CIPHER', 'TLS_SESSION_ID', 'TLS_GROUP'],
  ...['PEER_SUBJECT', 'PEER_ISSUER', 'PEER_CERT'],
  ...['PEER_URI_SAN', 'PEER_DNS_SAN', 'PEER_IP_SAN'],
  ...['LOCAL_URI_SAN', 'LOCAL_DNS_SAN', 'LOCAL_IP_SAN'],
];

const DATES = ['PEER_CERT_V_START', 'PEER_CERT_V_END'];

/** Operators about TLS connections. */
export const TLS_OPERATORS: OperatorTable = Object.fromEntries([
  ...DOWNSTREAM_FACTS.map((name) => [`DOWNSTREAM_${name}`, bare(() => null)]),
  ...UPSTREAM_FACTS.map((name) => [`UPSTREAM_${name}`, bare(() => null)]),
  ...['DOWNSTREAM', 'UPSTREAM'].flatMap((side) =>
    DATES.map((name) => [
      `${side}_${name}`,
      { syntax: 'optional', takesLength: false, make: makeDate },
    ]),
  ),
  ['TLS_JA3_FINGERPRINT', bare(() => null)],
  ['TLS_JA4_FINGERPRINT', bare(() => null)],
]);

function makeDate({ argument }: OperatorArguments): Operator | { readonly error: string } {
  if (!patternBreaksLine(argument)) return () => null;
  return { error: 'Invalid header configuration. Format string contains newline.' };
}
