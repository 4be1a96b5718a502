// Workers as forked processes. They share the listening sockets, which the primary holds open: a
// worker that dies takes only its own connections with it.
import cluster from 'node:cluster';
import { fileURLToPath } from 'node:url';
import { PrimaryIpcEnd } from './ipc-link.ts';
import type { WorkerLogSettings } from './link.ts';
import type { SpawnWorker } from './worker-pool.ts';

/** The environment variable by which a forked worker learns how to log before its first message. */
export const WORKER_LOG_VARIABLE = 'OUTRIGGER_WORKER_LOG';

/**
 * Prepares forking and gives the function that does it. `logSettings` is asked for each worker.
 * SCHED_NONE lets workers accept for themselves: handing connections over (SCHED_RR) costs 3 to 4
 * times as much for each. Sockets of their own (reusePort) would lose what waits in a dead worker's
 * queue.
 */
export function forkWorkers(logSettings: () => WorkerLogSettings): SpawnWorker {
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({
    exec: fileURLToPath(new URL(`./worker-main${import.meta.url.slice(-3)}`, import.meta.url)),
    args: [],
    serialization: 'advanced',
  });
  return (index) => {
    const settings = JSON.stringify({ ...logSettings(), index });
    const worker = cluster.fork({ [WORKER_LOG_VARIABLE]: settings });
    return {
      link: new PrimaryIpcEnd(worker),
      pid: worker.process.pid ?? 0,
      kill: () => worker.process.kill('SIGKILL'),
    };
  };
}
