// What a pool's protocol asks of TLS.
import { NO_WANTS, type TransportWants } from '../transport/upstream-transport.ts';
import type { ClientCodecSetup } from '../upstream-context.ts';

const HTTP1: TransportWants = Object.freeze({ ...NO_WANTS, applicationProtocols: ['http/1.1'] });
const HTTP2: TransportWants = Object.freeze({ ...NO_WANTS, applicationProtocols: ['h2'] });

/** ALPN by protocol; none for plain TCP. */
export function wantsOf(protocol: ClientCodecSetup['protocol']): TransportWants {
  if (protocol === 'http1') return HTTP1;
  return protocol === 'http2' ? HTTP2 : NO_WANTS;
}
