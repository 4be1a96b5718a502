// extensions.transport_sockets.tls.v3.Secret: the same from static_resources, files, a server or the
// primary.

import type { TlsSessionTicketKeys } from '../../../api/gen/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
import type {
  GenericSecret,
  Secret,
} from '../../../api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import type { CompileContext } from '../../../model/extension.ts';
import type { SecretValue, TicketKeysSecret } from '../../../model/secret.ts';
import { compileCertificateSecret } from './certificate-secret.ts';
import { readSecretBytes } from './secret-bytes.ts';
import { compileValidationSecret } from './validation-secret.ts';

/** Length of a session ticket key: name, and keys for authentication and encryption. */
const TICKET_KEY_OCTETS = 80;

/** Members of `Secret.type` by their field. */
const FIELDS = {
  tlsCertificate: 'tls_certificate',
  validationContext: 'validation_context',
  sessionTicketKeys: 'session_ticket_keys',
  genericSecret: 'generic_secret',
} as const;

/** What a secret holds; null and rejections when it cannot be used. */
export function compileSecret(message: Secret, context: CompileContext): SecretValue | null {
  const { type } = message;
  if (type.case !== undefined) return compileSecretType(type, context.at(FIELDS[type.case]));
  const choices = Object.values(FIELDS).join(', ');
  context.reject('', `Secret type not implemented: one of ${choices} is required`);
  return null;
}

/** The same of what is in a secret: `context` is that of the message in it. */
export function compileSecretType(
  type: Secret['type'],
  context: CompileContext,
): SecretValue | null {
  switch (type.case) {
    case 'tlsCertificate':
      return compileCertificateSecret(type.value, context);
    case 'validationContext':
      return compileValidationSecret(type.value, context);
    case 'sessionTicketKeys':
      return compileTicketKeys(type.value, context);
    case 'genericSecret':
      return compileGeneric(type.value, context);
    default:
      return null;
  }
}

/** Keys of session tickets, 80 octets each. */
function compileTicketKeys(
  message: TlsSessionTicketKeys,
  context: CompileContext,
): TicketKeysSecret | null {
  const keys = message.keys.map((source, index) => {
    const at = context.at(`keys[${index}]`);
    const key = readSecretBytes(source, at);
    if (key !== null && key.length !== TICKET_KEY_OCTETS) {
      at.reject(
        '',
        `Incorrect TLS session ticket key length. Length ${key.length}, expected length ${TICKET_KEY_OCTETS}.`,
      );
    }
    return key ?? Buffer.alloc(0);
  });
  return context.failed ? null : { kind: 'ticket-keys', keys };
}

function compileGeneric(message: GenericSecret, context: CompileContext): SecretValue | null {
  const value = readSecretBytes(message.secret, context.at('secret'));
  return value === null ? null : { kind: 'generic', value };
}
