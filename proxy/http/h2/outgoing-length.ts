// The content-length that a message may leave with: what it promises is kept, or not promised.

import { parseContentLength } from '../content-length.ts';
import type { HeaderList } from '../header-list.ts';
import { HEADER_ID } from '../header-names.ts';

const ID = HEADER_ID['content-length'];

/**
 * What a content-length says: the octets of `own` content, those of an `other` message's (answers
 * to HEAD, 304), or nothing: 1xx, 204 and tunnels have none.
 */
export type LengthMeaning = 'own' | 'other' | 'none';

/**
 * The octets of content that a head promises, -1 for none; takes out what must not be sent.
 * `isHeaderOnly`: nothing follows the head.
 */
export function outgoingLength(
  headers: HeaderList,
  meaning: LengthMeaning,
  isHeaderOnly: boolean,
): number {
  const value = headers.get(ID);
  if (value === null) return -1;
  const length = headers.countKnown(ID) === 1 ? parseContentLength(value) : -1;
  const isVain = isHeaderOnly && meaning === 'own' && length > 0;
  if (length === -1 || meaning === 'none' || isVain) {
    headers.removeKnown(ID);
    return -1;
  }
  return meaning === 'own' ? length : -1;
}
