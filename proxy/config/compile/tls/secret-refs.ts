// References to secrets: what stands in a context itself, by its hash, and what is asked for by name.
import { createHash } from 'node:crypto';
import { create, type DescMessage, type Message, toBinary } from '@bufbuild/protobuf';
import {
  ApiConfigSource_ApiType as ApiType,
  type ConfigSource,
} from '../../../api/gen/envoy/config/core/v3/config_source_pb.js';
import {
  type SdsSecretConfig,
  type Secret,
  SecretSchema,
} from '../../../api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import type { CompileContext } from '../../../model/extension.ts';
import type { SecretRef, SecretSource, SecretValue } from '../../../model/secret.ts';
import { durationMs } from '../field-values.ts';
import { compileSecretType } from './secret.ts';
import { validationFault } from './validation-secret.ts';

/** Envoy core.v3.ConfigSource.initial_fetch_timeout: waiting longer keeps listeners closed. */
const DEFAULT_FETCH_TIMEOUT_MS = 15_000;

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
  const source = compileSource(sdsConfig, context.at('sds_config'));
  if (source === null) return null;
  const from = source.kind === 'path' ? `path:${source.path}` : source.server;
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
  const timeout = { path: 'initial_fetch_timeout', value: message.initialFetchTimeout };
  const fetchTimeoutMs = durationMs(context, timeout, DEFAULT_FETCH_TIMEOUT_MS);
  const { configSourceSpecifier: choice } = message;
  switch (choice.case) {
    case 'path':
      return { kind: 'path', path: choice.value, directory: '', fetchTimeoutMs };
    case 'pathConfigSource': {
      const directory = choice.value.watchedDirectory?.path ?? '';
      return { kind: 'path', path: choice.value.path, directory, fetchTimeoutMs };
    }
    case 'ads':
      return { kind: 'xds', server: 'ads', fetchTimeoutMs };
    case 'apiConfigSource': {
      const { apiType, grpcServices, clusterNames } = choice.value;
      if (apiType === ApiType.REST) {
        context.reject('api_config_source.api_type', 'REST is not supported: use GRPC');
        return null;
      }
      const target = grpcServices[0]?.targetSpecifier;
      const server = target?.case === 'envoyGrpc' ? target.value.clusterName : clusterNames[0];
      if (server !== undefined) return { kind: 'xds', server, fetchTimeoutMs };
      context.reject('api_config_source.grpc_services', 'must name a cluster by envoy_grpc');
      return null;
    }
    default:
      context.reject('', 'must be path_config_source, ads or api_config_source');
      return null;
  }
}

/** Some part of it stands in a file. */
function namesFile(part: object): boolean {
  if (ArrayBuffer.isView(part)) return false;
  if ((part as { readonly case?: unknown }).case === 'filename') return true;
  return Object.values(part).some(
    (member: unknown) => typeof member === 'object' && member !== null && namesFile(member),
  );
}
