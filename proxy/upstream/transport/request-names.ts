// Whom a request's connection is with, by its host or a header of it (auto_sni, auto_san_validation):
// connections for one name are never used for another.
import { ipVersion } from '../../base/ip-address.ts';
import type { RequestHead } from '../../http/message.ts';
import type { UpstreamSource } from '../../http/stream-info.ts';
import type { RequestNamesConfig } from '../../model/cluster.ts';

/** What a request asks of its connection. */
export interface RequestNames {
  /** Equal for those who may share connections. */
  readonly key: string;
  /** SNI; '' : as configured. */
  readonly serverName: string;
  /** The certificate must be for it; '' : any. */
  readonly expectedName: string;
  /** ALPN in place of whatever is configured; empty: that. */
  readonly applicationProtocols: readonly string[];
  /** Where the connection comes from; null: from where the cluster says. */
  readonly source: UpstreamSource | null;
}

const MAX_PORT = 65_535;

/** Names of a request to a cluster; null: it gives none. */
export function namesOf(
  config: RequestNamesConfig | undefined,
  { authority, headers }: Pick<RequestHead, 'authority' | 'headers'>,
): RequestNames | null {
  if (config === undefined) return null;
  const named = config.header === '' ? null : headers.getByName(config.header);
  const name = hostOf(named || authority);
  const isIp = ipVersion(name) !== 0;
  // RFC 6066 §3: no addresses.
  const serverName = config.setsServerName && !isIp ? name : '';
  const expectedName = config.verifiesName ? name : '';
  const key = `${serverName} ${expectedName}`.toLowerCase();
  return { key, serverName, expectedName, applicationProtocols: [], source: null };
}

/** Without a port, and without the brackets of an IPv6 address. */
function hostOf(authority: string): string {
  const host = withoutPort(authority);
  const isBracketed = host.startsWith('[') && host.endsWith(']');
  const inner = isBracketed ? host.slice(1, -1) : host;
  return ipVersion(inner) === 0 ? host : inner;
}

/** As Envoy: what is no port belongs to the name. */
function withoutPort(authority: string): string {
  const colon = authority.lastIndexOf(':');
  const port = authority.slice(colon + 1);
  const isPort = colon >= 0 && /^\d{1,5}$/.test(port) && Number(port) <= MAX_PORT;
  return isPort ? authority.slice(0, colon) : authority;
}
