// A worker in a process of its own. What goes wrong here ends this worker only: the primary starts
// another in its place.
import { WORKER_LOG_VARIABLE } from './forked-worker.ts';
import { WorkerIpcEnd } from './ipc-link.ts';
import type { WorkerLogSettings } from './link.ts';
import { allowOptimizing } from './loading-phase.ts';
import { PinoLogSink } from './log-sink.ts';
import { endOnUnhandledError } from './unhandled-error.ts';
import { Worker } from './worker.ts';

/** Serves until the primary says otherwise; called once, by the worker's program. */
export function runForkedWorker(): void {
  const { index, path, pattern, levels } = JSON.parse(
    process.env[WORKER_LOG_VARIABLE] ?? '{}',
  ) as WorkerLogSettings & { readonly index: number };
  const { '': level, ...componentLevels } = levels;
  const options = { level: level ?? 'info', componentLevels, path, pattern, worker: index };
  const log = new PinoLogSink(options);
  endOnUnhandledError(log, () => log.flush());
  const link = new WorkerIpcEnd();
  // Without its primary nobody would ever stop this process.
  link.onClosed = () => process.exit(0);
  new Worker({
    link,
    log,
    sharesLog: false,
    sharedCompiler: null,
    registry: null,
    onStopped: () => {
      log.flush();
      process.exit(0);
    },
  });
  allowOptimizing();
}
