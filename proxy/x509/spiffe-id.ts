// SPIFFE ids (SPIFFE-ID §2): who a workload is. Compared octet by octet, so nothing is normalized:
// what is not in its one canonical form is no id.

/** `spiffe://<trustDomain><path>` */
export interface SpiffeId {
  readonly trustDomain: string;
  /** With its slash in front; '' for the id of the trust domain itself. */
  readonly path: string;
}

const SCHEME = 'spiffe://';
const MAX_ID_BYTES = 2048;
const MAX_TRUST_DOMAIN_BYTES = 255;
/** Neither an `@`, a `:`, a `%` nor an upper-case letter. */
const TRUST_DOMAIN = /^[a-z0-9._-]+$/;
/** Neither a `?`, a `#` nor a `%`. */
const SEGMENT = /^[A-Za-z0-9._-]+$/;

/** Reads an id, or says what it has that no id may have. */
export function parseSpiffeId(text: string): SpiffeId | { readonly error: string } {
  if (text.length > MAX_ID_BYTES) return { error: `longer than ${MAX_ID_BYTES} octets` };
  if (!text.startsWith(SCHEME)) return { error: 'does not start with spiffe://' };
  const slash = text.indexOf('/', SCHEME.length);
  const end = slash < 0 ? text.length : slash;
  const trustDomain = text.slice(SCHEME.length, end);
  const path = text.slice(end);
  const error = trustDomainError(trustDomain) ?? pathError(path);
  return error === null ? { trustDomain, path } : { error };
}

/** Why a text is no name of a trust domain; null: it is one. */
export function trustDomainError(name: string): string | null {
  if (name === '') return 'no trust domain';
  if (name.length > MAX_TRUST_DOMAIN_BYTES) {
    return `trust domain longer than ${MAX_TRUST_DOMAIN_BYTES} octets`;
  }
  if (TRUST_DOMAIN.test(name)) return null;
  return 'trust domain of other characters than a-z, 0-9, ".", "-", "_"';
}

function pathError(path: string): string | null {
  if (path === '') return null;
  for (const segment of path.slice(1).split('/')) {
    if (segment === '') return 'empty path segment';
    if (segment === '.' || segment === '..') return 'relative path segment';
    if (!SEGMENT.test(segment)) {
      return 'path of other characters than letters, digits, ".", "-", "_"';
    }
  }
  return null;
}
