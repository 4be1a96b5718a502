// References to secrets: what stands in a context itself, by its hash, and what is asked for by name.
import { createHash } from 'node:crypto';
import { create, type DescMessage, type Message, toBinary } from '@bufbuild/protobuf';
import type { ConfigSource } from '../../../api/gen/envoy/config/core/v3/config_source_pb.js';
import {
  type SdsSecretConfig,
  type Secret,
  SecretSchema,
} from '../../../api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import type { CompileContext } from '../../../model/extension.ts';
import type { SecretRef, SecretSource, SecretValue } from '../../../model/secret.ts';
import { compileConfigSource, refuseFederatedName } from '../config-source.ts';
import { compileSecretType } from './secret.ts';
import { validationFault } from './validation-secret.ts';

/** As which sources name what is asked for. */
const SECRET_URL = `type.googleapis.com/${SecretSchema.typeName}`;

const KIND_NAMES: Readonly<Record<SecretValue['kind'], string>> = {
  certificate: 'tls_certificate',
  validation: 'validation_context',
  'ticket-keys': 'session_ticket_keys',
  generic: 'generic_secret',
};

/** What Envoy calls a static secret that is missing. */
const UNKNOWN: Readonly<Record<SecretValue['kind'], string>> = {
  certificate: 'static secret',
  validation: 'static certificate validation context',
  'ticket-keys': 'tls session ticket keys',
  generic: 'static generic secret',
};

/** Hash of a message: the same for the same text in every process. */
export function messageHash(schema: DescMessage, message: Message): string {
  const octets = toBinary(schema, message, { writeUnknownFields: false });
  return createHash('sha256').update(schema.typeName).update(octets).digest('hex').slice(0, 32);
}

/** A secret that stands in a context; null when it was refused. `context` is that of its message. */
export function inlineSecretRef<V extends SecretValue>(
  type: Secret['type'],
  context: CompileContext,
): SecretRef<V> | null {
  const secret = Object.assign(create(SecretSchema), { type });
  const isInFiles = namesFile(secret);
  const key = `${isInFiles ? 'files' : 'inline'}:${messageHash(SecretSchema, secret)}`;
  const known = isInFiles ? context.environment.knownSecret(key) : null;
  const initial = known ?? compileSecretType(type, context);
  if (initial === null || context.failed) return null;
  const fault = initial.kind === 'validation' ? validationFault(initial) : null;
  if (fault !== null) {
    context.reject(fault.path, fault.reason);
    return null;
  }
  const source: SecretSource = isInFiles ? { kind: 'files', secret } : { kind: 'inline' };
  return { key, name: '', kind: initial.kind, source, initial: initial as V };
}

/** A secret that is supplied by name; null when its source was refused. */
export function namedSecretRef<V extends SecretValue>(
  message: SdsSecretConfig,
  kind: V['kind'],
  context: CompileContext,
): SecretRef<V> | null {
  const { name, sdsConfig } = message;
  if (sdsConfig === undefined) {
    if (!isKnown(name, kind, context)) return null;
    return { key: `static/${name}`, name, kind, source: { kind: 'static' }, initial: null };
  }
  refuseFederatedName(name, 'name', context);
  const source = compileSource(sdsConfig, context.at('sds_config'));
  if (source === null) return null;
  const from = source.kind === 'path' ? `path:${source.path}` : source.from.key;
  return { key: `${from}/${name}`, name, kind, source, initial: null };
}

function isKnown(name: string, kind: SecretValue['kind'], context: CompileContext): boolean {
  const { secretKinds } = context.environment;
  if (secretKinds === null || secretKinds.get(name) === kind) return true;
  const there = secretKinds.get(name);
  const hint =
    there === undefined
      ? 'static_resources.secrets has none of this name; give sds_config if it comes from elsewhere'
      : `the secret of this name in static_resources.secrets is a ${KIND_NAMES[there]}, not a ${KIND_NAMES[kind]}`;
  context.reject('name', `Unknown ${UNKNOWN[kind]}: ${name}: ${hint}`);
  return false;
}

type NamedSource = Extract<SecretSource, { readonly kind: 'path' | 'xds' }>;

function compileSource(message: ConfigSource, context: CompileContext): NamedSource | null {
  const from = compileConfigSource(message, SECRET_URL, context);
  if (from === null) return null;
  const { fetchTimeoutMs } = from;
  if (from.kind !== 'path') return { kind: 'xds', from, fetchTimeoutMs };
  const { path, directory } = from;
  return { kind: 'path', path, directory, fetchTimeoutMs };
}

/** Some part of it stands in a file. */
function namesFile(part: object): boolean {
  if (ArrayBuffer.isView(part)) return false;
  if ((part as { readonly case?: unknown }).case === 'filename') return true;
  return Object.values(part).some(
    (member: unknown) => typeof member === 'object' && member !== null && namesFile(member),
  );
}
