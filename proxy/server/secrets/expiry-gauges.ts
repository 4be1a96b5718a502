// `ssl.certificate.<name>.expiration_unix_time_seconds` of every context, as Envoy names them.
import type { StatsScope } from '../../stats/metrics.ts';
import type { Configuration } from '../configuration.ts';
import { SYSTEM_CLOCK } from '../system-clock.ts';
import { daysUntilFirstExpiry } from './certificate-report.ts';
import { type ContextInUse, contextsInUse } from './contexts-in-use.ts';

/** What Envoy calls a certificate without a name: eight digits of SHA-256 over nothing. */
const UNNAMED = 'unnamed_cert_e3b0c442';
const UNNAMED_AUTHORITY = 'unnamed_ca_cert_e3b0c442';

/**
 * Sets the gauge of each certificate in use to the second at which it expires. Answers the whole
 * days until the first of them does; null without certificates.
 */
export function measureExpiry(configuration: Configuration, root: StatsScope): number | null {
  const contexts = contextsInUse(configuration);
  for (const context of contexts) setGauges(root, context);
  return daysUntilFirstExpiry(contexts, SYSTEM_CLOCK.wallMs());
}

function setGauges(root: StatsScope, context: ContextInUse): void {
  const { statPrefix, certificates, validation } = context;
  const scope = root.scope(`${statPrefix}.certificate`);
  const set = (name: string, endMs: number): void =>
    scope
      .scope(name)
      .gauge('expiration_unix_time_seconds')
      .set(Math.floor(endMs / 1000));
  for (const { name, value } of certificates) set(name || UNNAMED, value.chain[0].notAfterMs);
  const authority = validation?.value.trustedCas[0];
  if (authority === undefined) return;
  set(validation?.name || UNNAMED_AUTHORITY, authority.notAfterMs);
}
