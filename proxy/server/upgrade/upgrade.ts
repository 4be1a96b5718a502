// Replaces this process by another one on the same sockets: starts it, hands over what it needs, and
// steps back when it serves. Until then nothing changes here, and what goes wrong costs nothing.
import type { Logger } from '../../base/log.ts';
import type { BoundHandle } from '../../net/bound-handle.ts';
import type { OperatorChange } from '../operator-desk.ts';
import {
  type FromSuccessor,
  HANDOVER_PROTOCOL,
  type Launch,
  type LaunchSuccessor,
  type Successor,
} from './messages.ts';

/** What this process leaves to its successor. */
export interface Estate {
  readonly epoch: number;
  readonly firstStartedMs: number;
  readonly ticketSecret: string;
  readonly changed: OperatorChange;
  readonly sockets: readonly (readonly [key: string, handle: BoundHandle])[];
  readonly admin: { readonly address: string; readonly socket: object } | null;
}

/** How an upgrade went: a sentence for who asked for it. */
export interface UpgradeOutcome {
  readonly ok: boolean;
  readonly text: string;
}

/** What an upgrade works with. */
export interface UpgradeParts {
  readonly launch: LaunchSuccessor;
  /** Asked when the successor is there to take it. */
  readonly estate: () => Estate;
  /** Tells it what this process has counted by now. */
  readonly tellCounts: (successor: Successor) => void;
  /** The successor serves: this process is to end what it has begun. */
  readonly onHandedOver: (successor: Successor) => void;
  readonly log: Logger;
}

/**
 * - `serving`: as ever.
 * - `starting`: a successor starts beside this process.
 * - `handed-over`: it serves.
 */
type UpgradeState = 'serving' | 'starting' | 'handed-over';

/** One per process. */
export class Upgrade {
  readonly #parts: UpgradeParts;
  #state: UpgradeState = 'serving';
  /** It has its estate, and hears what changes; null: there is none. */
  #heir: Successor | null = null;

  constructor(parts: UpgradeParts) {
    this.#parts = parts;
  }

  get isHandedOver(): boolean {
    return this.#state === 'handed-over';
  }

  /** Resolves when the successor serves, or will not within `deadlineMs`. */
  async run(launch: Launch, deadlineMs: number): Promise<UpgradeOutcome> {
    if (this.#state === 'starting') return refused('an upgrade is under way');
    if (this.#state === 'handed-over') return refused('a newer process serves already');
    this.#state = 'starting';
    const { log } = this.#parts;
    const [startMs, epoch] = [performance.now(), this.#parts.estate().epoch + 1];
    log.log('info', `upgrade: starting epoch ${epoch}`, { program: launch.file });
    const successor = this.#parts.launch(launch);
    const reason = await this.#whenServing(successor, deadlineMs);
    if (reason !== '') {
      this.#state = 'serving';
      this.#heir = null;
      successor.kill();
      log.log('error', `upgrade: epoch ${epoch} does not serve, this process goes on: ${reason}`);
      return refused(`epoch ${epoch} does not serve, the running one goes on: ${reason}`);
    }
    this.#state = 'handed-over';
    successor.adopt();
    const tookMs = Math.round(performance.now() - startMs);
    log.log('info', `upgrade: epoch ${epoch} serves, ending what is left here`, { tookMs });
    this.#parts.onHandedOver(successor);
    return { ok: true, text: `epoch ${epoch} serves, ${tookMs} ms after it was asked for` };
  }

  /** Operators still reach this process: what they change now is for the one that follows, too. */
  tellChange(change: OperatorChange): void {
    void this.#heir?.send({ kind: 'changed', change });
  }

  /** '' or why it does not. */
  #whenServing(successor: Successor, deadlineMs: number): Promise<string> {
    return new Promise((resolve) => {
      const end = (reason: string): void => {
        clearTimeout(deadline);
        successor.onMessage = null;
        successor.onEnded = null;
        resolve(reason);
      };
      const late = `it was not ready within ${deadlineMs / 1000} s`;
      const deadline = setTimeout(() => end(late), deadlineMs);
      successor.onEnded = end;
      successor.onMessage = (message) => this.#onMessage(successor, message, end);
    });
  }

  #onMessage(successor: Successor, message: FromSuccessor, end: (reason: string) => void): void {
    switch (message.kind) {
      case 'want-estate':
        if (message.protocol === HANDOVER_PROTOCOL) void this.#leaveTo(successor);
        else end(`it takes over by protocol ${message.protocol}, not by ${HANDOVER_PROTOCOL}`);
        return;
      case 'want-counts':
        this.#parts.tellCounts(successor);
        return;
      case 'serving':
        end('');
        return;
      case 'failed':
        end(message.reason);
        return;
    }
  }

  async #leaveTo(successor: Successor): Promise<void> {
    const { sockets, admin, ...facts } = this.#parts.estate();
    this.#heir = successor;
    await successor.send({ kind: 'estate', protocol: HANDOVER_PROTOCOL, ...facts });
    for (const [key, handle] of sockets) await successor.send({ kind: 'socket', key }, handle);
    if (admin !== null) {
      await successor.send({ kind: 'admin-socket', address: admin.address }, admin.socket);
    }
    await successor.send({ kind: 'estate-complete' });
  }
}

function refused(text: string): UpgradeOutcome {
  return { ok: false, text };
}
