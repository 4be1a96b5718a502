// Shared cells as two processes see them, without processes.
import { CellRegistry } from '../../proxy/base/cells/cell-registry.ts';
import { regionCells, SharedRegion } from '../../proxy/base/cells/region.ts';
import { type CellSource, SharedCells } from '../../proxy/base/cells/shared-cells.ts';

const LAYOUT = { counters: 8, ints: 32, slots: 3 };

/** The primary's book and what the two have of it. */
export interface TwoProcesses {
  readonly registry: CellRegistry;
  readonly processes: readonly [SharedCells, SharedCells];
}

/** Two processes over one region with room for 8 counters and 32 plain cells. */
export function twoProcesses(): TwoProcesses {
  const region = new SharedRegion(new Int32Array(regionCells(LAYOUT)), LAYOUT);
  const registry = new CellRegistry(region);
  const join = (): SharedCells => {
    const slot = registry.join();
    const source: CellSource = {
      want: (request) => registry.want(slot, request),
      giveUp: (key) => registry.giveUp(slot, key),
    };
    return new SharedCells({ region, slot, source, nowMs: () => 0 });
  };
  return { registry, processes: [join(), join()] };
}
