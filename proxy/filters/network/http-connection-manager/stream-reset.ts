// What a log says of an exchange that ended before its response was complete, as Envoy says it.
import type { ResponseFlag } from '../../../http/response-flags.ts';
import type { ResetReason } from '../../../http/stream.ts';
import type { StreamInfo } from '../../../http/stream-info.ts';

/** Flags of ends that the codec tells the details of. */
const FLAGS: Readonly<Partial<Record<ResetReason, ResponseFlag>>> = {
  'remote-reset': 'DR',
  'remote-refused': 'DR',
  'protocol-error': 'DPE',
};

/** Notes why the client's side of a stream was given up; `detail` is what the codec said. */
export function noteReset(info: StreamInfo, reason: ResetReason, detail: string): void {
  const flag = FLAGS[reason];
  info.addFlag(flag ?? 'DC');
  info.responseCodeDetails = flag === undefined ? 'downstream_remote_disconnect' : detail;
}
