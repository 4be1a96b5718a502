// Holds every listening socket in the primary, bound and never accepting: while workers die and
// are replaced no port refuses, connections wait in its queue, and port 0 stays the same port.
import { createRequire } from 'node:module';
import { getSystemErrorName } from 'node:util';
import { systemErrorText } from '../base/system-error.ts';
import type { ListenHandle } from '../net/socket-source.ts';

/** What this file uses of a handle. */
interface TcpHandle {
  /** 0, or a negative system error. */
  getsockname(out: object): number;
  close(): void;
}

/**
 * What the cluster module itself binds shared sockets with: node has no documented way to bind
 * without accepting. Where a node lacks it, workers share sockets through the cluster module, which
 * closes one when the last worker that listens on it dies.
 */
type CreateServerHandle = (
  ip: string,
  port: number,
  family: 4 | 6,
  fd: undefined,
  flags: number,
) => TcpHandle | number;

const createServerHandle = (
  createRequire(import.meta.url)('node:net') as { _createServerHandle?: CreateServerHandle }
)._createServerHandle;

/** Of libuv: `::` leaves IPv4 to a listener on `0.0.0.0`, as Acceptor does it. */
const UV_TCP_IPV6ONLY = 1;

/** The primary's sockets, by who asked for them and the address. */
export class SocketKeeper {
  readonly #handles = new Map<string, TcpHandle>();
  #isClosed = false;

  /** The socket for an address, the same at each call; null: the worker must bind for itself. */
  open(
    owner: string,
    ip: string,
    port: number,
  ): { readonly handle: ListenHandle | null } | { readonly error: string } {
    if (createServerHandle === undefined || port < 0) return { handle: null };
    // A worker that starts while the process ends.
    if (this.#isClosed) return { error: 'the process is ending' };
    const key = socketKey(owner, ip, port);
    const known = this.#handles.get(key);
    if (known !== undefined) return { handle: known };
    const family = ip.includes(':') ? 6 : 4;
    const flags = family === 6 ? UV_TCP_IPV6ONLY : 0;
    const handle = createServerHandle(ip, port, family, undefined, flags);
    if (typeof handle === 'number') return { error: textOf(handle) };
    // libuv keeps EADDRINUSE for later, in this process: the worker would listen on an unbound
    // socket, which the system binds to any port.
    const bindError = handle.getsockname({});
    if (bindError !== 0) {
      handle.close();
      return { error: textOf(bindError) };
    }
    this.#handles.set(key, handle);
    return { handle };
  }

  /** Closes every socket whose key is not among those; workers have closed theirs. */
  retain(keys: ReadonlySet<string>): void {
    for (const [key, handle] of this.#handles) {
      if (keys.has(key)) continue;
      this.#handles.delete(key);
      handle.close();
    }
  }

  /** Closes all; nothing is opened any more. */
  close(): void {
    this.#isClosed = true;
    this.retain(new Set());
  }
}

function textOf(systemError: number): string {
  const code = getSystemErrorName(systemError);
  return systemErrorText(Object.assign(new Error(code), { code }));
}

/**
 * Names a kept socket. A fixed port is the same socket whoever asks, so that a listener may be
 * renamed under load; port 0 is another port for each owner.
 */
export function socketKey(owner: string, ip: string, port: number): string {
  return port === 0 ? `${ip} 0 ${owner}` : `${ip} ${port}`;
}
