// How a session is carried between client and proxy: each kind finds the host's address in a
// request, and puts it into a response.
import type { HeaderList } from '../../../http/header-list.ts';
import type { RequestHead } from '../../../http/message.ts';

/** One configured kind; it holds nothing of a request. */
export interface SessionState {
  /** False: requests like this belong to no session. */
  appliesTo(head: RequestHead): boolean;
  /** `ip:port` that the client brought; null: nothing that is valid. May take it off the request. */
  addressIn(head: RequestHead, wallMs: number): string | null;
  /** Tells the client of the host that answered. `isNew`: not the one that the client named. */
  tell(headers: HeaderList, host: { readonly address: string; readonly isNew: boolean }): void;
}

/** The text that base64 with padding stands for (RFC 4648 §4); null: it is not that, or empty. */
export function decodeBase64(text: string): Buffer | null {
  if (text.length === 0 || text.length % 4 !== 0) return null;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return null;
  return Buffer.from(text, 'base64');
}

/** base64 of a text of octets. */
export function encodeBase64(text: string): string {
  return Buffer.from(text, 'latin1').toString('base64');
}
