// The seam between whoever supplies resources (a stream, polls, a file) and whoever wants them. No
// subscriber knows which it is.
import type { Any } from '@bufbuild/protobuf/wkt';
import type { StatsScope } from '../stats/metrics.ts';
import type { StreamReport } from './stream-report.ts';

/** One resource as it was supplied. */
export interface DiscoveredResource {
  readonly name: string;
  /** Of this resource in the incremental protocol, of all of them otherwise; may be ''. */
  readonly version: string;
  /**
   * Not opened yet: many are what they were. Its octets may be a view of the whole response; who
   * keeps a few of many for long copies them.
   */
  readonly content: Any;
}

/** What changed. */
export interface DiscoveryUpdate {
  readonly typeUrl: string;
  /** Of the whole: version_info, system_version_info. */
  readonly version: string;
  /**
   * Those that the subscriber wants, in the server's order. Who asked for everything sees a name
   * that came twice twice.
   */
  readonly resources: readonly DiscoveredResource[];
  /** Names that are gone: the server said so, or their time to live is over. */
  readonly removed: readonly string[];
  /** These are all there are: what is not among them is gone (wildcards of listeners and clusters). */
  readonly isWhole: boolean;
}

/** Why nothing came. */
export type DiscoveryFailure =
  /** The server cannot be reached, or ended the stream: told every time, and tried again. */
  | 'connection'
  /** What came, or stands in the file, cannot be read. As after a sink's own refusal, the wait ends. */
  | 'rejected'
  /** initial_fetch_timeout is over: told once, and what comes later is taken as usual. */
  | 'fetch-timeout';

/** '' when all was taken, else why not; a promise of it while there is much to take. */
export type Answer = string | Promise<string>;

/** A subscriber; never called inside `subscribe`. */
export interface DiscoverySink {
  /**
   * Takes what can be used. Answers '' when all of it was, else why not, in Envoy's words: what was
   * good of it is in use all the same, and the server hears of the rest. A source that is answered
   * by a promise tells no further update before it is kept, unless a time to live ends.
   */
  onUpdate(update: DiscoveryUpdate): Answer;
  onFailure(failure: DiscoveryFailure): void;
  /**
   * Of the last update: this resource is not in use as it came. Absent: an update is used as a whole,
   * or not at all.
   */
  isRefused?(name: string): boolean;
}

/** Every resource of a type. */
export const ALL_NAMES = '*';

/** A running subscription. */
export interface DiscoverySubscription {
  /** From now on it is about these. */
  setNames(names: ReadonlySet<string>): void;
  /**
   * What was taken of these resources turned out to be of no use: the server hears of it (a NACK), and
   * whoever subscribes must be ready to be told the same again.
   */
  refuse(names: readonly string[], reason: string): void;
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
  /** Where the subscription counts, such as `cluster_manager.cds.`; null: nowhere. */
  readonly stats: StatsScope | null;
}

/** A place where resources come from. */
export interface DiscoverySource {
  subscribe(request: DiscoveryRequest, sink: DiscoverySink): DiscoverySubscription;
  /**
   * Until the answer is called, nothing is asked and nothing is acknowledged of a type; what comes
   * is told. For whoever asks for much at a time, or acknowledges late: Envoy acknowledges clusters
   * when all of them are warm. Twice counts twice.
   */
  pause(typeUrl: string): () => void;
}

/** A source with an end: a stream, polls, a file. */
export interface OpenSource extends DiscoverySource {
  /** The stream is open, or the last poll or reading succeeded. */
  readonly isConnected: boolean;
  /** What is known of its streams now, or of what stands for them. */
  reports(): readonly StreamReport[];
  /** Subscriptions end without a word. */
  close(): void;
}
