// static_resources.secrets of a bootstrap: whoever names one of them gets it from the start.
import type { Bootstrap } from '../../../api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import type { SecretValue } from '../../../model/secret.ts';

const KINDS: Readonly<Record<string, SecretValue['kind']>> = {
  tlsCertificate: 'certificate',
  validationContext: 'validation',
  sessionTicketKeys: 'ticket-keys',
  genericSecret: 'generic',
};

/** What the static secrets of a bootstrap are, by name. */
export function staticSecretKinds(message: Bootstrap): ReadonlyMap<string, SecretValue['kind']> {
  const kinds = new Map<string, SecretValue['kind']>();
  for (const { name, type } of message.staticResources?.secrets ?? []) {
    const kind = KINDS[type.case ?? ''];
    if (kind !== undefined) kinds.set(name, kind);
  }
  return kinds;
}
