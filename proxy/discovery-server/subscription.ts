// What a stream has of one type, as the server keeps it: what was asked for, what was sent, what was
// said about it. Subscriptions have no sockets, clocks or timers.
import type { ServedResource, TypeSnapshot } from './snapshot.ts';

/** A response that was sent. */
export interface Push {
  readonly typeUrl: string;
  readonly nonce: string;
  /** Of all that the response is about. */
  readonly version: string;
  /** Resources in it. */
  readonly count: number;
  /** Names in it that are gone, or were never there; incremental streams only. */
  readonly removed: readonly string[];
  /** It says nothing new: it only renews what ends without a word. */
  readonly isHeartbeat: boolean;
}

/** What a request said. */
export interface Receipt {
  /** The response that it is the first to answer; null: none. */
  readonly answered: Push | null;
  /** Why that one is refused; '' : it is in use. */
  readonly error: string;
  /** It asks for other things than the one before. */
  readonly isChange: boolean;
}

/** How `next` may answer. */
export interface PushRules {
  /** False: what is gone is kept back until what follows it was sent. */
  readonly mayRemove: boolean;
  /** Names that have to be said again, though nothing of them changed. */
  readonly again: ReadonlySet<string>;
  /** Names whose time to live begins anew: they have to be said again, their content need not. */
  readonly beats: ReadonlySet<string>;
}

/** A response and what it is about. */
export interface Outgoing<Response> {
  readonly response: Response;
  readonly push: Push;
  /** Resources in it that the client did not have in this version. */
  readonly changed: readonly ServedResource[];
}

/** One type on one stream. */
export interface Subscription<Request, Response> {
  /** All of them; whoever asked for everything may have asked for names as well. */
  readonly isWildcard: boolean;
  readonly names: ReadonlySet<string>;
  /** Responses without an answer so far. */
  readonly unanswered: number;
  /** Removals are kept back. */
  readonly isHoldingBack: boolean;
  receive(request: Request): Receipt;
  /** The response that is due, as if it were sent; null: there is nothing to say. */
  next(type: TypeSnapshot, rules: PushRules): Outgoing<Response> | null;
}

/**
 * Responses that a client may owe an answer. Who owes more is sent nothing until it answers: it
 * would read what is out of date by then.
 */
export const MAX_UNANSWERED = 8;

/** The responses that were not answered, in their order. */
export class UnansweredPushes {
  readonly #pushes: Push[] = [];

  get size(): number {
    return this.#pushes.length;
  }

  add(push: Push): void {
    this.#pushes.push(push);
  }

  /** The response of that nonce; those before it will not be answered any more. null: there is none. */
  take(nonce: string): Push | null {
    const index = this.#pushes.findIndex((push) => push.nonce === nonce);
    if (index < 0) return null;
    return this.#pushes.splice(0, index + 1).at(-1) ?? null;
  }
}
