// The program of a forked worker. Nothing but how V8 loads is imported here: what a file imports is
// read, and parsed, before any of its imports runs.
import './loading-phase.ts';

// A terminal's Ctrl-C reaches the whole process group; what a worker does then, the primary says.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) {
  process.on(signal, () => undefined);
}

const { runForkedWorker } = await import('./run-forked-worker.ts');
runForkedWorker();
