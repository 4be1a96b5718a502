// CommonTlsContext: what both sides of TLS have in common.
import type {
  CommonTlsContext,
  DownstreamTlsContext,
  UpstreamTlsContext,
} from '../../../api/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js';
import type { CompileContext } from '../../../model/extension.ts';
import type { CertificateSecret, SecretRef, ValidationSecret } from '../../../model/secret.ts';
import type {
  CommonTlsConfig,
  TlsVersion,
  ValidationConfig,
} from '../../../model/transport-socket.ts';
import { inlineSecretRef, namedSecretRef } from './secret-refs.ts';
import { compileTlsParameters } from './tls-parameters.ts';
import { compileValidationSecret } from './validation-secret.ts';

/** Length of a protocol's name: RFC 7301 §3.1. */
const MAX_PROTOCOL_OCTETS = 255;

/** What the side of a context decides. */
export interface ContextSide {
  readonly message: DownstreamTlsContext | UpstreamTlsContext;
  /** See CommonTlsConfig. */
  readonly fingerprint: string;
  readonly defaultMaxVersion: TlsVersion;
}

/** Problems are found below `common_tls_context`; what was refused is left out. */
export function compileCommonTls(side: ContextSide, outer: CompileContext): CommonTlsConfig {
  const message = side.message.commonTlsContext;
  const context = outer.at('common_tls_context');
  return {
    fingerprint: side.fingerprint,
    ...compileTlsParameters(message?.tlsParams, side.defaultMaxVersion, context.at('tls_params')),
    certificates: message === undefined ? [] : compileCertificates(message, context),
    validation: message === undefined ? null : compileValidation(message, context),
    applicationProtocols: compileProtocols(message?.alpnProtocols ?? [], context),
    keyLogPath: message?.keyLog?.path ?? null,
  };
}

function compileCertificates(
  message: CommonTlsContext,
  context: CompileContext,
): readonly SecretRef<CertificateSecret>[] {
  const inline = message.tlsCertificates.map((certificate, index) =>
    inlineSecretRef<CertificateSecret>(
      { case: 'tlsCertificate', value: certificate },
      context.at(`tls_certificates[${index}]`),
    ),
  );
  const named = message.tlsCertificateSdsSecretConfigs.map((config, index) =>
    namedSecretRef<CertificateSecret>(
      config,
      'certificate',
      context.at(`tls_certificate_sds_secret_configs[${index}]`),
    ),
  );
  return [...inline, ...named].filter((ref) => ref !== null);
}

function compileValidation(
  message: CommonTlsContext,
  context: CompileContext,
): ValidationConfig | null {
  const { validationContextType: choice } = message;
  switch (choice.case) {
    case 'validationContext': {
      const type = { case: 'validationContext', value: choice.value } as const;
      const ref = inlineSecretRef<ValidationSecret>(type, context.at('validation_context'));
      return { ref, base: null };
    }
    case 'validationContextSdsSecretConfig': {
      const at = context.at('validation_context_sds_secret_config');
      return { ref: namedSecretRef(choice.value, 'validation', at), base: null };
    }
    case 'combinedValidationContext': {
      const at = context.at('combined_validation_context');
      const { defaultValidationContext, validationContextSdsSecretConfig } = choice.value;
      if (!defaultValidationContext || !validationContextSdsSecretConfig) return null;
      return {
        ref: namedSecretRef(
          validationContextSdsSecretConfig,
          'validation',
          at.at('validation_context_sds_secret_config'),
        ),
        base: compileValidationSecret(
          defaultValidationContext,
          at.at('default_validation_context'),
        ),
      };
    }
    default:
      return null;
  }
}

/** Envoy joins the names with a comma, and splits the whole. */
function compileProtocols(written: readonly string[], context: CompileContext): readonly string[] {
  const names = written.length === 0 ? [] : written.join(',').split(',');
  const isWrong = names.some((name) => {
    const octets = Buffer.byteLength(name);
    return octets === 0 || octets > MAX_PROTOCOL_OCTETS;
  });
  if (isWrong) {
    context.reject('alpn_protocols', 'Invalid ALPN protocol string: names have 1 to 255 octets');
  }
  return names;
}
