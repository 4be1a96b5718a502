// Why a request goes no further than the connection manager.
import type { LocalReply } from '../../http-filter.ts';

/** What the client is told, and what becomes of its connection. */
export interface Refusal {
  readonly reply: LocalReply;
  readonly closesConnection: boolean;
}
