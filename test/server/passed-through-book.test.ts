import t from 'tap';
import { PassedThroughBook } from '../../proxy/server/passed-through-book.ts';

const STATS = {
  name: 'istio.stats',
  category: 'envoy.filters.http',
  typeName: 'stats.PluginConfig',
};
const PEERS = { name: 'peers', category: 'envoy.filters.http', typeName: 'acme.Peers' };

t.test('all that have no effect are named in one line, again only when there are more', (t) => {
  const book = new PassedThroughBook();
  const lines: string[] = [];
  const log = {
    isEnabled: () => true,
    log: (level: string, text: string) => lines.push(`${level} ${text}`),
  };
  book.report(log as never);
  t.same(lines, []);
  book.note(STATS);
  book.note({ ...STATS, category: 'envoy.filters.network' });
  book.note(STATS);
  book.report(log as never);
  book.report(log as never);
  t.same(lines.length, 1);
  t.match(lines[0], /^warning .*: istio\.stats$/);
  book.note(PEERS);
  book.report(log as never);
  t.match(lines[1], /: istio\.stats, peers$/);
  t.same(
    book
      .asDisabled()
      .map(({ name, category, disabled, typeUrls }) => [name, category, disabled, ...typeUrls]),
    [
      ['istio.stats', 'envoy.filters.http', true, 'stats.PluginConfig'],
      ['istio.stats', 'envoy.filters.network', true, 'stats.PluginConfig'],
      ['peers', 'envoy.filters.http', true, 'acme.Peers'],
    ],
  );
  t.end();
});
