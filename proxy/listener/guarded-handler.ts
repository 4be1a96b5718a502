// Between a connection and its terminal filter as long as gates want to see what the client sends;
// then the filter is its handler, as if nobody had been there.
import {
  ADMIT,
  type ConnectionGate,
  DENY,
  type DownstreamConnection,
  type GuardedConnection,
  PASS,
} from '../filters/network-filter.ts';
import { type DownstreamConnectionInfo, StreamInfo } from '../http/stream-info.ts';
import type { CloseReason, Connection, ConnectionHandler } from '../net/connection.ts';

/** Who has the connection, and keeps what gates note about it. */
export interface GuardedOwner {
  readonly connection: Connection;
  readonly info: DownstreamConnectionInfo;
  readonly startMs: number;
  readonly startWallMs: number;
  notes: StreamInfo | null;
}

/** The connection's handler: `filter`, behind those of `gates` that look after octets. */
export function guarded(
  owner: GuardedOwner,
  filter: DownstreamConnection,
  gates: readonly ConnectionGate[],
): ConnectionHandler {
  const guards = gates.filter((gate) => gate.onData !== undefined);
  return guards.length === 0 ? filter : new GuardedHandler(owner, filter, guards);
}

class GuardedHandler implements ConnectionHandler, GuardedConnection {
  readonly connection: Connection;
  readonly account: StreamInfo;
  readonly #filter: DownstreamConnection;
  /** Those that want to be asked again. */
  #guards: readonly ConnectionGate[];
  /** Denied, at once or after a while: nothing more goes on. */
  #isStopped = false;

  constructor(
    owner: GuardedOwner,
    filter: DownstreamConnection,
    guards: readonly ConnectionGate[],
  ) {
    this.connection = owner.connection;
    this.account = filter.accountOf?.() ?? noteFor(owner);
    this.#filter = filter;
    this.#guards = guards;
  }

  onConnected(): void {
    this.#filter.onConnected();
  }

  onBytes(buffer: Buffer, length: number): void {
    if (this.#mayPass()) this.#filter.onBytes(buffer, length);
    // The filter would have counted them.
    else this.account.bytesReceived += length;
  }

  onEnd(): void {
    const isAsked = this.#filter.staysHalfOpen === true;
    if (isAsked ? this.#mayPass() : !this.#isStopped) this.#filter.onEnd();
  }

  onDrain(): void {
    this.#filter.onDrain();
  }

  onClose(reason: CloseReason, detail: string): void {
    this.#isStopped = true;
    this.#filter.onClose(reason, detail);
  }

  end(): void {
    this.#isStopped = true;
    this.connection.close('now');
  }

  #mayPass(): boolean {
    if (this.#isStopped) return false;
    let areDone = false;
    for (const guard of this.#guards) {
      const status = guard.onData?.(this) ?? ADMIT;
      if (status === PASS) continue;
      if (status === ADMIT) {
        this.#guards = this.#guards.filter((each) => each !== guard);
        areDone = this.#guards.length === 0;
        continue;
      }
      this.#isStopped = true;
      if (status === DENY) this.connection.close('now');
      else this.connection.pauseReading();
      return false;
    }
    if (areDone) this.connection.setHandler(this.#filter);
    return true;
  }
}

function noteFor(owner: GuardedOwner): StreamInfo {
  const notes = new StreamInfo(owner.info, owner.startMs, owner.startWallMs);
  notes.protocol = null;
  notes.dynamicMetadata = owner.info.dynamicMetadata ?? null;
  owner.notes = notes;
  return notes;
}
