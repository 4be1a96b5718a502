import t from 'tap';
import type { SourceText } from '../../proxy/config/source/source-file.ts';
import { StatsStore } from '../../proxy/stats/store.ts';
import { ALL_NAMES } from '../../proxy/xds/discovery.ts';
import { FileSource } from '../../proxy/xds/file-source.ts';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { DiscoveryLog } from '../support/discovery-log.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { turn } from '../support/fake-mux.ts';

function watched(t: { teardown(end: () => void): void }) {
  const clock = new FakeClock();
  const file: { content: string | null } = { content: null };
  let onChange: () => void = () => undefined;
  let isWatched = true;
  const lines: string[] = [];
  const source = new FileSource({
    path: 'eds.yaml',
    typeUrl: TYPE_URLS.endpoint,
    read: async (name): Promise<SourceText> => {
      if (file.content === null) throw new Error('ENOENT');
      return { name, content: file.content };
    },
    watch: (told) => {
      onChange = told;
      return () => {
        isWatched = false;
      };
    },
    clock,
    timers: clock.timers,
    log: { enabled: () => true, log: (_level, message) => lines.push(message) },
  });
  t.teardown(() => source.close());
  const log = new DiscoveryLog();
  const stats = new StatsStore(null);
  const names = new Set([ALL_NAMES]);
  const typeUrl = TYPE_URLS.endpoint;
  source.subscribe({ typeUrl, names, fetchTimeoutMs: 0, stats }, log);
  const write = async (content: string | null) => {
    file.content = content;
    onChange();
    await turn();
    await turn();
  };
  return { source, log, lines, write, isWatched: () => isWatched, stats };
}

const yaml = (version: string, name: string) =>
  `version_info: "${version}"\nresources:\n- "@type": ${TYPE_URLS.endpoint}\n  cluster_name: ${name}\n`;

t.test('reads YAML, keeps what it had while the file is bad, and counts', async (t) => {
  const { lines, log, stats, write } = watched(t);
  await write(null);
  t.same(log.failures, ['rejected'], 'nobody waits for a file that is not there');
  t.match(lines[0], /^Filesystem config update failure: eds\.yaml: ENOENT/);
  await write(yaml('1', 'a'));
  t.same([log.told, log.last.version], [['a'], '1']);
  await write('resources: [{');
  await write(`${yaml('2', 'b')}nonsense: true\n`);
  t.same(log.told, ['a']);
  await write(yaml('3', 'b'));
  t.same(log.told, ['a', 'b']);
  const { counters, textReadouts } = stats.snapshot();
  t.equal(counters['update_failure'], 3);
  t.equal(counters['update_success'], 2);
  t.equal(textReadouts['version_text'], '3');
});

t.test('what did not change is not told, what was refused is tried again', async (t) => {
  const { log, stats, write } = watched(t);
  await write(yaml('1', 'a'));
  await write(yaml('1', 'a'));
  t.same(log.told, ['a'], 'something else of its directory changed');
  log.refusal = 'its address is taken';
  await write(yaml('2', 'b'));
  log.refusal = '';
  await write(yaml('2', 'b'));
  t.same(log.told, ['a', 'b', 'b']);
  t.equal(stats.snapshot().counters['update_success'], 2);
  await write(yaml('1', 'a'));
  t.equal(log.told.length, 4, 'back to what it was before');
});

t.test('a resource of another type is refused', async (t) => {
  const { log, stats, write } = watched(t);
  await write(`resources:\n- "@type": ${TYPE_URLS.cluster}\n  name: a\n`);
  t.equal(stats.snapshot().counters['update_rejected'], 1);
  t.same(log.told, []);
});

t.test('closed, it watches no longer', async (t) => {
  const { isWatched, log, source, write } = watched(t);
  source.close();
  t.notOk(isWatched());
  await write(yaml('1', 'a'));
  t.same(log.told, []);
});
