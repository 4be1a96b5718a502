// core.v3.GrpcService.GoogleGrpc: the address of a server, how it is proved, and what is proved to
// it by metadata. Credentials that only Google's services know are refused.

import { create } from '@bufbuild/protobuf';
import type {
  GrpcService_GoogleGrpc_CallCredentials as CallCredentials,
  GrpcService_GoogleGrpc_ChannelArgs as ChannelArgs,
  GrpcService_GoogleGrpc as GoogleGrpc,
  GrpcService_GoogleGrpc_SslCredentials as SslCredentials,
} from '../../api/gen/envoy/config/core/v3/grpc_service_pb.js';
import {
  type FileBasedMetadataConfig,
  FileBasedMetadataConfigSchema,
} from '../../api/gen/envoy/config/grpc_credential/v3/file_based_metadata_pb.js';
import {
  CertificateValidationContext_SystemRootCertsSchema,
  CertificateValidationContextSchema,
  TlsCertificateSchema,
} from '../../api/gen/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
import { apiRegistry } from '../../api/registry.ts';
import { ipVersion } from '../../base/ip-address.ts';
import type { CompileContext } from '../../model/extension.ts';
import type { CallCredential, GoogleGrpcConfig, GoogleTlsConfig } from '../../model/google-grpc.ts';
import { openAny } from '../schema/open-any.ts';
import { readDataSource } from './data-source.ts';
import { compileCertificateSecret } from './tls/certificate-secret.ts';
import { compileTlsParameters } from './tls/tls-parameters.ts';
import { compileValidationSecret } from './tls/validation-secret.ts';

