// Sessions that a client may resume: by the server's address and the name that was asked for, so that
// nobody's session is ever offered to somebody else.
import type { Certificate } from '../x509/certificate.ts';

/** Servers whose sessions are kept; the one that was not connected to the longest is forgotten. */
const MAX_SERVERS = 1024;

/** A session, and who the server was when it began: what is resumed shows no certificates. */
export interface KeptSession {
  readonly session: Buffer;
  readonly peerChain: readonly Certificate[];
  /** Key exchange group, of which a resumed handshake of TLS 1.2 knows nothing. */
  readonly group: string;
}

/** Of one version of one context. */
export class ClientSessions {
  readonly #maxPerServer: number;
  readonly #kept = new Map<string, KeptSession[]>();

  /** 0: none are kept. */
  constructor(maxPerServer: number) {
    this.#maxPerServer = maxPerServer;
  }

  get isWanted(): boolean {
    return this.#maxPerServer > 0;
  }

  add(server: string, session: KeptSession): void {
    if (!this.isWanted) return;
    const sessions = this.#kept.get(server) ?? [];
    this.#kept.delete(server);
    this.#kept.set(server, sessions);
    sessions.push(session);
    if (sessions.length > this.#maxPerServer) sessions.shift();
    if (this.#kept.size <= MAX_SERVERS) return;
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined) this.#kept.delete(oldest);
  }

  /** The newest one; null: there is none. */
  find(server: string): KeptSession | null {
    return this.#kept.get(server)?.at(-1) ?? null;
  }

  /** RFC 8446 §C.4: a ticket of TLS 1.3 is shown once, so that connections are not told apart by it. */
  forget(server: string, session: KeptSession): void {
    const sessions = this.#kept.get(server);
    const index = sessions?.indexOf(session) ?? -1;
    if (index >= 0) sessions?.splice(index, 1);
  }
}
