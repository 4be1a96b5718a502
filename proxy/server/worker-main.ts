// The program of a forked worker. What goes wrong here ends this worker only: the primary starts
// another in its place.
// Evaluated first: everything else is loaded under it.
import './loading-phase.ts';

import { WORKER_LOG_VARIABLE } from './forked-worker.ts';
import { WorkerIpcEnd } from './ipc-link.ts';
import type { WorkerLogSettings } from './link.ts';
import { allowOptimizing, allowYoungHeapToGrow } from './loading-phase.ts';
import { PinoLogSink } from './log-sink.ts';
import { endOnUnhandledError } from './unhandled-error.ts';
import { Worker } from './worker.ts';

const { index, path, pattern, levels } = JSON.parse(
  process.env[WORKER_LOG_VARIABLE] ?? '{}',
) as WorkerLogSettings & { readonly index: number };
const { '': level, ...componentLevels } = levels;
const options = { level: level ?? 'info', componentLevels, path, pattern, worker: index };
const log = new PinoLogSink(options);
endOnUnhandledError(log, () => log.flush());

// A terminal's Ctrl-C reaches the whole process group; what a worker does then, the primary says.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) {
  process.on(signal, () => undefined);
}

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
allowYoungHeapToGrow();
