// The TLS contexts that serve, with the secrets they hold now: for `/certs` and for gauges of when
// certificates expire.
import type { Secret } from '../../api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import type { ClusterConfig } from '../../model/cluster.ts';
import type { ListenerConfig } from '../../model/listener.ts';
import type { CertificateSecret, SecretRef, ValidationSecret } from '../../model/secret.ts';
import type { CommonTlsConfig } from '../../model/transport-socket.ts';
import type { Configuration } from '../configuration.ts';
import { contextsOfCluster, contextsOfListener } from './secret-refs.ts';

/** A secret with the message that names its files, null where it came without. */
export interface HeldSecret<V> {
  /** '' for one that stands in the context itself. */
  readonly name: string;
  readonly value: V;
  readonly document: Secret | null;
}

/** One context of a listener or cluster. */
export interface ContextInUse {
  /** `listener.<address>.ssl` or `cluster.<name>.ssl` */
  readonly statPrefix: string;
  readonly certificates: readonly HeldSecret<CertificateSecret>[];
  /** What it judges peers by; null: it does not, or nothing is known yet. */
  readonly validation: HeldSecret<ValidationSecret> | null;
}

/** Every context of what serves. */
export function contextsInUse(configuration: Configuration): readonly ContextInUse[] {
  const { store } = configuration;
  const compiler = configuration.compiler();
  const listeners = store.ofKind('listener').flatMap(({ resource }) => {
    const config = compiler.listener(resource).config as ListenerConfig;
    const statPrefix = `listener.${config.statPrefix}.ssl`;
    return contextsOfListener(config).map((tls) => ({ statPrefix, tls }));
  });
  const clusters = store.ofKind('cluster').flatMap(({ resource }) => {
    const config = compiler.cluster(resource).config as ClusterConfig;
    const statPrefix = `cluster.${config.observabilityName}.ssl`;
    return contextsOfCluster(config).map((tls) => ({ statPrefix, tls }));
  });
  return [...listeners, ...clusters].map(({ statPrefix, tls }) => ({
    statPrefix,
    certificates: tls.certificates.flatMap((ref) => held(configuration, ref) ?? []),
    validation: validationOf(configuration, tls),
  }));
}

function validationOf(
  configuration: Configuration,
  { validation }: CommonTlsConfig,
): HeldSecret<ValidationSecret> | null {
  if (validation === null) return null;
  const supplied = validation.ref === null ? null : held(configuration, validation.ref);
  const hasOwn = supplied !== null && supplied.value.trustedCas.length > 0;
  if (hasOwn || validation.base === null) return supplied;
  return { name: '', value: validation.base, document: null };
}

function held<V extends CertificateSecret | ValidationSecret>(
  configuration: Configuration,
  { key, name, source, initial }: SecretRef<V>,
): HeldSecret<V> | null {
  const value = (configuration.secretValue(key) as V | null) ?? initial;
  if (value === null) return null;
  if (source.kind === 'files') return { name, value, document: source.secret as Secret };
  return {
    name,
    value,
    document: source.kind === 'static' ? configuration.staticSecret(name) : null,
  };
}
