// Whether an access log can be opened, asked before a configuration is accepted.
import { closeSync, constants, openSync } from 'node:fs';
import { systemErrorText } from '../base/system-error.ts';

const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
const MODE = 0o644;

/** Why lines cannot be appended to `path`, in Envoy's words; null when they can. Makes the file. */
export function probeLogFile(path: string): string | null {
  try {
    closeSync(openSync(path, FLAGS, MODE));
    return null;
  } catch (error) {
    const failure = error as NodeJS.ErrnoException;
    // A pipe whose reader has not come yet, and a standard stream that is a socket.
    if (failure.code === 'ENXIO') return null;
    return `unable to open file '${path}': ${systemErrorText(failure)}`;
  }
}
