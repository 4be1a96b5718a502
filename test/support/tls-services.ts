// The services of TLS contexts as a worker has them, for tests.
import { SILENT_LOG } from '../../proxy/base/log.ts';
import { makeTlsServices } from '../../proxy/tls/make-tls-services.ts';
import { SecretHub, type Secrets } from '../../proxy/tls/secret-hub.ts';
import type { TlsServices } from '../../proxy/tls/tls-services.ts';

/** A worker's; two of one `ticketSecret` resume each other's sessions. */
export function testTlsServices(
  secrets: Secrets = new SecretHub(),
  ticketSecret = 'ticket secret',
): TlsServices {
  return makeTlsServices({
    secrets,
    clock: { wallMs: () => Date.now() },
    log: SILENT_LOG.logger('tls'),
    ticketSecret: Buffer.from(ticketSecret),
  });
}
