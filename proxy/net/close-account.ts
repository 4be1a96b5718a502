// Why a connection came to its end, as far as is known.
import { systemErrorText } from '../base/system-error.ts';
import type { CloseReason } from './connection.ts';
import type { TlsHandshake } from './transport.ts';

/** One connection's; the last word counts. */
export class CloseAccount {
  reason: CloseReason = 'local-close';
  detail = '';

  /** It may not come to be, for this transport failure reason. */
  refused(reason: string): void {
    this.reason = 'transport-failed';
    this.detail = reason;
  }

  peerEnded(): void {
    this.reason = 'peer-closed';
  }

  failed(error: NodeJS.ErrnoException, isConnecting: boolean): void {
    this.detail = systemErrorText(error);
    this.reason = isConnecting ? 'connect-failed' : 'peer-reset';
  }

  /** It failed (null: the peer went away) before its owner had it. */
  unprepared(error: NodeJS.ErrnoException | null, handshake: TlsHandshake | null): void {
    const reason = handshake?.onFailure(error) ?? '';
    if (reason !== '') this.refused(reason);
    else if (error === null) this.peerEnded();
    else this.failed(error, false);
  }
}
