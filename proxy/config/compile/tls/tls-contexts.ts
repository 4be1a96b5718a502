// DownstreamTlsContext and UpstreamTlsContext.
import {
  type DownstreamTlsContext,
  DownstreamTlsContextSchema,
  DownstreamTlsContext_OcspStaplePolicy as OcspPolicy,
  type UpstreamTlsContext,
  UpstreamTlsContextSchema,
} from '../../../api/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js';
import type { CompileContext } from '../../../model/extension.ts';
import type { SecretRef, TicketKeysSecret } from '../../../model/secret.ts';
import type {
  DownstreamTlsConfig,
  UpstreamTlsConfig,
  ValidationConfig,
} from '../../../model/transport-socket.ts';
import { durationMs } from '../field-values.ts';
import { compileCommonTls } from './common-context.ts';
import { inlineSecretRef, messageHash, namedSecretRef } from './secret-refs.ts';

const MS_PER_SECOND = 1000;
/** Envoy UpstreamTlsContext.max_session_keys. */
const DEFAULT_SESSION_KEYS = 1;
const OCSP_POLICIES: Readonly<Record<OcspPolicy, DownstreamTlsConfig['ocspPolicy']>> = {
  [OcspPolicy.LENIENT_STAPLING]: 'lenient',
  [OcspPolicy.STRICT_STAPLING]: 'strict',
  [OcspPolicy.MUST_STAPLE]: 'must-staple',
};
/** The TLS feature of certificates that want a stapled response (RFC 7633). */
const TLS_FEATURE = '1.3.6.1.5.5.7.1.24';

/** TLS of a filter chain; null and rejections when it cannot be used. */
export function compileDownstreamTls(
  message: DownstreamTlsContext,
  context: CompileContext,
): DownstreamTlsConfig | null {
  checkServerCertificates(message, context);
  const fingerprint = messageHash(DownstreamTlsContextSchema, message);
  const side = { message, fingerprint, defaultMaxVersion: 'TLSv1.3' } as const;
  const common = compileCommonTls(side, context);
  const ticketKeys = compileTickets(message, context);
  const timeout = { path: 'session_timeout', value: message.sessionTimeout };
  const timeoutMs = durationMs(context, timeout, null);
  const { case: tickets, value: disabled } = message.sessionTicketKeysType;
  const config: DownstreamTlsConfig = {
    ...common,
    requiresClientCertificate: message.requireClientCertificate ?? false,
    requiresServerName: message.requireSni ?? false,
    ticketKeys,
    resumesStateless: !(tickets === 'disableStatelessSessionResumption' && disabled),
    resumesStateful: !message.disableStatefulSessionResumption,
    sessionTimeoutS: timeoutMs === null ? null : Math.floor(timeoutMs / MS_PER_SECOND),
    ocspPolicy: OCSP_POLICIES[message.ocspStaplePolicy],
    scansAllCertificates: message.fullScanCertsOnSniMismatch ?? false,
    prefersClientCiphers: message.preferClientCiphers,
  };
  if (context.failed) return null;
  checkStaples(config, context.at('common_tls_context'));
  checkClientCertificates(message, config.validation, context);
  return context.failed ? null : config;
}

function checkServerCertificates(message: DownstreamTlsContext, context: CompileContext): void {
  const common = message.commonTlsContext;
  const inline = common?.tlsCertificates.length ?? 0;
  const named = common?.tlsCertificateSdsSecretConfigs.length ?? 0;
  if (inline + named === 0) {
    context.reject('common_tls_context', 'No TLS certificates found for server context');
  }
  if (inline > 0 && named > 0) {
    const reason = 'SDS and non-SDS TLS certificates may not be mixed in server contexts';
    context.reject('common_tls_context', reason);
  }
}

