// What processes of one line say to each other: the one that serves, the one that is to follow it,
// and the first of the line, which is the parent of all others. Plain JSON over node's channel, with
// sockets beside it: the two ends are different versions of the program.
import type { StatsSnapshot } from '../../stats/snapshot.ts';
import type { OperatorChange } from '../operator-desk.ts';

/** Raised when a version no longer understands what older ones say: they refuse each other then. */
export const HANDOVER_PROTOCOL = 1;

/** What `--hot-restart-version` and the admin interface print. */
export function hotRestartVersion(isEnabled: boolean): string {
  return isEnabled ? `outrigger.${HANDOVER_PROTOCOL}` : 'disabled';
}

/** Tells a process that it was started to follow another one. */
export const SUCCESSOR_VARIABLE = 'OUTRIGGER_SUCCESSOR';

/** From the process that serves to the one that is to follow it. */
export type ToSuccessor =
  | {
      readonly kind: 'estate';
      readonly protocol: number;
      /** Of the process that serves. */
      readonly epoch: number;
      /** Wall-clock ms at which the first of the line started. */
      readonly firstStartedMs: number;
      /** Base64: sessions of TLS clients go on. */
      readonly ticketSecret: string;
      /** What operators changed; absent: its version does not say. */
      readonly changed?: OperatorChange;
    }
  /** What they changed since then, until its admin interface is closed. */
  | { readonly kind: 'changed'; readonly change: OperatorChange }
  /** A listening socket travels beside it. */
  | { readonly kind: 'socket'; readonly key: string }
  /** That of the admin interface. */
  | { readonly kind: 'admin-socket'; readonly address: string }
  | { readonly kind: 'estate-complete' }
  /** What a process that is ending has counted since it began; the last time `isFinal`. */
  | {
      readonly kind: 'counted';
      readonly epoch: number;
      readonly snapshot: StatsSnapshot;
      readonly isFinal: boolean;
    };

/** From the process that is to follow. */
export type FromSuccessor =
  /** First of all messages: its program runs. */
  | { readonly kind: 'want-estate'; readonly protocol: number }
  /** What the one before has counted by now, before others ask it: see `counted`. */
  | { readonly kind: 'want-counts' }
  /** It accepts connections and answers on the admin interface. */
  | { readonly kind: 'serving' }
  /** It will end without having served. */
  | { readonly kind: 'failed'; readonly reason: string };

/** From a process to the first of its line, which starts and knows its successor for it. */
export type ToRoot =
  | { readonly kind: 'launch'; readonly launch: Launch }
  | { readonly kind: 'for-successor'; readonly message: ToSuccessor }
  /** The line goes on with it. */
  | { readonly kind: 'adopt-successor' }
  | { readonly kind: 'kill-successor' };

/** The answers. */
export type FromRoot =
  | { readonly kind: 'from-successor'; readonly message: FromSuccessor }
  | { readonly kind: 'successor-ended'; readonly reason: string };

/** A command line. */
export interface Launch {
  readonly file: string;
  readonly args: readonly string[];
}

/** A process that is to follow this one, wherever it hangs in the line. */
export interface Successor {
  /** `handle`: a socket that goes with it. Resolves when it is on its way. */
  send(message: ToSuccessor, handle?: object | null): Promise<void>;
  /** It is not wanted. */
  kill(): void;
  /** The line goes on with it: signals are its, and its end is the line's. */
  adopt(): void;
  /** Set at once. */
  onMessage: ((message: FromSuccessor) => void) | null;
  onEnded: ((reason: string) => void) | null;
}

/** Starts a successor. */
export type LaunchSuccessor = (launch: Launch) => Successor;
