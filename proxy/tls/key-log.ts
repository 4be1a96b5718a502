// Logs of session keys, for whoever decodes captured traffic: one stream per path and process.
import { createWriteStream, type WriteStream } from 'node:fs';
import type { Logger } from '../base/log.ts';

/** Lines beyond this are dropped while the disk is slow. */
const MAX_WAITING_BYTES = 1_048_576;

const open = new Map<string, WriteStream>();

/** Appends lines; only the owner of the process may read them. Failing is logged once. */
export function openKeyLog(path: string, log: Logger): (line: Buffer) => void {
  let stream = open.get(path);
  if (stream === undefined) {
    stream = createWriteStream(path, { flags: 'a', mode: 0o600 });
    stream.on('error', (error) => {
      open.delete(path);
      log.log('warning', 'keys cannot be logged', { path, reason: error.message });
    });
    open.set(path, stream);
  }
  const target = stream;
  return (line) => {
    if (!target.destroyed && target.writableLength < MAX_WAITING_BYTES) target.write(line);
  };
}
