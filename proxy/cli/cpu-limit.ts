// How many CPUs this process may use: the machine's, its affinity mask, and the container's quota.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';

/** Reads a file, null if there is none. */
export type ReadText = (path: string) => string | null;

/** Default of `--concurrency`: whole CPUs, at least 1. A quota of 1.5 CPUs feeds one worker. */
export function defaultConcurrency(readText: ReadText = readTextFile): number {
  const limit = cgroupCpuLimit(readText);
  return Math.max(1, Math.min(availableParallelism(), Math.floor(limit)));
}

/** CPUs that the cgroup's quota allows; Infinity without a quota. */
export function cgroupCpuLimit(readText: ReadText): number {
  let limit = Number.POSITIVE_INFINITY;
  for (const line of (readText('/proc/self/cgroup') ?? '').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    if (controllers === '') limit = Math.min(limit, limitOfV2(path, readText));
    else if (controllers.split(',').includes('cpu')) {
      limit = Math.min(limit, limitOfV1(path, readText));
    }
  }
  return limit;
}

/** cgroup v2: every ancestor's quota counts, and a container may see itself as the root. */
function limitOfV2(path: string, readText: ReadText): number {
  let limit = Number.POSITIVE_INFINITY;
  for (let group = path; ; group = dirname(group)) {
    const [quota, period] = (readText(join('/sys/fs/cgroup', group, 'cpu.max')) ?? '').split(' ');
    limit = Math.min(limit, cpus(quota, period));
    if (group === '/' || group === '.') return limit;
  }
}

function limitOfV1(path: string, readText: ReadText): number {
  let limit = Number.POSITIVE_INFINITY;
  for (const mount of ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup/cpu,cpuacct']) {
    for (const group of [path, '/']) {
      const quota = readText(join(mount, group, 'cpu.cfs_quota_us'));
      const period = readText(join(mount, group, 'cpu.cfs_period_us'));
      if (quota !== null && period !== null) limit = Math.min(limit, cpus(quota, period));
    }
  }
  return limit;
}

/** `max` and -1 mean «no quota». */
function cpus(quota: string | undefined, period: string | undefined): number {
  const ratio = Number(quota) / Number(period);
  return Number.isFinite(ratio) && ratio > 0 ? ratio : Number.POSITIVE_INFINITY;
}

function readTextFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    // Not Linux, no cgroups, or not ours to read: no quota is known.
    return null;
  }
}
