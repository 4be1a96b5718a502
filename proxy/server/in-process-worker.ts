// The only worker of a process with --concurrency 1: it lives beside the primary.
import type { CellRegistry } from '../base/cells/cell-registry.ts';
import type { Compiler } from './compiler.ts';
import { directLink } from './direct-link.ts';
import { type AdjustableLog, Worker } from './worker.ts';
import type { SpawnWorker } from './worker-pool.ts';

/** Makes workers in this process; `compiler` is the primary's, asked for at each update. */
export function spawnInProcess(parts: {
  readonly log: AdjustableLog;
  readonly compiler: () => Compiler;
  readonly registry: CellRegistry | null;
}): SpawnWorker {
  return () => {
    const pair = directLink();
    const worker = new Worker({
      link: pair.worker,
      log: parts.log,
      sharesLog: true,
      sharedCompiler: parts.compiler,
      registry: parts.registry,
      onStopped: () => pair.close(),
    });
    return { link: pair.primary, pid: process.pid, kill: () => void worker.kill() };
  };
}
