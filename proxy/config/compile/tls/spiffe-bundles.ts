// A map of SPIFFE bundles in JSON (SPIFFE Trust Domain and Bundle §4): authorities by trust domain.
import type { Certificate } from '../../../x509/certificate.ts';
import { parseCertificate } from '../../../x509/parse-certificate.ts';

/** Authorities by trust domain, or why there are none. */
export type ReadBundles =
  | { readonly trustDomains: ReadonlyMap<string, readonly Certificate[]> }
  | { readonly error: string };

/** Reads the text of a map of bundles. */
export function readSpiffeBundles(text: string): ReadBundles {
  const bundles = membersOf(membersOf(parseJson(text))?.['trust_domains']);
  if (bundles === null) return { error: 'Invalid JSON found in SPIFFE bundle' };
  const trustDomains = new Map<string, readonly Certificate[]>();
  for (const [domain, bundle] of Object.entries(bundles)) {
    const authorities = readBundle(domain, membersOf(bundle)?.['keys']);
    if ('error' in authorities) return authorities;
    trustDomains.set(domain, authorities);
  }
  if (trustDomains.size > 0) return { trustDomains };
  return { error: 'No trust domains found in SPIFFE bundle' };
}

function readBundle(
  domain: string,
  keys: unknown,
): readonly Certificate[] | { readonly error: string } {
  const found: Certificate[] = [];
  for (const key of Array.isArray(keys) ? (keys as readonly unknown[]) : []) {
    const members = membersOf(key);
    // Others are keys of tokens.
    if (members?.['use'] !== 'x509-svid') continue;
    const chain: unknown = members['x5c'];
    for (const base64 of Array.isArray(chain) ? (chain as readonly unknown[]) : []) {
      const certificate = parseCertificate(Buffer.from(String(base64), 'base64'));
      if ('error' in certificate) {
        const failure = `Invalid x509 object in certs for domain '${domain}'`;
        return { error: `${failure}: ${certificate.error}` };
      }
      found.push(certificate);
    }
  }
  return found.length > 0
    ? found
    : { error: `No keys found in SPIFFE bundle for domain '${domain}'` };
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  return value as Readonly<Record<string, unknown>>;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The caller says that it is no JSON.
    return null;
  }
}
