// Sockets that are bound and accept nothing yet: they can be kept, given to another process, or
// listened on. Node has no documented way to bind without accepting; where a node lacks this one,
// whoever wants to accept binds for itself.
import { lstatSync, renameSync, unlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Server } from 'node:net';
import { getSystemErrorName } from 'node:util';
import type { ListenHandle } from './socket-source.ts';

/** What is used of a handle. */
export interface BoundHandle {
  /** -1 once it is closed. */
  readonly fd: number;
  close(): void;
}

/** A bound socket, or the code of the system error that prevented it. */
export type Bound = BoundHandle | { readonly code: string };

interface TcpHandle extends BoundHandle {
  /** 0, or a negative system error. */
  getsockname(out: object): number;
}

/** What the cluster module itself binds shared sockets with; port and family are -1 for a path. */
type CreateServerHandle = (
  address: string,
  port: number,
  family: 4 | 6 | -1,
  fd: undefined,
  flags: number,
) => TcpHandle | number;

const createServerHandle = (
  createRequire(import.meta.url)('node:net') as { _createServerHandle?: CreateServerHandle }
)._createServerHandle;

/** Of libuv: `::` leaves IPv4 to a listener on `0.0.0.0`, as Acceptor does it. */
const UV_TCP_IPV6ONLY = 1;

/** What is used of a server: `listen` takes handles of TCP sockets only. */
interface ServerInternals {
  _handle?: ListenHandle | null;
  _listen2?(address: null, port: number, family: number, backlog: number): void;
}

/** node's own default. */
const DEFAULT_BACKLOG = 511;

/** True where this node can bind without accepting. */
export const canBindAhead =
  createServerHandle !== undefined &&
  (Server.prototype as unknown as ServerInternals)._listen2 !== undefined;

/** Binds a TCP socket. Throws where `canBindAhead` is false. */
export function bindTcp(ip: string, port: number): Bound {
  const isV6 = ip.includes(':');
  const handle = create(ip, port, isV6 ? 6 : 4, isV6 ? UV_TCP_IPV6ONLY : 0);
  if (typeof handle === 'number') return { code: getSystemErrorName(handle) };
  // libuv keeps EADDRINUSE for later: whoever listened would do so on an unbound socket, which the
  // system binds to any port.
  const bindError = handle.getsockname({});
  if (bindError === 0) return handle;
  handle.close();
  return { code: getSystemErrorName(bindError) };
}

/**
 * Binds a path, in place of a socket that an earlier process left there; any other file stays, and
 * nothing is bound. The path belongs to the caller, who removes it: closing the handle does not.
 */
export function bindPipe(path: string): Bound {
  const old = lstatSync(path, { throwIfNoEntry: false });
  if (old !== undefined && !old.isSocket()) return { code: 'EADDRINUSE' };
  // libuv removes the path that it bound when it closes the handle, whoever uses the path by then.
  // Under another name first, what it removes is gone already, and no moment is without a socket.
  const first = `${path}.${process.pid}`;
  const handle = create(first, -1, -1, 0);
  if (typeof handle === 'number') return { code: getSystemErrorName(handle) };
  try {
    renameSync(first, path);
  } catch (error) {
    handle.close();
    return { code: (error as NodeJS.ErrnoException).code ?? 'EADDRINUSE' };
  }
  return handle;
}

/** Removes a path that `bindPipe` bound; harmless when it is gone. */
export function removePipe(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody else removed it: that is what was wanted.
  }
}

/** Has a server accept on a bound path; it says `listening` or `error` as after `listen`. */
export function listenOnPipe(server: Server, pipe: ListenHandle, backlog: number | null): void {
  const internals = server as unknown as ServerInternals;
  internals._handle = pipe;
  internals._listen2?.(null, -1, -1, backlog ?? DEFAULT_BACKLOG);
}

/** The handle under a server that listens; null where node hides it. */
export function handleOf(server: Server): ListenHandle | null {
  return (server as unknown as ServerInternals)._handle ?? null;
}

function create(
  address: string,
  port: number,
  family: 4 | 6 | -1,
  flags: number,
): TcpHandle | number {
  if (createServerHandle === undefined) throw new Error('this node binds only to accept');
  return createServerHandle(address, port, family, undefined, flags);
}