function compileTickets(
  message: DownstreamTlsContext,
  context: CompileContext,
): SecretRef<TicketKeysSecret> | null {
  const { sessionTicketKeysType: choice } = message;
  switch (choice.case) {
    case 'sessionTicketKeys':
      return inlineSecretRef(
        { case: 'sessionTicketKeys', value: choice.value },
        context.at('session_ticket_keys'),
      );
    case 'sessionTicketKeysSdsSecretConfig':
      return namedSecretRef(
        choice.value,
        'ticket-keys',
        context.at('session_ticket_keys_sds_secret_config'),
      );
    default:
      return null;
  }
}

/** Policies of stapling that certificates known by now cannot meet. */
function checkStaples(config: DownstreamTlsConfig, context: CompileContext): void {
  config.certificates.forEach(({ initial }, index) => {
    if (initial === null || initial.ocspStaple !== null) return;
    const at = context.at(`tls_certificates[${index}]`);
    if (initial.chain[0].extensions.has(TLS_FEATURE)) {
      at.reject('ocsp_staple', 'OCSP response is required for must-staple certificate');
    } else if (config.ocspPolicy === 'must-staple') {
      at.reject('ocsp_staple', 'Required OCSP response is missing from TLS context');
    }
  });
}

function checkClientCertificates(
  { requireClientCertificate: required }: DownstreamTlsContext,
  validation: ValidationConfig | null,
  context: CompileContext,
): void {
  if (required === true && validation === null) {
    context.warn(
      'require_client_certificate',
      'any certificate will do, even one that the client made for itself: give validation_context',
    );
  }
  if (required === undefined && validation !== null) {
    context.warn(
      'require_client_certificate',
      'clients without a certificate are accepted: set it to true, or to false if that is meant',
    );
  }
}

/** TLS of a cluster; null and rejections when it cannot be used. */
export function compileUpstreamTls(
  message: UpstreamTlsContext,
  context: CompileContext,
): UpstreamTlsConfig | null {
  checkClient(message, context);
  const fingerprint = messageHash(UpstreamTlsContextSchema, message);
  const side = { message, fingerprint, defaultMaxVersion: 'TLSv1.2' } as const;
  const config: UpstreamTlsConfig = {
    ...compileCommonTls(side, context),
    serverName: message.sni,
    usesHostName: message.autoHostSni,
    verifiesServerName: message.autoSniSanValidation,
    maxSessionKeys: message.maxSessionKeys ?? DEFAULT_SESSION_KEYS,
    enforcesRsaKeyUsage: message.enforceRsaKeyUsage ?? true,
  };
  if (context.failed) return null;
  checkNameValidation(config, context);
  if (config.validation === null) {
    context.warn(
      'common_tls_context',
      'the upstream is not verified, anybody can be it: give validation_context with trusted_ca',
    );
  }
  return context.failed ? null : config;
}

function checkClient(message: UpstreamTlsContext, context: CompileContext): void {
  const common = message.commonTlsContext;
  const inline = common?.tlsCertificates.length ?? 0;
  if (inline + (common?.tlsCertificateSdsSecretConfigs.length ?? 0) > 1) {
    const reason = 'Multiple TLS certificates are not supported for client contexts';
    context.reject('common_tls_context', reason);
  }
  if (message.sni.includes('\0')) {
    context.reject('sni', 'SNI names containing NULL-byte are not allowed');
  }
  if (message.allowRenegotiation) {
    context.reject(
      'allow_renegotiation',
      'renegotiation is not supported, it is a way to attack and gone from TLS 1.3: leave it out',
    );
  }
}

function checkNameValidation(config: UpstreamTlsConfig, context: CompileContext): void {
  if (!config.verifiesServerName) return;
  const { validation } = config;
  if (validation === null) {
    context.reject(
      'auto_sni_san_validation',
      "'auto_sni_san_validation' was configured without a validation context",
    );
    return;
  }
  const known = validation.ref?.initial;
  const hasAuthorities =
    (known?.trustedCaPem ?? validation.base?.trustedCaPem ?? null) !== null ||
    (known ?? validation.base)?.spiffe != null;
  if (hasAuthorities || (validation.ref !== null && validation.ref.initial === null)) return;
  context.reject(
    'auto_sni_san_validation',
    "'auto_sni_san_validation' was configured without configuring a trusted CA",
  );
}
