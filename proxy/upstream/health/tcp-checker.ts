// Asks a host over plain TCP: by connecting, or by octets that it is to send back.
import type { TcpCheckConfig } from '../../model/health-check.ts';
import type { CloseReason, Connection, ConnectionHandler } from '../../net/connection.ts';
import {
  type Checker,
  type CheckerHandler,
  type CheckTarget,
  connectToCheck,
  NETWORK_FAILURE,
} from './checker.ts';
import { PayloadMatcher } from './payload-matcher.ts';

/** See the file's head. */
export class TcpChecker implements Checker {
  readonly #config: TcpCheckConfig;
  readonly #target: CheckTarget;
  readonly #handler: CheckerHandler;
  readonly #matcher: PayloadMatcher;
  #connection: TcpCheckConnection | null = null;
  #isAsking = false;

  constructor(config: TcpCheckConfig, target: CheckTarget, handler: CheckerHandler) {
    this.#config = config;
    this.#target = target;
    this.#handler = handler;
    this.#matcher = new PayloadMatcher(config.receive);
  }

  check(): void {
    this.#isAsking = true;
    this.#matcher.reset();
    if (this.#connection === null) this.#connection = new TcpCheckConnection(this.#target, this);
    else this.#send(this.#connection);
  }

  abandon(): void {
    this.close();
  }

  close(): void {
    this.#isAsking = false;
    this.#connection?.drop();
    this.#connection = null;
  }

  /** The connection is there. */
  onOpen(connection: TcpCheckConnection): void {
    if (this.#config.receive.length === 0) {
      this.close();
      this.#handler.onPassed(false);
      return;
    }
    this.#send(connection);
  }

  /** The host sent something; between checks nobody asked for it. */
  onBytes(data: Buffer): void {
    if (!this.#isAsking) return;
    this.#matcher.add(data);
    if (!this.#matcher.hasAll) return;
    this.#isAsking = false;
    if (this.#target.cluster.healthCheck?.reusesConnection !== true) this.close();
    this.#handler.onPassed(false);
  }

  /** The connection is gone; the next check makes another. */
  onGone(): void {
    const wasAsking = this.#isAsking;
    this.close();
    // As Envoy: a host that closes between checks has failed one.
    const { services, cluster, hostAddress } = this.#target;
    const fields = { cluster: cluster.name, host: hostAddress.text, wasAsking };
    services.log.log('debug', 'health check connection closed', fields);
    this.#handler.onFailed(NETWORK_FAILURE);
  }

  #send(connection: TcpCheckConnection): void {
    connection.write(this.#config.send);
  }
}

/** Whoever let go of it hears nothing of it any more. */
class TcpCheckConnection implements ConnectionHandler {
  readonly #transport: Connection;
  #owner: TcpChecker | null;

  constructor(target: CheckTarget, owner: TcpChecker) {
    this.#owner = owner;
    this.#transport = connectToCheck(target, this);
  }

  write(data: Uint8Array): void {
    if (data.length > 0) this.#transport.writeBytes(Buffer.from(data));
  }

  drop(): void {
    if (this.#owner === null) return;
    this.#owner = null;
    this.#transport.close('now');
  }

  onConnected(): void {
    this.#owner?.onOpen(this);
  }

  onBytes(buffer: Buffer, length: number): void {
    this.#owner?.onBytes(buffer.subarray(0, length));
  }

  onEnd(): void {
    this.#owner?.onGone();
  }

  onDrain(): void {
    // What is sent is small.
  }

  onClose(_reason: CloseReason, _detail: string): void {
    this.#owner?.onGone();
  }
}
