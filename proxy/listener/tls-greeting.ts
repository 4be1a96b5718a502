// A client's first words on a connection that shall be TLS, until they are enough for a handshake.
import type { TlsHandshake } from '../net/transport.ts';
import { ClientHelloReader, NO_CLIENT_HELLO } from '../tls/client-hello.ts';
import type { ServerTls } from '../tls/server-tls.ts';

/** RFC 8446 §5.1: what begins otherwise is no record of a handshake, however much comes. */
const HANDSHAKE_RECORD = 22;

/** One connection's. */
export class TlsGreeting {
  readonly #tls: ServerTls;
  readonly #reader = new ClientHelloReader();

  constructor(tls: ServerTls) {
    this.#tls = tls;
  }

  /**
   * `bytes` are all since the connection began. null: more is needed (unless `isFull`); else the
   * handshake, or the reason why there is none. What is no ClientHello goes to TLS as it is, which
   * says what it thinks of it.
   */
  read(bytes: Buffer, isFull: boolean): TlsHandshake | string | null {
    const verdict = this.#reader.read(bytes, bytes.length);
    const mayCome = bytes.length === 0 || bytes[0] === HANDSHAKE_RECORD;
    if (verdict === 'more' && mayCome && !isFull) return null;
    return this.#tls.accept(verdict === 'hello' ? this.#reader : NO_CLIENT_HELLO);
  }
}
