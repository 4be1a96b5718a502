// Comma-separated lists of tokens, such as Connection is (RFC 9110 §5.6.1).
import type { HeaderList } from './header-list.ts';
import { HEADER_NAME, type HeaderId } from './header-names.ts';

/** True when any line of a known field lists `token` (lower case), in any case. */
export function hasToken(headers: HeaderList, id: HeaderId, token: string): boolean {
  const first = headers.get(id);
  if (first === null) return false;
  if (listsToken(first, token)) return true;
  if (headers.countKnown(id) === 1) return false;
  return headers.values(HEADER_NAME[id] as string).some((value) => listsToken(value, token));
}

function listsToken(list: string, token: string): boolean {
  if (list.length === token.length) return list.toLowerCase() === token;
  if (list.length < token.length || !list.includes(',')) return false;
  return list.split(',').some((part) => part.trim().toLowerCase() === token);
}