const DEFAULT_FACTORY = 'envoy.grpc_credentials.default';
const FILE_FACTORY = 'envoy.grpc_credentials.file_based_metadata';
const TCP_TARGET = /^(?:dns:(?:\/\/\/)?|ipv4:|ipv6:)?(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/;
const UNIX_TARGET = /^unix:(?:\/\/(?=\/))?(.+)$/;
const HTTPS_PORT = 443;
const METADATA_KEY = /^[0-9a-z_.-]+$/;

/** Numbers and texts of gRPC's core that mean something here. */
interface KnownArgs {
  authority: string;
  serverName: string;
  keepaliveMs: number | null;
  keepaliveTimeoutMs: number | null;
  maxResponseBytes: number | null;
}

/** null and rejections: it cannot be used. Files are read, now and whenever it is called. */
export function compileGoogleGrpc(
  message: GoogleGrpc,
  context: CompileContext,
): GoogleGrpcConfig | null {
  const target = targetOf(message.targetUri);
  if (target === null) {
    const rule = 'use host:port, dns:///host:port, ipv4:ip:port, ipv6:[ip]:port or unix:path';
    context.reject('target_uri', `'${message.targetUri}' cannot be resolved: ${rule}`);
    return null;
  }
  const args = argsOf(message.channelArgs, context.at('channel_args.args'));
  const host = target.kind === 'tcp' ? target.host : 'localhost';
  const serverName = args.serverName === '' ? host : args.serverName;
  const channel = message.channelCredentials?.credentialSpecifier;
  const at = context.at('channel_credentials');
  let tls: GoogleTlsConfig | null = null;
  if (channel?.case === 'sslCredentials') {
    tls = tlsOf(channel.value, serverName, at.at('ssl_credentials'));
  } else if (channel?.case === 'googleDefault') {
    at.reject('google_default', 'is not supported: say ssl_credentials');
  } else if (channel?.case === 'localCredentials' && target.kind !== 'unix') {
    at.reject('local_credentials', 'are for unix: targets: say ssl_credentials, or nothing at all');
  }
  const credentials = credentialsOf(message, context);
  if (credentials.length > 0 && tls === null && target.kind !== 'unix') {
    const rule = 'are sent over TLS or to a unix: target only: give channel_credentials';
    context.reject('call_credentials', rule);
  }
  if (context.failed) return null;
  const { keepaliveMs, keepaliveTimeoutMs, maxResponseBytes } = args;
  return {
    ...{ target, targetUri: message.targetUri, statPrefix: message.statPrefix, tls, credentials },
    authority: args.authority === '' ? authorityOf(target) : args.authority,
    ...{ keepaliveMs, keepaliveTimeoutMs, maxResponseBytes },
  };
}

function targetOf(uri: string): GoogleGrpcConfig['target'] | null {
  const path = UNIX_TARGET.exec(uri)?.[1];
  if (path !== undefined) return { kind: 'unix', path };
  const [, host, digits] = TCP_TARGET.exec(uri) ?? [];
  const port = digits === undefined ? HTTPS_PORT : Number(digits);
  if (host === undefined || port === 0 || port > 65_535) return null;
  const bare = host.startsWith('[') ? host.slice(1, -1) : host;
  const isSound = host.startsWith('[') ? ipVersion(bare) === 6 : !uri.startsWith('ipv6:');
  return isSound && !(uri.startsWith('ipv4:') && ipVersion(bare) !== 4)
    ? { kind: 'tcp', host: bare, port }
    : null;
}

function authorityOf(target: GoogleGrpcConfig['target']): string {
  if (target.kind === 'unix') return 'localhost';
  const { host, port } = target;
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function tlsOf(
  { certChain, privateKey, rootCerts }: SslCredentials,
  expectedName: string,
  context: CompileContext,
): GoogleTlsConfig | null {
  const trusted =
    rootCerts === undefined
      ? { systemRootCerts: create(CertificateValidationContext_SystemRootCertsSchema) }
      : { trustedCa: rootCerts };
  const validation = compileValidationSecret(
    create(CertificateValidationContextSchema, trusted),
    context.at('root_certs'),
  );
  const own = create(TlsCertificateSchema, {
    ...(certChain === undefined ? {} : { certificateChain: certChain }),
    ...(privateKey === undefined ? {} : { privateKey }),
  });
  const hasOwn = certChain !== undefined || privateKey !== undefined;
  const certificate = hasOwn ? compileCertificateSecret(own, context) : null;
  const parameters = compileTlsParameters(undefined, 'TLSv1.3', context);
  if (validation === null || context.failed) return null;
  return { parameters, validation, certificate, expectedName };
}

function credentialsOf(message: GoogleGrpc, context: CompileContext): readonly CallCredential[] {
  const { callCredentials, credentialsFactoryName: factory } = message;
  if (factory !== '' && factory !== DEFAULT_FACTORY && factory !== FILE_FACTORY) {
    const rule = `is not supported: use ${DEFAULT_FACTORY} or ${FILE_FACTORY}`;
    context.reject('credentials_factory_name', `${factory} ${rule}`);
  }
  return callCredentials.flatMap((each, index) =>
    credentialOf(each, factory === FILE_FACTORY, context.at(`call_credentials[${index}]`)),
  );
}

function credentialOf(
  { credentialSpecifier: choice }: CallCredentials,
  hasFiles: boolean,
  context: CompileContext,
): readonly CallCredential[] {
  switch (choice.case) {
    case 'accessToken': {
      const secret = { kind: 'text', text: choice.value } as const;
      return [{ key: 'authorization', prefix: 'Bearer ', secret }];
    }
    case 'googleIam': {
      const { authorizationToken, authoritySelector } = choice.value;
      const item = (key: string, text: string) =>
        ({ key, prefix: '', secret: { kind: 'text', text } }) as const;
      return [
        item('x-goog-iam-authorization-token', authorizationToken),
        item('x-goog-iam-authority-selector', authoritySelector),
      ];
    }
    case 'fromPlugin': {
      const { configType, name } = choice.value;
      const at = context.at('from_plugin');
      if (name !== FILE_FACTORY) {
        at.reject('name', `${name} is not supported: use ${FILE_FACTORY}`);
        return [];
      }
      if (!hasFiles) {
        at.reject('', `has no effect unless credentials_factory_name is ${FILE_FACTORY}`);
        return [];
      }
      const opened = configType.value === undefined ? null : openAny(configType.value, apiRegistry);
      if (opened?.schema.typeName !== FileBasedMetadataConfigSchema.typeName) {
        at.reject('typed_config', `must be a ${FileBasedMetadataConfigSchema.typeName}`);
        return [];
      }
      return fromFile(opened.message as FileBasedMetadataConfig, at.at('typed_config'));
    }
    default: {
      const field = (choice.case ?? '').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      const rule = 'is not supported: use access_token, google_iam, or from_plugin with a file';
      context.reject(field, rule);
      return [];
    }
  }
}

function fromFile(
  { headerKey, headerPrefix: prefix, secretData }: FileBasedMetadataConfig,
  context: CompileContext,
): readonly CallCredential[] {
  const key = headerKey === '' ? 'authorization' : headerKey.toLowerCase();
  if (!METADATA_KEY.test(key) || key.endsWith('-bin')) {
    context.reject('header_key', `'${headerKey}' is no key of metadata in text form`);
  }
  const choice = secretData?.specifier;
  // It need not be there yet.
  if (choice?.case === 'filename') {
    return [{ key, prefix, secret: { kind: 'file', path: choice.value } }];
  }
  const text = readDataSource(secretData, context.at('secret_data'));
  return text === null ? [] : [{ key, prefix, secret: { kind: 'text', text: text.trim() } }];
}

function argsOf(message: ChannelArgs | undefined, context: CompileContext): KnownArgs {
  const args: KnownArgs = {
    ...{ authority: '', serverName: '', keepaliveMs: null, keepaliveTimeoutMs: null },
    maxResponseBytes: null,
  };
  for (const [name, { valueSpecifier: choice }] of Object.entries(message?.args ?? {})) {
    const at = context.at(`["${name}"]`);
    const text = choice.case === 'stringValue' ? choice.value : null;
    const number = choice.case === 'intValue' ? Number(choice.value) : null;
    if (!setArg(args, name, { text, number })) {
      const known = [...TEXT_ARGS.keys(), ...NUMBER_ARGS.keys()].join(', ');
      at.reject('', `is not supported, or its value is of another kind: known are ${known}`);
    }
  }
  return args;
}

const TEXT_ARGS: ReadonlyMap<string, 'authority' | 'serverName'> = new Map([
  ['grpc.default_authority', 'authority'],
  ['grpc.ssl_target_name_override', 'serverName'],
]);
const NUMBER_ARGS: ReadonlyMap<string, 'keepaliveMs' | 'keepaliveTimeoutMs' | 'maxResponseBytes'> =
  new Map([
    ['grpc.keepalive_time_ms', 'keepaliveMs'],
    ['grpc.keepalive_timeout_ms', 'keepaliveTimeoutMs'],
    ['grpc.max_receive_message_length', 'maxResponseBytes'],
  ]);

/** False: it is not known. */
function setArg(
  args: KnownArgs,
  name: string,
  { text, number }: { readonly text: string | null; readonly number: number | null },
): boolean {
  const textArg = TEXT_ARGS.get(name);
  if (textArg !== undefined && text !== null) {
    args[textArg] = text;
    return true;
  }
  const numberArg = NUMBER_ARGS.get(name);
  if (numberArg === undefined || number === null || number <= 0) return false;
  args[numberArg] = number;
  return true;
}
