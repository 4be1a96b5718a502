// Workers as processes of their own, behind links.
import { forkWorker } from './forked-worker.ts';
import { PrimaryIpcEnd } from './ipc-link.ts';
import type { WorkerLogSettings } from './link.ts';
import type { SpawnWorker } from './worker-pool.ts';

/** Makes forked workers; `logSettings` is asked for each. */
export function forkWorkers(logSettings: () => WorkerLogSettings): SpawnWorker {
  return (index) => {
    const worker = forkWorker(index, logSettings());
    return { link: new PrimaryIpcEnd(worker), pid: worker.pid, kill: () => worker.kill() };
  };
}
