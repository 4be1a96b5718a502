// The secrets of one TLS context together: open while the context is, and told of as one.
import { createHash, createHmac } from 'node:crypto';
import type { CertificateSecret, TicketKeysSecret, ValidationSecret } from '../model/secret.ts';
import type { CommonTlsConfig, DownstreamTlsConfig } from '../model/transport-socket.ts';
import { mergeValidation } from './merge-validation.ts';
import type { SecretSlot, Secrets } from './secret-hub.ts';

/** Secrets as they are now. */
export interface SuppliedSecrets {
  readonly certificates: readonly CertificateSecret[];
  /** null: the peer is not judged. */
  readonly validation: ValidationSecret | null;
  readonly ticketKeys: TicketKeysSecret | null;
}

/** See the file's head. */
export class ContextSecrets {
  readonly #config: CommonTlsConfig;
  readonly #certificates: readonly SecretSlot<CertificateSecret>[];
  readonly #validation: SecretSlot<ValidationSecret> | null;
  readonly #ticketKeys: SecretSlot<TicketKeysSecret> | null;

  constructor(
    config: CommonTlsConfig & Partial<Pick<DownstreamTlsConfig, 'ticketKeys'>>,
    secrets: Secrets,
    onChange: () => void,
  ) {
    this.#config = config;
    this.#certificates = config.certificates.map((ref) => secrets.open(ref, onChange));
    const validation = config.validation?.ref ?? null;
    this.#validation = validation === null ? null : secrets.open(validation, onChange);
    const ticketKeys = config.ticketKeys ?? null;
    this.#ticketKeys = ticketKeys === null ? null : secrets.open(ticketKeys, onChange);
  }

  /** null: one of them was not supplied yet. */
  supplied(): SuppliedSecrets | null {
    const certificates = this.#certificates.map(({ value }) => value);
    const added = this.#validation?.value ?? null;
    const ticketKeys = this.#ticketKeys?.value ?? null;
    const isMissing =
      certificates.includes(null) ||
      (this.#validation !== null && added === null) ||
      (this.#ticketKeys !== null && ticketKeys === null);
    if (isMissing) return null;
    return {
      certificates: certificates as CertificateSecret[],
      validation: mergeValidation(this.#config.validation?.base ?? null, added),
      ticketKeys,
    };
  }

  close(): void {
    for (const slot of this.#certificates) slot.close();
    this.#validation?.close();
    this.#ticketKeys?.close();
  }
}

/**
 * Hash over all that a session's validity rests on: who resumes under another one has not been
 * judged by it.
 */
export function identityOf(fingerprint: string, supplied: SuppliedSecrets): Buffer {
  const hash = createHash('sha256').update(fingerprint);
  for (const { chainPem, keyPem } of supplied.certificates) {
    // Of the key only that it is another one: nothing of it can be told from the result.
    hash.update(chainPem).update(createHmac('sha256', keyPem).update('identity').digest());
  }
  return hash.update(JSON.stringify(supplied.validation, certificatesByHash)).digest();
}

function certificatesByHash(key: string, value: unknown): unknown {
  if (key === 'trustedCas' || key === 'regex') return undefined;
  if (value instanceof Map) {
    return [...value].map(([name, list]) => [
      name,
      (list as readonly { fingerprint256: string }[]).map(({ fingerprint256 }) => fingerprint256),
    ]);
  }
  return value;
}
