// The validation context that holds: what the context says and what a secret adds to it.
import type { ValidationSecret } from '../model/secret.ts';

/**
 * Envoy's combined_validation_context: the secret's single values win where they are set, lists are
 * joined, the context's own first.
 */
export function mergeValidation(
  base: ValidationSecret | null,
  added: ValidationSecret | null,
): ValidationSecret | null {
  if (base === null || added === null) return base ?? added;
  return {
    kind: 'validation',
    trustedCaPem: added.trustedCaPem ?? base.trustedCaPem,
    trustedCas: added.trustedCaPem === null ? base.trustedCas : added.trustedCas,
    crlPem: added.crlPem ?? base.crlPem,
    onlyVerifyLeafCrl: base.onlyVerifyLeafCrl || added.onlyVerifyLeafCrl,
    sanMatchers: [...base.sanMatchers, ...added.sanMatchers],
    certificateHashes: [...base.certificateHashes, ...added.certificateHashes],
    publicKeyHashes: [...base.publicKeyHashes, ...added.publicKeyHashes],
    acceptsUntrusted: base.acceptsUntrusted || added.acceptsUntrusted,
    allowsExpired: base.allowsExpired || added.allowsExpired,
    maxVerifyDepth: added.maxVerifyDepth ?? base.maxVerifyDepth,
    spiffe: added.spiffe ?? base.spiffe,
  };
}
