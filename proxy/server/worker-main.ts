// The program of a forked worker. What goes wrong here ends this worker only: the primary starts
// another in its place.
import { WORKER_LOG_VARIABLE } from './cluster-host.ts';
import { Compiler } from './compiler.ts';
import { onUnhandledError } from './unhandled-error.ts';
import { WorkerIpcEnd } from './ipc-link.ts';
import type { WorkerLogSettings } from './link.ts';
import { PinoLogSink } from './log-sink.ts';
import { Worker } from './worker.ts';

const { index, path, pattern, levels } = JSON.parse(
  process.env[WORKER_LOG_VARIABLE] ?? '{}',
) as WorkerLogSettings & { readonly index: number };
const { '': level, ...componentLevels } = levels;
const log = new PinoLogSink({ level: level ?? 'info', componentLevels, path, pattern, worker: index });

onUnhandledError(log, () => process.exit(EXIT_CRASHED));
