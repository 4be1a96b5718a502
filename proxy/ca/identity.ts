// Names that certificates are made for, each checked before it is written down.
import { ipVersion, parseIp } from '../base/ip-address.ts';
import { parseSpiffeId, trustDomainError } from '../x509/spiffe-id.ts';

/** A name in a certificate that we make. */
export interface WantedName {
  readonly kind: 'uri' | 'dns' | 'ip';
  readonly value: string;
}

/** A workload of the mesh. */
export interface Workload {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** Istio's own. */
export const DEFAULT_TRUST_DOMAIN = 'cluster.local';
export const DEFAULT_NAMESPACE = 'default';

/** RFC 1123: what Kubernetes takes for namespaces; service accounts may have dots. */
const KUBERNETES_NAME = /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/;
const DNS_LABEL = /^[a-z0-9_](?:[-a-z0-9_]{0,61}[a-z0-9_])?$/i;
const MAX_DNS_CHARS = 253;

/** `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`, as Istio has it. */
export function workloadId(workload: Workload): string | { readonly error: string } {
  const { trustDomain, namespace, serviceAccount } = workload;
  const fault = trustDomainError(trustDomain);
  if (fault !== null) return { error: `trust domain '${trustDomain}': ${fault}` };
  for (const [what, name] of [
    ['namespace', namespace],
    ['service account', serviceAccount],
  ] as const) {
    if (!KUBERNETES_NAME.test(name)) {
      return { error: `${what} '${name}': lower-case letters, digits, '-' and '.' are allowed` };
    }
  }
  return `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
}

/** Why a certificate can't be made for a name; null: it can. */
export function nameFault({ kind, value }: WantedName): string | null {
  if (kind === 'ip') return ipVersion(value) === 0 ? `'${value}' is no IP address` : null;
  if (kind === 'dns') return dnsFault(value);
  const id = parseSpiffeId(value);
  return 'error' in id ? `'${value}' is no SPIFFE id: ${id.error}` : null;
}

/** The octets of an IP address that `nameFault` has nothing against. */
export function ipOctets(value: string): Buffer {
  return Buffer.from(parseIp(value) ?? []);
}

function dnsFault(value: string): string | null {
  const labels = (value.startsWith('*.') ? value.slice(2) : value).split('.');
  const isName = value.length <= MAX_DNS_CHARS && labels.every((label) => DNS_LABEL.test(label));
  return isName ? null : `'${value}' is no name of a host`;
}
