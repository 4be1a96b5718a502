// Hides secrets in configuration before it is shown: what Envoy's API marks as sensitive, and
// everything below it.
import type { JsonValue } from './backend.ts';

/** Fields annotated as sensitive in Envoy's API, by proto name. */
const SENSITIVE_FIELDS = new Set([
  ...['private_key', 'password', 'pkcs12', 'session_ticket_keys', 'secret', 'secrets'],
  ...['auth_password', 'auth_username', 'hmac_secret', 'token_secret', 'refresh_token'],
  ...['access_token', 'client_secret', 'users', 'secret_access_key', 'session_token'],
]);
/** Fields of those names that hold configuration of where a secret comes from, not the secret. */
const REFERENCE_FIELDS = new Set(['sds_config', 'name', '@type', 'type_url']);
const REDACTED = '[redacted]';
const REDACTED_BYTES = Buffer.from(REDACTED).toString('base64');
const BYTES_FIELDS = new Set(['inline_bytes', 'value']);

/** A copy of `value` in which no secret is left; it is ProtoJSON, its fields in either spelling. */
export function redactSecrets(value: JsonValue): JsonValue {
  return walk(value, '', false);
}

function walk(value: JsonValue, field: string, isSecret: boolean): JsonValue {
  if (typeof value === 'string') {
    if (!isSecret || REFERENCE_FIELDS.has(field)) return value;
    return BYTES_FIELDS.has(field) ? REDACTED_BYTES : REDACTED;
  }
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item: JsonValue) => walk(item, field, isSecret));
  const shown: Record<string, JsonValue> = {};
  for (const [name, member] of Object.entries(value)) {
    const field = protoName(name);
    const isBelow = isSecret && field !== 'sds_config';
    shown[name] = walk(member, field, isBelow || holdsSecret(field, member));
  }
  return shown;
}

/** Other programs write lowerCamelCase. */
function protoName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * `secret` is also the name of the Any in a SecretsConfigDump and `password` of plain options, so a
 * sensitive name hides its value unless that value is a typed message, which is walked instead.
 */
function holdsSecret(field: string, value: JsonValue): boolean {
  if (!SENSITIVE_FIELDS.has(field)) return false;
  return !(typeof value === 'object' && value !== null && '@type' in value);
}
