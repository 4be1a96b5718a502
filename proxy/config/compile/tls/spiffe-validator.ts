// envoy.tls.cert_validator.spiffe: authorities for each trust domain.
import type { TypedExtensionConfig } from '../../../api/gen/envoy/config/core/v3/extension_pb.js';
import {
  type SPIFFECertValidatorConfig,
  SPIFFECertValidatorConfigSchema,
} from '../../../api/gen/envoy/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config_pb.js';
import type { CompileContext } from '../../../model/extension.ts';
import type { SpiffeValidatorConfig } from '../../../model/secret.ts';
import type { Certificate } from '../../../x509/certificate.ts';
import { typeIn } from '../../schema/open-any.ts';
import { unpack } from '../extension-lookup.ts';
import { readPemCertificates } from './pem-text.ts';
import { readSecretBytes, sourceName } from './secret-bytes.ts';
import { readSpiffeBundles } from './spiffe-bundles.ts';

/** null: there is none; undefined: it was refused. */
export function compileCustomValidator(
  message: TypedExtensionConfig | undefined,
  context: CompileContext,
): SpiffeValidatorConfig | null | undefined {
  if (message === undefined) return null;
  const at = context.at('custom_validator_config');
  const any = message.typedConfig;
  const typeName = typeIn(any);
  if (any === undefined || typeName !== SPIFFECertValidatorConfigSchema.typeName) {
    at.reject(
      'typed_config',
      `Didn't find a registered implementation for '${message.name}' with type URL: '${typeName}': the only validator besides the default one is envoy.tls.cert_validator.spiffe`,
    );
    return undefined;
  }
  const config = unpack(any, at, 'typed_config');
  if (config === null) return undefined;
  return compileSpiffe(config as SPIFFECertValidatorConfig, at.at('typed_config'));
}

function compileSpiffe(
  message: SPIFFECertValidatorConfig,
  context: CompileContext,
): SpiffeValidatorConfig | undefined {
  const { trustBundles } = message;
  if (trustBundles === undefined) {
    if (message.trustDomains.length === 0) {
      context.reject('', 'trust_domains or trust_bundles is required: nobody would be trusted');
      return undefined;
    }
    return compileDomains(message, context);
  }
  if (message.trustDomains.length > 0) {
    context.reject('trust_bundles', 'only one of trust_domains and trust_bundles may be given');
    return undefined;
  }
  const at = context.at('trust_bundles');
  const bytes = readSecretBytes(trustBundles, at);
  if (bytes === null) return undefined;
  const read = readSpiffeBundles(bytes.toString('utf8'));
  if ('error' in read) {
    at.reject('', read.error);
    return undefined;
  }
  return { trustDomains: read.trustDomains };
}

function compileDomains(
  message: SPIFFECertValidatorConfig,
  context: CompileContext,
): SpiffeValidatorConfig | undefined {
  const trustDomains = new Map<string, readonly Certificate[]>();
  const names = new Set<string>();
  message.trustDomains.forEach(({ name, trustBundle }, index) => {
    const at = context.at(`trust_domains[${index}]`);
    if (names.has(name)) {
      at.reject('name', `Multiple trust bundles are given for one trust domain for ${name}`);
    }
    names.add(name);
    const bytes = readSecretBytes(trustBundle, at.at('trust_bundle'));
    if (bytes === null) return;
    const read = readPemCertificates(bytes);
    if (read.ok) {
      trustDomains.set(name, read.certificates);
      return;
    }
    const failure = `Failed to load trusted CA certificate for ${name}`;
    at.reject('trust_bundle', `${failure} from ${sourceName(trustBundle)}: ${read.reason}`);
  });
  return context.failed ? undefined : { trustDomains };
}
