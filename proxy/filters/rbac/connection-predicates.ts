// Conditions on a connection: its addresses, its server name, and who its client proved to be.
import type { SocketAddress } from '../../base/address.ts';
import type { IpPrefix } from '../../base/ip-prefix.ts';
import { peerCertificateOf } from '../../http/tls-info.ts';
import { matchesString } from '../../model/match-value.ts';
import type { StringMatchConfig } from '../../model/route-match.ts';
import type { SanMatcherConfig } from '../../model/secret.ts';
import { matchesNames } from '../../tls/match-names.ts';
import type { Certificate, SubjectAltName } from '../../x509/certificate.ts';
import type { RbacPredicate, RbacSubject } from './rbac-subject.ts';

/** Which of its addresses. */
export type AddressRole = 'source' | 'direct-remote' | 'remote' | 'destination';

/** source_ip, direct_remote_ip, remote_ip, destination_ip */
export class AddressPredicate implements RbacPredicate {
  readonly #role: AddressRole;
  readonly #network: IpPrefix;

  constructor(role: AddressRole, network: IpPrefix) {
    this.#role = role;
    this.#network = network;
  }

  matches(subject: RbacSubject): boolean {
    const { ip, port } = addressOf(subject, this.#role);
    return port >= 0 && this.#network.contains(ip);
  }
}

function addressOf({ info }: RbacSubject, role: AddressRole): SocketAddress {
  switch (role) {
    // As Envoy: the connection's, whatever x-forwarded-for says.
    case 'source':
      return info.downstream.remoteAddress;
    case 'direct-remote':
      return info.downstream.directRemoteAddress;
    case 'remote':
      return info.remoteAddress;
    case 'destination':
      return info.downstream.localAddress;
  }
}

/** destination_port, destination_port_range: `start` up to and without `end`. */
export class PortPredicate implements RbacPredicate {
  readonly #start: number;
  readonly #end: number;

  constructor(start: number, end: number) {
    this.#start = start;
    this.#end = end;
  }

  matches({ info }: RbacSubject): boolean {
    const { port } = info.downstream.localAddress;
    return port >= this.#start && port < this.#end;
  }
}

/** requested_server_name; '' when the client named none. */
export class ServerNamePredicate implements RbacPredicate {
  readonly #match: StringMatchConfig;

  constructor(match: StringMatchConfig) {
    this.#match = match;
  }

  matches({ info }: RbacSubject): boolean {
    return matchesString(this.#match, info.downstream.requestedServerName);
  }
}

/**
 * authenticated: as Envoy, any URI name may match, else any DNS name, else the subject, which is ''
 * for a client without certificate. Without a matcher, TLS is enough.
 */
export class AuthenticatedPredicate implements RbacPredicate {
  readonly #match: StringMatchConfig | null;
  /** Requests of one connection come in a row, and a certificate stays what it is. */
  #seen: Certificate | null = null;
  #didMatch = false;

  constructor(match: StringMatchConfig | null) {
    this.#match = match;
  }

  matches({ info }: RbacSubject): boolean {
    const { tls } = info.downstream;
    if (tls === null) return false;
    if (this.#match === null) return true;
    const certificate = peerCertificateOf(tls);
    if (certificate === null) return matchesString(this.#match, '');
    if (certificate !== this.#seen) {
      this.#didMatch = isNamed(certificate, this.#match);
      this.#seen = certificate;
    }
    return this.#didMatch;
  }
}

function isNamed({ subjectAltNames, subject }: Certificate, match: StringMatchConfig): boolean {
  return (
    hasName(subjectAltNames, 'uri', match) ||
    hasName(subjectAltNames, 'dns', match) ||
    matchesString(match, subject)
  );
}

/** All octets of a name count: a NUL in it ends nothing. */
function hasName(
  names: readonly SubjectAltName[],
  wanted: SubjectAltName['kind'],
  match: StringMatchConfig,
): boolean {
  for (const { kind, value } of names) {
    if (kind === wanted && matchesString(match, value)) return true;
  }
  return false;
}

/** envoy.rbac.principals.mtls_authenticated: a certificate that was verified. */
export class ValidatedPeerPredicate implements RbacPredicate {
  /** null: whatever its names are. */
  readonly #names: readonly SanMatcherConfig[] | null;

  constructor(names: readonly SanMatcherConfig[] | null) {
    this.#names = names;
  }

  matches({ info }: RbacSubject): boolean {
    const { tls } = info.downstream;
    const certificate = peerCertificateOf(tls);
    if (certificate === null || tls?.isPeerValidated !== true) return false;
    return this.#names === null || matchesNames(certificate, this.#names);
  }
}
