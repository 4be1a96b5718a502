// How much of a resource is used: what the overload manager looks at besides the heap.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { MonitorConfig } from '../model/overload.ts';

/** Reads a file of the system; throws when it cannot. */
export type ReadText = (path: string) => string;

/** Reads one resource; its pressure is 0 to 1, or more. null: it cannot be read now. */
export interface ResourceReader {
  pressure(nowMs: number): number | null;
}

const CGROUP = '/sys/fs/cgroup';
/** What version 1 says without a limit is a number beyond all memory. */
const BYTES_OF_NO_LIMIT = 2 ** 60;
const US_PER_MS = 1000;
/** Envoy's: a reading counts so much beside what was known before. */
const DAMPENING = 0.05;

/** The reader of a monitor; the heap is not read here. */
export function resourceReader(
  config: Exclude<MonitorConfig, { readonly kind: 'heap' }>,
  read: ReadText = (path) => readFileSync(path, 'utf8'),
): ResourceReader {
  switch (config.kind) {
    case 'injected':
      return { pressure: () => injected(config.path, read) };
    case 'cgroup':
      return { pressure: () => cgroupMemory(config.maxBytes, read) };
    default:
      return new CpuReader(config.isContainer ? () => containerCpu(read) : () => hostCpu(read));
  }
}

function injected(path: string, read: ReadText): number | null {
  const text = textOf(path, read);
  const pressure = Number(text ?? '');
  const isPressure = text !== null && text !== '' && pressure >= 0 && pressure <= 1;
  return isPressure ? pressure : null;
}

function cgroupMemory(maxBytes: number | null, read: ReadText): number | null {
  const used =
    numberIn(`${CGROUP}/memory.current`, read) ??
    numberIn(`${CGROUP}/memory/memory.usage_in_bytes`, read);
  if (used === null) return null;
  const own =
    numberIn(`${CGROUP}/memory.max`, read) ??
    numberIn(`${CGROUP}/memory/memory.limit_in_bytes`, read) ??
    Number.POSITIVE_INFINITY;
  const limit = Math.min(own, maxBytes ?? Number.POSITIVE_INFINITY);
  return limit >= BYTES_OF_NO_LIMIT ? 0 : used / limit;
}

/** What was worked so far, and what could have been; in any unit. */
interface CpuTimes {
  readonly work: number;
  /** null: as much as `cpus` processors do in the time that passes, in ms. */
  readonly total: number | null;
  readonly cpus: number;
}

class CpuReader implements ResourceReader {
  readonly #read: () => CpuTimes | null;
  #before: { readonly times: CpuTimes; readonly nowMs: number } | null = null;
  #pressure = 0;

  constructor(read: () => CpuTimes | null) {
    this.#read = read;
  }

  pressure(nowMs: number): number | null {
    const times = this.#read();
    const before = this.#before;
    if (times === null) return null;
    this.#before = { times, nowMs };
    if (before === null) return this.#pressure;
    const work = times.work - before.times.work;
    const possible =
      times.total === null || before.times.total === null
        ? (nowMs - before.nowMs) * times.cpus
        : times.total - before.times.total;
    if (!(possible > 0) || work < 0) return null;
    const now = Math.min(1, work / possible);
    this.#pressure = now * DAMPENING + this.#pressure * (1 - DAMPENING);
    return this.#pressure;
  }
}

/** The first line of /proc/stat: user, nice, system, idle and more ticks. */
function hostCpu(read: ReadText): CpuTimes | null {
  const line = /^cpu +([\d ]+)/.exec(textOf('/proc/stat', read) ?? '')?.[1];
  if (line === undefined) return null;
  const ticks = line.trim().split(' ').map(Number);
  const [user = 0, nice = 0, system = 0, idle = 0] = ticks;
  const work = user + nice + system;
  return { work, total: work + idle, cpus: 1 };
}

/** Version 2 of control groups: microseconds that were used, and those allowed in each period. */
function containerCpu(read: ReadText): CpuTimes | null {
  const used = /^usage_usec (\d+)$/m.exec(textOf(`${CGROUP}/cpu.stat`, read) ?? '')?.[1];
  if (used === undefined) return null;
  const quota = /^(\d+) (\d+)$/.exec(textOf(`${CGROUP}/cpu.max`, read) ?? '');
  const cpus = quota === null ? availableParallelism() : Number(quota[1]) / Number(quota[2]);
  return { work: Number(used) / US_PER_MS, total: null, cpus };
}

/** null: there is no such file, or no number in it. */
function numberIn(path: string, read: ReadText): number | null {
  const text = textOf(path, read);
  return text !== null && /^\d+$/.test(text) ? Number(text) : null;
}

function textOf(path: string, read: ReadText): string | null {
  try {
    return read(path).trim();
  } catch {
    // Not on this system; the monitor counts a failed update.
    return null;
  }
}
