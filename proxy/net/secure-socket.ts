// Makes a TLS socket of a connected one. By default its handle is taken off and wrapped without the
// streams between, so that TLS reads into the shared buffer, too; what is undocumented of that is
// touched here only, and the documented way remains when it is missing or switched off.
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { type ConnectionOptions, connect, TLSSocket, type TLSSocketOptions } from 'node:tls';
import type { ReadCallback } from './accepted-socket.ts';
import type { TlsParameters } from './transport.ts';

/** How to make it. */
export interface SecureSocketOptions {
  readonly parameters: TlsParameters;
  /** What was read of it in the clear. */
  readonly early: Buffer;
  /** Decrypted octets are read into it. */
  readonly buffer: Buffer;
  readonly onRead: ReadCallback;
  readonly publicOnly: boolean;
}

/** node's TLSWrap. */
interface TlsHandle {
  readonly _parent?: TcpHandle;
  receive?(bytes: Buffer): void;
  enableSessionCallbacks?(): void;
  onnewsession?: (id: Buffer, session: Buffer) => void;
  setOCSPResponse?(response: Buffer): void;
  setServername?(name: string): void;
  setSession?(session: Buffer): void;
  verifyError?(): NodeJS.ErrnoException | null | undefined;
}

interface TcpHandle {
  close?: unknown;
  reset?: unknown;
}

interface SocketInternals {
  _handle: TlsHandle | null | undefined;
  _server?: object | null;
  connecting: boolean;
  _wrapHandle?: unknown;
  _start?(): void;
  _releaseControl?(): boolean;
}

type WrapHandle = (wrap: null, handle: unknown, isBusy: boolean) => unknown;

/** A TLS socket over a handle instead of over another socket: the case «no socket yet» of node's. */
class DirectTlsSocket extends TLSSocket {
  _wrapHandle(): unknown {
    const { _tlsOptions: options } = this as unknown as { _tlsOptions: { handle: unknown } };
    const wrap = (TLSSocket.prototype as unknown as { _wrapHandle: WrapHandle })._wrapHandle;
    return wrap.call(this, null, options.handle, false);
  }
}

const canWrapHandles =
  typeof (TLSSocket.prototype as unknown as SocketInternals)._wrapHandle === 'function';

/**
 * Begins the handshake on `raw`, whose listeners are gone; it must not be used afterwards unless it
 * is what the result stands on. The result emits 'secure', then what sockets emit.
 */
export function secureSocket(raw: Socket, options: SecureSocketOptions): TLSSocket {
  const handle = (raw as unknown as SocketInternals)._handle;
  const isDirect = !options.publicOnly && canWrapHandles && typeof handle === 'object';
  const socket = isDirect && handle !== null ? wrapHandle(raw, options) : wrapSocket(raw, options);
  const { onKeyLog } = options.parameters;
  if (onKeyLog !== null) socket.on('keylog', onKeyLog);
  return socket;
}

/** `resetAndDestroy` as sockets of TCP have it: node's refuses handles that are not TCP's own. */
export function resetSecureSocket(socket: TLSSocket): void {
  const tcp = (socket as unknown as SocketInternals)._handle?._parent;
  // The handle of TLS closes by its parent's `close`.
  if (typeof tcp?.reset === 'function') tcp.close = tcp.reset;
  socket.destroy();
}

function wrapHandle(raw: Socket, options: SecureSocketOptions): TLSSocket {
  const internals = raw as unknown as SocketInternals;
  const { parameters, buffer, onRead } = options;
  const socket = new DirectTlsSocket(
    undefined as unknown as Socket,
    {
      ...tlsOptions(parameters),
      handle: internals._handle,
      allowHalfOpen: true,
      onread: {
        buffer,
        callback: (length: number, filled: Buffer) => {
          onRead(length, filled);
          return true;
        },
      },
    } as TLSSocketOptions,
  );
  const own = socket as unknown as SocketInternals;
  own._server = internals._server ?? null;
  internals._handle = null;
  internals._server = null;
  // The handle is connected, whatever node thinks of sockets without another one below.
  own.connecting = false;
  own._releaseControl?.();
  const handle = own._handle as TlsHandle;
  const { isServer, ocspStaple, onSession, serverName, session } = parameters;
  if (isServer) {
    if (ocspStaple !== null) handle.setOCSPResponse?.(ocspStaple);
    if (options.early.length > 0) handle.receive?.(options.early);
    return socket;
  }
  if (serverName !== '') handle.setServername?.(serverName);
  if (session !== null) handle.setSession?.(session);
  if (onSession !== null) {
    handle.enableSessionCallbacks?.();
    handle.onnewsession = (_id, fresh) => onSession(fresh);
  }
  own._start?.();
  return socket;
}

/** The documented way. */
function wrapSocket(raw: Socket, options: SecureSocketOptions): TLSSocket {
  const { parameters, early, onRead } = options;
  raw.pause();
  if (early.length > 0) raw.unshift(early);
  const socket = parameters.isServer
    ? new TLSSocket(raw, { ...tlsOptions(parameters), ...stapling(parameters) })
    : connectOver(raw, parameters);
  socket.on('data', (data: Buffer) => onRead(data.length, data));
  // Errors behind the handshake are told by this event only.
  socket.on('_tlsError', (error: Error) => socket.destroy(error));
  return socket;
}

function connectOver(raw: Socket, parameters: TlsParameters): TLSSocket {
  const { serverName, session, onSession } = parameters;
  const socket = connect({
    ...tlsOptions(parameters),
    socket: raw,
    allowHalfOpen: true,
    ...(serverName === '' ? {} : { servername: serverName }),
    ...(session === null ? {} : { session }),
  } as ConnectionOptions);
  if (onSession !== null) socket.on('session', onSession);
  return socket;
}

/** An OCSP response is asked for of the server that a socket belongs to. */
function stapling({ ocspStaple, context }: TlsParameters): TLSSocketOptions {
  if (ocspStaple === null) return {};
  // Whose certificate it is about; a server of node's own keeps it by this name.
  const server = Object.assign(new EventEmitter(), { _sharedCreds: context });
  server.on('OCSPRequest', (_certificate: Buffer, _issuer: Buffer, answer: OcspAnswer) =>
    answer(null, ocspStaple),
  );
  return { server } as unknown as TLSSocketOptions;
}

type OcspAnswer = (error: null, response: Buffer) => void;

function tlsOptions(parameters: TlsParameters): TLSSocketOptions {
  const { isServer, context, applicationProtocols } = parameters;
  return {
    isServer,
    secureContext: context,
    requestCert: !isServer || parameters.requestsCertificate,
    rejectUnauthorized: isServer && parameters.requiresCertificate,
    ...(applicationProtocols.length === 0 ? {} : { ALPNProtocols: [...applicationProtocols] }),
  };
}

/** What OpenSSL has against the peer's chain; '' and '' : nothing. */
export function verifyErrorOf(socket: TLSSocket): { readonly text: string; readonly code: string } {
  const handle = (socket as unknown as SocketInternals)._handle;
  if (typeof handle?.verifyError !== 'function') return UNKNOWN_VERDICT;
  const error = handle.verifyError();
  if (error === null || error === undefined) return NO_ERROR;
  return { text: error.message, code: error.code ?? '' };
}

const NO_ERROR = Object.freeze({ text: '', code: '' });
/** Where node does not tell, nobody is trusted by his chain. */
const UNKNOWN_VERDICT = Object.freeze({
  text: 'unspecified certificate verification error',
  code: 'UNSPECIFIED',
});
