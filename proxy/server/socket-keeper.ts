// Holds every listening socket in the primary: while workers die and are replaced no port refuses,
// connections wait in its queue, and port 0 stays the same port. It is what the next version of the
// program takes over.
import { PIPE_PORT } from '../base/address.ts';
import { systemErrorText } from '../base/system-error.ts';
import {
  type Bound,
  type BoundHandle,
  bindPipe,
  bindTcp,
  canBindAhead,
  removePipe,
} from '../net/bound-handle.ts';
import type { ListenHandle } from '../net/socket-source.ts';

/** The answer to who wants to listen. */
export type OpenedSocket = { readonly handle: ListenHandle | null } | { readonly error: string };

/**
 * The primary's sockets, by who asked for them and the address. Forked workers get copies of what
 * is kept here; a worker in the same process gets the handle itself (`isLending`), and closes it.
 */
export class SocketKeeper {
  readonly #isLending: boolean;
  readonly #handles = new Map<string, BoundHandle>();
  /** Bound by the process before this one, and not asked for yet. */
  readonly #inherited = new Set<string>();
  /** Paths that go when their sockets go, by key. */
  readonly #paths = new Map<string, string>();
  #isClosed = false;

  constructor(isLending = false) {
    this.#isLending = isLending;
  }

  /** The socket for an address, the same at each call; null: the worker must bind for itself. */
  open(owner: string, ip: string, port: number): OpenedSocket {
    if (!canBindAhead || port < PIPE_PORT) return { handle: null };
    // A worker that starts while the process ends.
    if (this.#isClosed) return { error: 'the process is ending' };
    const key = socketKey(owner, ip, port);
    const known = this.#handles.get(key);
    const isFirst = this.#inherited.delete(key);
    if (known !== undefined && (isFirst || !this.#isLending)) return { handle: known };
    const bound = this.#bind(key, ip, port);
    if ('code' in bound) return { error: textOf(bound.code) };
    this.#handles.set(key, bound);
    return { handle: bound };
  }

  /** A socket that the process before this one bound. */
  inherit(key: string, handle: BoundHandle): void {
    this.#handles.set(key, handle);
    this.#inherited.add(key);
    if (isPipeKey(key)) this.#paths.set(key, key.slice(PIPE_KEY.length));
  }

  /** Those that are open, by key: what a next process takes over. */
  all(): readonly (readonly [key: string, handle: BoundHandle])[] {
    return [...this.#handles].filter(([, { fd }]) => fd >= 0);
  }

  /** A next process has the sockets: their paths are its to remove. */
  giveAway(): void {
    this.#paths.clear();
  }

  /** Closes every socket whose key is not among those; workers have closed theirs. */
  retain(keys: ReadonlySet<string>): void {
    for (const [key, handle] of this.#handles) {
      if (keys.has(key)) continue;
      this.#handles.delete(key);
      // A lent one is closed by its worker, which may still be about to.
      if (!this.#isLending || this.#inherited.delete(key)) handle.close();
      const path = this.#paths.get(key);
      this.#paths.delete(key);
      if (path !== undefined) removePipe(path);
    }
  }

  /** Closes all; nothing is opened any more. */
  close(): void {
    this.#isClosed = true;
    this.retain(new Set());
  }

  #bind(key: string, ip: string, port: number): Bound {
    if (port !== PIPE_PORT) return bindTcp(ip, port);
    // Two listeners on one path: the second would take it from the first.
    if ((this.#handles.get(key)?.fd ?? -1) >= 0) return { code: 'EADDRINUSE' };
    const bound = bindPipe(ip);
    if (!('code' in bound)) this.#paths.set(key, ip);
    return bound;
  }
}

const PIPE_KEY = 'pipe ';

function isPipeKey(key: string): boolean {
  return key.startsWith(PIPE_KEY);
}

function textOf(code: string): string {
  return systemErrorText(Object.assign(new Error(code), { code }));
}

/**
 * Names a kept socket. A fixed port is the same socket whoever asks, so that a listener may be
 * renamed under load; port 0 is another port for each owner.
 */
export function socketKey(owner: string, ip: string, port: number): string {
  if (port === PIPE_PORT) return `${PIPE_KEY}${ip}`;
  return port === 0 ? `${ip} 0 ${owner}` : `${ip} ${port}`;
}
