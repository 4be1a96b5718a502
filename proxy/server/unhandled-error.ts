// What happens to errors that nobody handled: they are bugs of ours, the process's state is not to
// be trusted any more, and it ends. A worker's primary starts another one.
import type { LogSink } from '../base/log.ts';

/** Exit status of a process that ended by an error of its own (sysexits.h EX_SOFTWARE). */
export const EXIT_CRASHED = 70;

/** Logs what nobody handled and ends the process; `flush` writes what the log still holds. */
export function endOnUnhandledError(log: LogSink, flush: () => void): void {
  const end = (what: string, error: unknown): void => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.logger('main').log('critical', `${what}: ${text}`);
    flush();
    process.exit(EXIT_CRASHED);
  };
  process.on('uncaughtException', (error) => end('uncaught exception', error));
  process.on('unhandledRejection', (reason) => end('unhandled rejection', reason));
}
