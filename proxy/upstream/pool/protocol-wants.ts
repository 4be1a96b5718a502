// What a pool's protocol asks of TLS.
import type { DownstreamConnectionInfo } from '../../http/stream-info.ts';
import { NO_WANTS, type TransportWants } from '../transport/upstream-transport.ts';
import type { PoolSetup } from '../upstream-context.ts';

const HTTP1: TransportWants = Object.freeze({ ...NO_WANTS, applicationProtocols: ['http/1.1'] });
const AUTO: TransportWants = Object.freeze({
  ...NO_WANTS,
  applicationProtocols: ['h2', 'http/1.1'],
});
const HTTP2: TransportWants = Object.freeze({ ...NO_WANTS, applicationProtocols: ['h2'] });

const BY_PROTOCOL = { http1: HTTP1, http2: HTTP2, auto: AUTO, tunnel: NO_WANTS } as const;

/** ALPN by protocol, none for plain TCP; and the client of a pool that has but one. */
export function wantsOf(
  protocol: PoolSetup['protocol'],
  client: DownstreamConnectionInfo | null,
): TransportWants {
  return client === null ? BY_PROTOCOL[protocol] : { ...BY_PROTOCOL[protocol], client };
}
