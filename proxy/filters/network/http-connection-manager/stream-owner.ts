// What a stream and its connection know of each other.
import type { DownstreamConnectionInfo, StreamInfo } from '../../../http/stream-info.ts';
import type { HcmRuntime } from './hcm-runtime.ts';

/** A stream as its connection watches it. */
export interface OwnedStream {
  /** What is known of it so far. */
  readonly info: StreamInfo;
  /** Its place in its connection's list, which keeps it there. */
  listIndex: number;
  /** When it must end if nothing moves, in monotonic ms; Infinity: never. */
  quietDeadlineMs(): number;
  /** That time has come. */
  onQuietDeadline(): void;
}

/** The connection of a stream. */
export interface StreamOwner {
  readonly runtime: HcmRuntime;
  readonly info: DownstreamConnectionInfo;
  /** A response begins. True: the connection is to end with what it has now. */
  onResponseBegin(): boolean;
  nowMs(): number;
  onIdleTimeoutChanged(stream: OwnedStream): void;
  onStreamOver(stream: OwnedStream): void;
}
