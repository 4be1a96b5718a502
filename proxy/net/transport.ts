// What happens between a socket and the owner of its connection: nothing, words in the clear, a TLS
// handshake, or one after the other. The owner hears `onConnected` when all of it is done.
import type { SecureContext, TLSSocket } from 'node:tls';
import type { SocketAddress } from '../base/address.ts';
import type { TlsInfo } from '../http/tls-info.ts';

/** How one handshake is made; all of it is known before it begins. */
export interface TlsParameters {
  readonly isServer: boolean;
  readonly context: SecureContext;
  /** Servers: clients are asked for a certificate, and one without is refused by an alert. */
  readonly requestsCertificate: boolean;
  readonly requiresCertificate: boolean;
  /** ALPN: what a client offers, the one that a server chose; empty: no such extension. */
  readonly applicationProtocols: readonly string[];
  /** SNI of a client; '' : none. */
  readonly serverName: string;
  /** Session that a client resumes; null: a new one. */
  readonly session: Buffer | null;
  /** OCSP response that a server staples; null: none. */
  readonly ocspStaple: Buffer | null;
  /** Told of the sessions that a client may resume later; null: nobody keeps them. */
  readonly onSession: ((session: Buffer) => void) | null;
  /** Told of lines of the key log; null: nobody asks. */
  readonly onKeyLog: ((line: Buffer) => void) | null;
}

/** One handshake and whoever judges it; made for one connection. */
export interface TlsHandshake {
  readonly parameters: TlsParameters;
  /** What was seen of a peer that was refused; null or absent: nobody was. */
  readonly refused?: TlsInfo | null;
  /** It is done: the peer's identity, or the text that says why the peer is refused. */
  onSecure(socket: TLSSocket): TlsInfo | string;
  /**
   * It failed: by an error of the library or the system, or (null) because the peer went away.
   * Answers the transport failure reason, '' for none.
   */
  onFailure(error: NodeJS.ErrnoException | null): string;
}

/** A connected socket that has no owner yet. */
export interface PreparedConnection {
  readonly localAddress: SocketAddress;
  readonly remoteAddress: SocketAddress;
  /** Written in the clear. */
  writeText(text: string): void;
  writeBytes(data: Buffer): void;
  /** Begins TLS; `early` is what was read of it already. The end of the handshake is `ready`. */
  secure(handshake: TlsHandshake, early: Buffer): void;
  /** The owner may have it. */
  ready(): void;
  /** It will not come to be, for this transport failure reason. */
  refuse(reason: string): void;
}

/** The steps of one connection that we opened, in front of its owner. */
export interface Preparation {
  /** The socket is connected. Sooner or later `ready`, `refuse` or a handshake's end follows. */
  begin(connection: PreparedConnection): void;
  /** What the peer sends meanwhile, in the clear; borrowed until the call returns. */
  onBytes(buffer: Buffer, length: number): void;
}

/** TLS from the first octet. */
export class TlsPreparation implements Preparation {
  readonly #handshake: TlsHandshake;

  constructor(handshake: TlsHandshake) {
    this.#handshake = handshake;
  }

  begin(connection: PreparedConnection): void {
    connection.secure(this.#handshake, NO_OCTETS);
  }

  onBytes(): void {
    // Nothing is read in the clear.
  }
}

/** A connection that is closed as soon as it is there. */
export class RefusingPreparation implements Preparation {
  readonly #reason: string;

  /** A transport failure reason. */
  constructor(reason: string) {
    this.#reason = reason;
  }

  begin(connection: PreparedConnection): void {
    connection.refuse(this.#reason);
  }

  onBytes(): void {
    // Nobody reads it.
  }
}

const NO_OCTETS = Buffer.alloc(0);
