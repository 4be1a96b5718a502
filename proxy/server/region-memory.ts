// The region that all workers share, as memory: made by the primary before its first fork, inherited
// by every worker under one descriptor.
import {
  CELL_BYTES,
  layoutFor,
  type RegionLayout,
  regionCells,
  SharedRegion,
} from '../base/cells/region.ts';
import { makeSharedMemory, mapSharedMemory } from '../net/shared-memory.ts';

/** The descriptor under which a worker finds the memory: behind its standard ones and its channel. */
export const WORKER_MEMORY_FD = 4;

/** The memory of one proxy. */
export interface RegionMemory {
  readonly layout: RegionLayout;
  /** A descriptor of it; or why there is none. */
  readonly fd: number | string;
}

/** Memory for the region of so many workers. */
export function makeRegionMemory(workers: number): RegionMemory {
  const layout = layoutFor(workers);
  return { layout, fd: makeSharedMemory(regionCells(layout) * CELL_BYTES) };
}

/** The region in memory; or why it cannot be mapped. */
export function mapRegion({ layout, fd }: RegionMemory): SharedRegion | string {
  if (typeof fd === 'string') return fd;
  const memory = mapSharedMemory(fd, regionCells(layout) * CELL_BYTES);
  return typeof memory === 'string' ? memory : new SharedRegion(new Int32Array(memory), layout);
}

/** A region that only this process has. */
export function ownRegion(workers: number): SharedRegion {
  const layout = layoutFor(workers);
  return new SharedRegion(new Int32Array(regionCells(layout)), layout);
}
