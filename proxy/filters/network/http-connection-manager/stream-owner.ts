// What a stream and its connection know of each other.
import type { DownstreamConnectionInfo } from '../../../http/stream-info.ts';
import type { HcmRuntime } from './hcm-runtime.ts';

/** A stream as its connection watches it. */
export interface OwnedStream {
  /** When it must end if nothing moves, in monotonic ms; Infinity: never. */
  quietDeadlineMs(): number;
  /** That time has come. */
  onQuietDeadline(): void;
}

/** The connection of a stream. */
export interface StreamOwner {
  readonly runtime: HcmRuntime;
  readonly info: DownstreamConnectionInfo;
  /** True when the response at hand must be the connection's last. */
  readonly endsWithResponse: boolean;
  nowMs(): number;
  onIdleTimeoutChanged(stream: OwnedStream): void;
  onStreamOver(stream: OwnedStream): void;
}
