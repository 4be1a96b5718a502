// What files of the system say about resources.
import t from 'tap';
import type { MonitorConfig } from '../../proxy/model/overload.ts';
import { resourceReader } from '../../proxy/server/resource-readers.ts';

type Files = Record<string, string>;
type Read = Exclude<MonitorConfig, { readonly kind: 'heap' }>;

function reader(config: Read, files: Files) {
  return resourceReader(config, (path) => {
    const text = files[path];
    if (text === undefined) throw new Error(`${path}: no such file`);
    return text;
  });
}

const CGROUP = '/sys/fs/cgroup/';
const memory = (maxBytes: number | null): Read => ({ name: 'm', kind: 'cgroup', maxBytes });

t.test('an injected resource is the number in a file', async (t) => {
  const files: Files = { '/p': '0.75\n' };
  const injected = reader({ name: 'i', kind: 'injected', path: '/p' }, files);
  t.equal(injected.pressure(0), 0.75);
  for (const text of ['', 'much', '-1', '1.1']) {
    files['/p'] = text;
    t.equal(injected.pressure(0), null, `'${text}'`);
  }
  t.equal(reader({ name: 'i', kind: 'injected', path: '/q' }, files).pressure(0), null);
});

t.test('memory is that of the container, of its limit or a lower one', async (t) => {
  const files: Files = { [`${CGROUP}memory.current`]: '50\n', [`${CGROUP}memory.max`]: '200\n' };
  t.equal(reader(memory(null), files).pressure(0), 0.25);
  t.equal(reader(memory(100), files).pressure(0), 0.5);
  t.equal(reader(memory(400), files).pressure(0), 0.25);
  files[`${CGROUP}memory.max`] = 'max\n';
  t.equal(reader(memory(null), files).pressure(0), 0, 'no limit');
  t.equal(reader(memory(100), files).pressure(0), 0.5);
  const old: Files = {
    [`${CGROUP}memory/memory.usage_in_bytes`]: '30',
    [`${CGROUP}memory/memory.limit_in_bytes`]: '60',
  };
  t.equal(reader(memory(null), old).pressure(0), 0.5, 'version 1');
  t.equal(reader(memory(null), {}).pressure(0), null);
});

t.test('processors: what was worked of what was possible, smoothed', async (t) => {
  const files: Files = { '/proc/stat': 'cpu  100 0 100 800 5 5\ncpu0 1 1 1 1\n' };
  const host = reader({ name: 'c', kind: 'cpu', isContainer: false }, files);
  t.equal(host.pressure(0), 0, 'nothing to compare with');
  files['/proc/stat'] = 'cpu  150 0 150 800 5 5\n';
  t.equal(host.pressure(1000), 0.05);
  files['/proc/stat'] = 'cpu  150 0 150 900 5 5\n';
  t.equal(host.pressure(2000), 0.05 * 0.95);
  t.equal(host.pressure(2000), null, 'no time has passed');
  const stat = `${CGROUP}cpu.stat`;
  const own: Files = { [stat]: 'usage_usec 1000000\n', [`${CGROUP}cpu.max`]: '200000 100000\n' };
  const container = reader({ name: 'c', kind: 'cpu', isContainer: true }, own);
  t.equal(container.pressure(0), 0);
  own[stat] = 'usage_usec 2000000\nuser_usec 1\n';
  t.equal(container.pressure(1000), 0.5 * 0.05, 'one of two processors');
  t.equal(reader({ name: 'c', kind: 'cpu', isContainer: true }, {}).pressure(0), null);
});
