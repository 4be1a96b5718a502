// What matcher trees read of a connection, as Envoy's inputs give it.
import type { SocketAddress } from '../base/address.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { peerCertificateOf } from '../http/tls-info.ts';
import { type SubjectAltName, subjectAltNamesOf } from '../x509/certificate.ts';
import type { ConnectionInput } from './match-tree.ts';

/** An input's value as text; null: there is none. */
export function connectionInput(input: ConnectionInput, info: StreamInfo): string | null {
  const { downstream } = info;
  switch (input) {
    case 'destination-ip':
      return ipOf(downstream.localAddress);
    case 'destination-port':
      return portOf(downstream.localAddress);
    case 'source-ip':
      return ipOf(info.remoteAddress);
    case 'source-port':
      return portOf(info.remoteAddress);
    case 'direct-source-ip':
      return ipOf(downstream.directRemoteAddress);
    case 'server-name':
      return unlessEmpty(downstream.requestedServerName);
    case 'uri-san':
      return namesOf(info, 'uri');
    case 'dns-san':
      return namesOf(info, 'dns');
    case 'subject':
      return unlessEmpty(peerCertificateOf(downstream.tls)?.subject ?? '');
  }
}

function ipOf({ ip, port }: SocketAddress): string | null {
  return port < 0 ? null : ip;
}

function portOf({ port }: SocketAddress): string | null {
  return port < 0 ? null : String(port);
}

function namesOf({ downstream }: StreamInfo, kind: SubjectAltName['kind']): string | null {
  const certificate = peerCertificateOf(downstream.tls);
  return certificate === null ? null : unlessEmpty(subjectAltNamesOf(certificate, kind).join(','));
}

function unlessEmpty(text: string): string | null {
  return text === '' ? null : text;
}
