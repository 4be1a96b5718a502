// Accepted sockets take no `onread` option, and 'data' events cost a quarter of the whole path. So
// the handle of an accepted socket is moved into a new socket that has one. `_handle` and `_server`
// are undocumented: they are touched here only, and the public way remains when they are missing.
import { type Server, Socket } from 'node:net';

/** Takes `length` octets at the front of `buffer`, valid during the call. */
export type ReadCallback = (length: number, buffer: Buffer) => void;

interface SocketInternals {
  _handle: { readonly fd?: number } | null | undefined;
  _server?: object | null;
}

/** Set by tests to run everything on documented interfaces. */
let publicOnly = process.env['OUTRIGGER_PUBLIC_SOCKETS'] === '1';

/** Switches the handle swap off (true) or on; returns what it was. */
export function usePublicSockets(value: boolean): boolean {
  const before = publicOnly;
  publicOnly = value;
  return before;
}

/** True when undocumented calls are switched off. */
export function isPublicOnly(): boolean {
  return publicOnly;
}

/** The socket's descriptor, for getsockopt(2); -1 when Node does not tell. */
export function descriptorOf(socket: Socket | Server): number {
  return (socket as unknown as SocketInternals)._handle?.fd ?? -1;
}

/**
 * A socket that reads into `buffer` and calls `onRead`. `accepted` comes from a server with
 * `pauseOnConnect`; it must not be used afterwards unless it is what is returned.
 */
export function readInto(accepted: Socket, buffer: Buffer, onRead: ReadCallback): Socket {
  const internals = accepted as unknown as SocketInternals;
  const handle = internals._handle;
  if (publicOnly || handle === null || handle === undefined) {
    accepted.on('data', (data: Buffer) => onRead(data.length, data));
    return accepted;
  }
  const server = internals._server ?? null;
  internals._handle = null;
  internals._server = null;
  accepted.removeAllListeners();
  const socket = new Socket({
    handle,
    allowHalfOpen: true,
    onread: {
      buffer,
      callback: (length: number, filled: Uint8Array) => {
        onRead(length, filled as Buffer);
        return true;
      },
    },
  } as ConstructorParameters<typeof Socket>[0]);
  // The server counts its connections by this field; without it close() would never end.
  (socket as unknown as SocketInternals)._server = server;
  return socket;
}
