// URLs as a Location field names them: scheme, authority, path.
import { isAuthority } from './authority.ts';

const SCHEME_END = '://';
const VISIBLE = /^[\x21-\x7e]+$/;
const AUTHORITY_END = /[/?#]/;

/** An http or https URL. */
export interface AbsoluteUrl {
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  /** With its query, never empty; without the fragment. */
  readonly path: string;
}

/** null: it is relative, of another scheme, or its authority could not be sent. */
export function parseAbsoluteUrl(text: string): AbsoluteUrl | null {
  const schemeEnd = text.indexOf(SCHEME_END);
  if (schemeEnd === -1 || !VISIBLE.test(text)) return null;
  const scheme = text.slice(0, schemeEnd).toLowerCase();
  if (scheme !== 'http' && scheme !== 'https') return null;
  const rest = text.slice(schemeEnd + SCHEME_END.length);
  const end = rest.search(AUTHORITY_END);
  const authority = end === -1 ? rest : rest.slice(0, end);
  const bytes = Buffer.from(authority, 'latin1');
  if (!isAuthority(bytes, 0, bytes.length)) return null;
  const target = end === -1 ? '' : (rest.slice(end).split('#', 1)[0] ?? '');
  return { scheme, authority, path: target.startsWith('/') ? target : `/${target}` };
}
