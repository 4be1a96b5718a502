import t from 'tap';
import { cgroupCpuLimit, defaultConcurrency } from '../../proxy/cli/cpu-limit.ts';

function files(content: Readonly<Record<string, string>>): (path: string) => string | null {
  return (path) => content[path] ?? null;
}

t.test('reads the smallest quota of a cgroup v2 and its parents', async (t) => {
  const read = files({
    '/proc/self/cgroup': '0::/pod/app\n',
    '/sys/fs/cgroup/pod/app/cpu.max': 'max 100000',
    '/sys/fs/cgroup/pod/cpu.max': '150000 100000',
    '/sys/fs/cgroup/cpu.max': '800000 100000',
  });
  t.equal(cgroupCpuLimit(read), 1.5);
});

t.test('reads the quota of a cgroup v1, also when the container sees itself as root', async (t) => {
  const read = files({
    '/proc/self/cgroup': '4:cpu,cpuacct:/docker/abc\n',
    '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '200000',
    '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
  });
  t.equal(cgroupCpuLimit(read), 2);
});

t.test('knows no limit without cgroups or quota', async (t) => {
  t.equal(cgroupCpuLimit(files({})), Number.POSITIVE_INFINITY);
  const unlimited = files({
    '/proc/self/cgroup': '1:cpu:/x',
    '/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us': '-1',
    '/sys/fs/cgroup/cpu/x/cpu.cfs_period_us': '100000',
  });
  t.equal(cgroupCpuLimit(unlimited), Number.POSITIVE_INFINITY);
});

t.test('runs at least one worker, and no more than whole CPUs', async (t) => {
  const half = files({ '/proc/self/cgroup': '0::/', '/sys/fs/cgroup/cpu.max': '50000 100000' });
  t.equal(defaultConcurrency(half), 1);
});
