// What both variants of the protocol have in common, as their owner drives them: one machine per
// type and server, whose streams come and go. Machines have no sockets, clocks or timers.
import type { Any } from '@bufbuild/protobuf/wkt';
import type { DiscoveredResource } from './discovery.ts';
import type { TypeReport } from './stream-report.ts';

/** A resource with what its wrapper said. */
export interface ReceivedResource extends DiscoveredResource {
  readonly content: Any;
  /** How long it may live; null: until it is removed. */
  readonly ttlMs: number | null;
}

/** A resource that lives on as it is. */
export interface Heartbeat {
  readonly name: string;
  readonly ttlMs: number | null;
}

/** A response that could be read. */
export interface ReceivedUpdate {
  readonly version: string;
  readonly resources: readonly ReceivedResource[];
  readonly removed: readonly string[];
  readonly heartbeats: readonly Heartbeat[];
  /** See DiscoveryUpdate.isWhole. */
  readonly isWhole: boolean;
}

/** What a response says; `ok: false`: it can be told to nobody, and `error` is for the server. */
export type Reading =
  | { readonly ok: true; readonly update: ReceivedUpdate }
  | { readonly ok: false; readonly error: string };

/**
 * One type on one server. Its owner calls `want` and `unwant` as the union of its watchers' names
 * changes, `begin` when a stream opens, and for each response `read`, tells the watchers, and
 * `conclude`s with what they said; then `isDue` says whether there is something to send.
 */
export interface TypeMachine<Request, Response> {
  readonly typeUrl: string;
  /** Version that was accepted last. */
  readonly version: string;
  /** A request would say something new. */
  readonly isDue: boolean;
  /** What is known of it now. */
  report(): TypeReport;
  /** The first watcher of a name; `*` stands for everything. */
  want(name: string): void;
  /** The last watcher of a name is gone. */
  unwant(name: string): void;
  /**
   * A new stream: what the last one was told does not count on it. To another server than the last
   * one, versions mean nothing.
   */
  begin(isOtherServer: boolean): void;
  /** The request that is due; it counts as sent. Without its node. */
  takeRequest(): Request;
  /** In short steps: a response may hold thousands. */
  read(response: Response): Generator<void, Reading>;
  /** The last response read was accepted ('') or refused. */
  conclude(response: Response, error: string): void;
  /**
   * What was accepted of these is of no use after all: the last response is refused belatedly, and
   * another stream does not say that they are held.
   */
  retract(names: readonly string[], error: string): void;
  /** Resources whose time is over: they are no longer held. */
  forget(names: readonly string[]): void;
}

/** google.rpc.Code INTERNAL, which Envoy refuses with. */
export const REFUSED_CODE = 13;

/** Octets of a refusal's text. Longer ones would outgrow what servers take for a head or message. */
const MAX_REFUSAL_BYTES = 4096;

/** As Envoy shortens it; never within a character. */
export function cutRefusal(text: string): string {
  const octets = Buffer.from(text);
  if (octets.length <= MAX_REFUSAL_BYTES) return text;
  let end = MAX_REFUSAL_BYTES;
  while (end > 0 && ((octets[end] as number) & 0xc0) === 0x80) end -= 1;
  return `${octets.toString('utf8', 0, end)}...(truncated)`;
}
