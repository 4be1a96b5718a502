// One element of x-forwarded-client-cert: what we say about the client of a connection, as text
// (`By=…;Hash=…;Subject="…"`) or as an object of JSON.

import { escapeJson } from '../../../formatter/byte-text.ts';
import type { TlsInfo } from '../../../http/tls-info.ts';
import type { ClientCertDetails } from '../../../model/client-cert.ts';
import { type Certificate, subjectAltNamesOf } from '../../../x509/certificate.ts';

/** Of a connection whose client showed `peer`. */
export function textElement(
  { localCertificate, peerChain }: TlsInfo,
  peer: Certificate,
  details: ClientCertDetails,
): string {
  const own = localCertificate === null ? [] : subjectAltNamesOf(localCertificate, 'uri');
  const uris = subjectAltNamesOf(peer, 'uri');
  const parts = own.map((uri) => `By=${textValue(uri)}`);
  parts.push(`Hash=${peer.fingerprint256}`);
  if (details.cert) parts.push(`Cert="${encodeURIComponent(peer.pem)}"`);
  if (details.chain) parts.push(`Chain="${encodeURIComponent(pemsOf(peerChain).join(''))}"`);
  if (details.subject) parts.push(`Subject="${quotable(peer.subject)}"`);
  if (details.uri) parts.push(...(uris.length === 0 ? ['URI='] : uris.map(uriPart)));
  if (details.dns) {
    parts.push(...subjectAltNamesOf(peer, 'dns').map((name) => `DNS=${textValue(name)}`));
  }
  if (details.issuer) parts.push(`Issuer="${quotable(peer.issuer)}"`);
  return parts.join(';');
}

/** The same as an object; what is empty is left out. */
export function jsonElement(
  { localCertificate, peerChain }: TlsInfo,
  peer: Certificate,
  details: ClientCertDetails,
): string {
  const own = localCertificate === null ? [] : subjectAltNamesOf(localCertificate, 'uri');
  return `{${[
    ...list('by', own),
    ...text('hash', peer.fingerprint256),
    ...(details.cert ? text('cert', peer.pem) : []),
    ...(details.chain ? list('chain', pemsOf(peerChain)) : []),
    ...(details.subject ? text('subject', peer.subject) : []),
    ...(details.uri ? list('uri', subjectAltNamesOf(peer, 'uri')) : []),
    ...(details.dns ? list('dns', subjectAltNamesOf(peer, 'dns')) : []),
    ...(details.issuer ? text('issuer', peer.issuer) : []),
  ].join(',')}}`;
}

function uriPart(uri: string): string {
  return `URI=${textValue(uri)}`;
}

function pemsOf(chain: readonly Certificate[]): readonly string[] {
  return chain.map(({ pem }) => pem);
}

function text(name: string, value: string): readonly string[] {
  return value === '' ? [] : [`"${name}":"${escapeJson(value)}"`];
}

function list(name: string, values: readonly string[]): readonly string[] {
  if (values.length === 0) return [];
  return [`"${name}":[${values.map((value) => `"${escapeJson(value)}"`).join(',')}]`];
}

/**
 * A name as a value. One that holds what separates elements and values is quoted: otherwise whoever
 * may choose his name could say in it that he is somebody else. Envoy writes names as they are.
 */
function textValue(name: string): string {
  const clean = withoutControls(name);
  return /[,;"]/.test(clean) ? `"${clean.replace(/["\\]/g, '\\$&')}"` : clean;
}

/** The text of a name by RFC 2253, whose quotes and backslashes are escaped already. */
function quotable(name: string): string {
  return withoutControls(name);
}

/** No field value may hold them (RFC 9110 §5.5). */
function withoutControls(value: string): string {
  return value.replace(/[\x00-\x1f\x7f]/g, percentEncoded);
}

function percentEncoded(control: string): string {
  return `%${control.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
