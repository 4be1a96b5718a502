// What a pool asks of the transport of its connections.
import { NO_WANTS, type TransportWants } from '../transport/upstream-transport.ts';
import type { PoolSetup } from '../upstream-context.ts';
import type { ConnectionClaim } from './connection-books.ts';

const HTTP1: TransportWants = Object.freeze({ ...NO_WANTS, applicationProtocols: ['http/1.1'] });
const AUTO: TransportWants = Object.freeze({
  ...NO_WANTS,
  applicationProtocols: ['h2', 'http/1.1'],
});
const HTTP2: TransportWants = Object.freeze({ ...NO_WANTS, applicationProtocols: ['h2'] });

const BY_PROTOCOL = { http1: HTTP1, http2: HTTP2, auto: AUTO, tunnel: NO_WANTS } as const;

/**
 * ALPN by protocol, none for plain TCP; the client of a pool that has but one; and the server that
 * its requests name.
 */
export function wantsOf(
  protocol: PoolSetup['protocol'],
  claim: ConnectionClaim | null,
): TransportWants {
  const wants = BY_PROTOCOL[protocol];
  if (claim === null) return wants;
  const { serverName = '', expectedName = '' } = claim.names ?? {};
  const forcedProtocols = claim.names?.applicationProtocols ?? [];
  const { client, names } = claim;
  return {
    client,
    serverName,
    expectedName,
    forcedProtocols,
    source: names?.source ?? null,
    applicationProtocols: wants.applicationProtocols,
  };
}
