// A request as a pool sees it: remembers what it is told and can act on it at once, as a router
// that retries does. Strict about the order of events.
import assert from 'node:assert/strict';
import type { RequestSender, ResetReason } from '../../proxy/http/stream.ts';
import type { StreamWaiter, UpstreamConnectionInfo } from '../../proxy/upstream/conn-pool.ts';

type WaiterState = 'new' | 'started' | 'answered' | 'reset' | 'failed';

/** See the file's head. */
export class FakeWaiter implements StreamWaiter {
  state: WaiterState = 'new';
  sender: RequestSender | null = null;
  connection: UpstreamConnectionInfo | null = null;
  isReused = false;
  /** `reason|detail` of the reset or failure. */
  why = '';
  /** Called inside `onPoolReady`, `onPoolFailure`, `onReset` or the response. */
  onTold: ((waiter: FakeWaiter) => void) | null = null;

  onPoolReady(sender: RequestSender, connection: UpstreamConnectionInfo): void {
    this.#move('new', 'started');
    this.sender = sender;
    this.connection = connection;
    this.isReused = connection.isReused;
    this.onTold?.(this);
  }

  onPoolFailure(reason: ResetReason, detail: string): void {
    this.why = `${reason}|${detail}`;
    this.#move('new', 'failed');
    this.onTold?.(this);
  }

  onResponseHead(): void {
    this.#move('started', 'answered');
    this.onTold?.(this);
  }

  onReset(reason: ResetReason, detail: string): void {
    this.why = `${reason}|${detail}`;
    this.#move('started', 'reset');
    this.onTold?.(this);
  }

  onInformational(): void {
    assert.fail('no informational response is expected');
  }

  onData(): void {
    assert.fail('no content is expected');
  }

  onTrailers(): void {
    assert.fail('no trailers are expected');
  }

  onWritable(): void {
    assert.fail('onWritable is not expected');
  }

  #move(from: WaiterState, to: WaiterState): void {
    assert.equal(this.state, from, `${to} after ${this.state}`);
    this.state = to;
  }
}
