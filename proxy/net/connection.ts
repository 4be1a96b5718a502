// The transport seam: a connection gives and takes bytes through one interface, whatever carries
// them (plain TCP, a pipe, TLS). Codecs and pools know nothing else.
import type { SocketAddress } from '../base/address.ts';
import type { ByteSink } from '../http/codec.ts';
import type { TlsInfo } from '../http/tls-info.ts';
import type { TlsHandshake } from './transport.ts';

/** How a connection came to its end. */
export type CloseReason =
  | 'peer-closed' // FIN (or close_notify) and everything was delivered
  | 'peer-reset' // RST or another error of the socket
  | 'local-close' // we closed it
  | 'connect-failed'
  | 'transport-failed' // the handshake, or what else comes before the owner's octets, failed
  | 'connect-timeout';

/** Owner of a connection. No method is called after `onClose`. */
export interface ConnectionHandler {
  /** Of a connection that we opened, or had `secure`: bytes may be written from now on. */
  onConnected(): void;
  /** Bytes in `buffer[0, length)`, borrowed until the call returns. */
  onBytes(buffer: Buffer, length: number): void;
  /** The peer will send no more; we still may. */
  onEnd(): void;
  /** Queued output fell to nothing after `isWritable` was false. */
  onDrain(): void;
  /**
   * Once, last. `detail` is the system's error text, or the transport failure reason of
   * `transport-failed`; '' if there is none.
   */
  onClose(reason: CloseReason, detail: string): void;
}

/**
 * How to close.
 * - `flush`: write what is queued, send FIN, close.
 * - `flush-and-delay`: the same, then wait for the peer's FIN up to the delayed-close timeout,
 *   dropping what it sends, so that it can read our last bytes (RFC 9112 §9.6).
 * - `now`: drop what is queued. `reset`: hand it to the kernel, then send RST.
 */
export type CloseMode = 'flush' | 'flush-and-delay' | 'now' | 'reset';

/** One byte stream with its two ends. Output of one loop turn leaves in one write. */
export interface Connection extends ByteSink {
  /** Counts up from 1 in a process. */
  readonly id: number;
  readonly localAddress: SocketAddress;
  readonly remoteAddress: SocketAddress;
  /** Octets read and accepted for writing so far. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** null: clear text, or the handshake is not over. */
  readonly tls: TlsInfo | null;
  /** Told once, behind the handler, when the connection is gone: for whoever counts connections. */
  onGone: ((connection: Connection) => void) | null;
  /** Ms that `flush-and-delay` waits for the peer; 0: no wait. Default 1 s. */
  delayedCloseMs: number;
  /** Told when that time ran out. */
  onDelayedCloseTimeout: (() => void) | null;
  /** The owner; set once before the first event, replaced when a filter takes over. */
  setHandler(handler: ConnectionHandler): void;
  /**
   * Begins TLS on what was clear text so far, `early` being octets of it that were read already.
   * Behind the handshake the handler hears `onConnected`, or `onClose` with `transport-failed`.
   */
  secure(handshake: TlsHandshake, early: Buffer): void;
  close(mode: CloseMode): void;
}
