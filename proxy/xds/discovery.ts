// The seam between whoever supplies resources (a stream, polls, a file) and whoever wants them. No
// subscriber knows which it is.
import type { Any } from '@bufbuild/protobuf/wkt';

/** One resource as it was supplied. */
export interface DiscoveredResource {
  readonly name: string;
  /** Of this resource in the incremental protocol, of all of them otherwise; may be ''. */
  readonly version: string;
  /** Not opened yet: many are what they were. */
  readonly content: Any;
}

/** What changed. */
export interface DiscoveryUpdate {
  readonly typeUrl: string;
  /** Of the whole: version_info, system_version_info. */
  readonly version: string;
  /** Those that the subscriber wants. */
  readonly resources: readonly DiscoveredResource[];
  /** Names that are gone: the server said so, or their time to live is over. */
  readonly removed: readonly string[];
  /** These are all there are: what is not among them is gone (wildcards of listeners and clusters). */
  readonly isWhole: boolean;
}

/** Why nothing came. */
export type DiscoveryFailure =
  /** The server cannot be reached, or ended the stream. */
  | 'connection'
  /** initial_fetch_timeout is over: told once, and what comes later is taken as usual. */
  | 'fetch-timeout';

/** A subscriber. */
export interface DiscoverySink {
  /**
   * Takes what can be used. Answers '' when all of it was, else why not, in Envoy's words: what was
   * good of it is in use all the same, and the server hears of the rest.
   */
  onUpdate(update: DiscoveryUpdate): string;
  onFailure(failure: DiscoveryFailure): void;
}

/** Every resource of a type. */
export const ALL_NAMES = '*';

/** A running subscription. */
export interface DiscoverySubscription {
  /** From now on it is about these. */
  setNames(names: ReadonlySet<string>): void;
  /** Nothing is told any more. */
  close(): void;
}

/** What a subscription asks for. */
export interface DiscoveryRequest {
  readonly typeUrl: string;
  /** `ALL_NAMES` in it: everything that the server has for this node. */
  readonly names: ReadonlySet<string>;
  /** initial_fetch_timeout; 0: no limit. */
  readonly fetchTimeoutMs: number;
}

/** A place where resources come from. */
export interface DiscoverySource {
  subscribe(request: DiscoveryRequest, sink: DiscoverySink): DiscoverySubscription;
}
