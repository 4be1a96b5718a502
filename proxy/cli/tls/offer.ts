// What a server offers, found out by several handshakes.
import {
  PROBE_VERSIONS,
  type ProbeFacts,
  type ProbeTarget,
  type ProbeVersion,
  probe,
} from './probe.ts';

/** How one version went. */
export interface VersionOffer {
  readonly version: ProbeVersion;
  /** null: it is not offered, for `error`. */
  readonly facts: ProbeFacts | null;
  readonly error: string;
}

/** How the server takes clients without a certificate. */
export type ClientCertificates = 'not asked for' | 'asked for, not demanded' | 'demanded';

/** All of it. */
export interface Offer {
  /** The best handshake. */
  readonly best: ProbeFacts;
  readonly versions: readonly VersionOffer[];
  /** Protocols that ALPN chose when they were offered alone. */
  readonly protocols: readonly string[];
  readonly clientCertificates: ClientCertificates;
  /** Why the server refuses the certificate that we show; '' : it does not. */
  readonly refusal: string;
}

/** Those that browsers and meshes offer. */
const PROTOCOLS = ['istio-peer-exchange', 'istio', 'h2', 'http/1.1'];

/** null and the reason: there was no handshake at all. */
export async function findOffer(
  target: ProbeTarget,
): Promise<{ readonly offer: Offer } | { readonly error: string }> {
  const [newest, ...older] = PROBE_VERSIONS;
  const first = await probe(target, { version: newest, protocols: [], lingers: true });
  if (!first.ok && first.isUnreachable) return { error: first.error };
  const others = await Promise.all(
    older.map(async (version) => {
      const lingers = version === 'TLSv1.2' && !first.ok;
      const result = await probe(target, { version, protocols: [], lingers });
      return { version, result };
    }),
  );
  const all = [{ version: newest, result: first }, ...others];
  const versions = all.map(({ version, result }): VersionOffer => {
    if (result.ok) return { version, facts: result, error: '' };
    return { version, facts: null, error: result.error };
  });
  const found = versions.find(({ facts }) => facts !== null);
  const best = found?.facts ?? null;
  if (found === undefined || best === null) return { error: reasonOf(versions) };
  const clientCertificates = await demandOf(target, found.version, best);
  const protocols = await protocolsOf(target, found.version);
  // Without one of our own the refusal says what is demanded.
  const refusal = target.own === null ? '' : best.refusal;
  return { offer: { best, versions, protocols, clientCertificates, refusal } };
}

async function demandOf(
  target: ProbeTarget,
  version: ProbeVersion,
  best: ProbeFacts,
): Promise<ClientCertificates> {
  if (!best.asksForCertificate) return 'not asked for';
  const bare =
    target.own === null
      ? best
      : await probe({ ...target, own: null }, { version, protocols: [], lingers: true });
  return bare.ok && bare.refusal === '' ? 'asked for, not demanded' : 'demanded';
}

async function protocolsOf(target: ProbeTarget, version: ProbeVersion): Promise<readonly string[]> {
  const results = await Promise.all(
    PROTOCOLS.map((protocol) => probe(target, { version, protocols: [protocol], lingers: false })),
  );
  return PROTOCOLS.filter((protocol, index) => {
    const result = results[index];
    return result?.ok === true && result.protocol === protocol;
  });
}

/** Of TLS 1.2 and 1.3: older ones fail for other reasons. */
function reasonOf(versions: readonly VersionOffer[]): string {
  const errors = versions.slice(0, 2).map(({ version, error }) => `${version}: ${error}`);
  return `no handshake: ${errors.join('; ')}`;
}
