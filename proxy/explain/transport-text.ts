// What carries connections, in a line for people: which TLS, with which certificate, and who is
// believed. Never a word of a key.
import type { CertificateSecret, SecretRef, ValidationSecret } from '../model/secret.ts';
import type {
  CommonTlsConfig,
  DownstreamTlsConfig,
  UpstreamTlsConfig,
  UpstreamTransportConfig,
  ValidationConfig,
} from '../model/transport-socket.ts';

/** TLS that ends at a filter chain. */
export function downstreamTlsText(tls: DownstreamTlsConfig): string {
  const protocols = tls.applicationProtocols.join(', ');
  const parts = [
    versionsText(tls),
    certificatesText(tls.certificates),
    protocols === '' ? '' : `ALPN ${protocols}`,
    clientText(tls),
  ];
  return parts.filter((part) => part !== '').join('; ');
}

/** What a cluster's connections are made with. */
export function upstreamTransportText(transport: UpstreamTransportConfig): string {
  switch (transport.kind) {
    case 'raw':
      return 'none, clear text';
    case 'tls':
      return upstreamTlsText(transport.tls);
    case 'starttls':
      return 'clear text until the filter asks for TLS';
    case 'proxy-protocol':
      return `PROXY protocol ${transport.version}, then ${upstreamTransportText(transport.inner)}`;
    case 'http-11-proxy':
      return `CONNECT where a proxy is named, then ${upstreamTransportText(transport.inner)}`;
  }
}

function upstreamTlsText(tls: UpstreamTlsConfig): string {
  const parts = [
    versionsText(tls),
    serverNameText(tls),
    tls.certificates.length === 0
      ? 'no certificate of our own'
      : certificatesText(tls.certificates),
    tls.validation === null
      ? 'the upstream is not verified'
      : `the upstream must be ${validationText(tls.validation)}`,
  ];
  return parts.join('; ');
}

function serverNameText({ usesHostName, serverName }: UpstreamTlsConfig): string {
  if (usesHostName) return "SNI: the endpoint's hostname";
  return serverName === '' ? 'no SNI of its own' : `SNI ${serverName}`;
}

function versionsText({ minVersion, maxVersion }: CommonTlsConfig): string {
  return minVersion === maxVersion ? minVersion : `${minVersion} to ${maxVersion}`;
}

function certificatesText(refs: readonly SecretRef<CertificateSecret>[]): string {
  const names = refs.map(certificateText);
  return names.length === 1
    ? `certificate ${names[0]}`
    : `one of the certificates ${names.join(', ')}, by server name`;
}

function certificateText({ name, key, initial }: SecretRef<CertificateSecret>): string {
  if (initial === null) return `'${name === '' ? key : name}'`;
  const [own] = initial.chain;
  const names = own.subjectAltNames.map(({ value }) => value).join(', ');
  return names === '' ? own.subject : `of ${names}`;
}

function clientText(tls: DownstreamTlsConfig): string {
  if (tls.validation === null) {
    return tls.requiresClientCertificate
      ? 'clients must show any certificate'
      : 'clients are not asked for a certificate';
  }
  const verb = tls.requiresClientCertificate ? 'must show' : 'may show';
  return `clients ${verb} a certificate that is ${validationText(tls.validation)}`;
}

function validationText({ ref, base }: ValidationConfig): string {
  const parts = [ref === null ? '' : secretText(ref), base === null ? '' : partsText(base)];
  return parts.filter((part) => part !== '').join(', ') || 'anything';
}

function secretText({ name, key, initial }: SecretRef<ValidationSecret>): string {
  return initial === null ? `what secret '${name === '' ? key : name}' says` : partsText(initial);
}

function partsText(secret: ValidationSecret): string {
  const authorities = secret.trustedCas.map(({ subject }) => subject).join(' or ');
  const domains = [...(secret.spiffe?.trustDomains.keys() ?? [])].join(', ');
  const names = secret.sanMatchers.map(
    ({ kind, match }) => `${kind} ${match.kind} '${match.text}'`,
  );
  const pins = secret.certificateHashes.length + secret.publicKeyHashes.length;
  const parts = [
    authorities === '' || secret.acceptsUntrusted ? '' : `issued below ${authorities}`,
    domains === '' ? '' : `of trust domain ${domains}`,
    names.length === 0 ? '' : `for ${names.join(' or ')}`,
    pins === 0 ? '' : `one of ${pins} pinned`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}
