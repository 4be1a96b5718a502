// What a log says of an exchange that ended before its response was complete, as Envoy says it.
import type { ResponseFlag } from '../../../http/response-flags.ts';
import type { ResetReason } from '../../../http/stream.ts';
import type { StreamInfo } from '../../../http/stream-info.ts';

/** Response flag and details; null: the codec's own details. */
const BY_REASON: Readonly<Partial<Record<ResetReason, readonly [ResponseFlag, string | null]>>> = {
  'remote-reset': ['DR', 'http2.remote_reset'],
  'remote-refused': ['DR', 'http2.remote_refuse'],
  // Envoy sees its own RST_STREAM as one that arrives.
  overflow: ['DR', null],
  'protocol-error': ['DPE', null],
};

/** Notes why the client's side of a stream was given up; `detail` is what the codec said. */
export function noteReset(info: StreamInfo, reason: ResetReason, detail: string): void {
  const [flag, details] = BY_REASON[reason] ?? ['DC', 'downstream_remote_disconnect'];
  info.addFlag(flag);
  info.responseCodeDetails = details ?? detail;
}
