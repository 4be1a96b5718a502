// Outlier detection in the primary, with the system's clock and dice.
import type { LogFile } from '../accesslog/log-file.ts';
import type { SharedCells } from '../base/cells/shared-cells.ts';
import { EventLoop } from '../net/event-loop.ts';
import type { StatsScope } from '../stats/metrics.ts';
import type { HostFlags } from '../upstream/host-flags.ts';
import { OutlierClusters } from '../upstream/outlier/outlier-clusters.ts';
import { OutlierLog } from './outlier-log.ts';
import { SYSTEM_CLOCK } from './system-clock.ts';
import { SystemRandom } from './system-random.ts';

/** Detection for all clusters of the process; `log` is where its events go. */
export function outlierClusters(parts: {
  readonly stats: StatsScope;
  readonly flags: HostFlags;
  readonly cells: SharedCells;
  readonly log: LogFile | null;
}): OutlierClusters {
  const loop = new EventLoop(SYSTEM_CLOCK);
  const { stats, flags, cells, log } = parts;
  return new OutlierClusters({
    ...{ stats, flags, cells },
    clock: loop,
    timers: loop.timers,
    random: new SystemRandom(),
    events: new OutlierLog(log, () => SYSTEM_CLOCK.wallMs()),
  });
}
