import t from 'tap';
import { captureRules } from '../../iptables-init/capture-rules.ts';
import { changeLines, strayCandidates } from '../../iptables-init/change-rules.ts';
import { parseSaved } from '../../iptables-init/installed-rules.ts';
import { restoreLines } from '../../iptables-init/rule-set.ts';
import { captureOptions } from '../support/capture-options.ts';

const NOTHING = parseSaved('');
const OLD = parseSaved(
  [
    ...['*nat', ':ISTIO_INBOUND - [0:0]', ':ISTIO_OLD - [0:0]'],
    ...['-A PREROUTING -p tcp -j ISTIO_INBOUND', '-A ISTIO_INBOUND -j ISTIO_OLD', 'COMMIT'],
    ...['*raw', ':ISTIO_OUTPUT_DNS - [0:0]', '-A OUTPUT -j ISTIO_OUTPUT_DNS', 'COMMIT'],
  ].join('\n'),
);

t.test('on a bare host the change is the set itself', async (t) => {
  const wanted = captureRules(captureOptions('-i * -b * -m TPROXY'), 4);
  const change = { installed: NOTHING, strays: [], wanted };
  t.same(changeLines(change), restoreLines(wanted));
});

t.test('replacing: old jumps go, chains are emptied or removed, new ones come', async (t) => {
  const wanted = captureRules(captureOptions('-b 80'), 4);
  const lines = changeLines({ installed: OLD, strays: [], wanted });
  const nat = lines.slice(0, lines.indexOf('COMMIT'));
  t.same(nat.slice(0, 5), [
    '* nat',
    '-D PREROUTING -p tcp -j ISTIO_INBOUND',
    '-F ISTIO_INBOUND',
    '-F ISTIO_OLD',
    '-X ISTIO_OLD',
  ]);
  t.notOk(nat.includes('-N ISTIO_INBOUND'), 'it is there');
  t.ok(nat.includes('-N ISTIO_REDIRECT'));
  t.same(lines.slice(lines.indexOf('* raw')), [
    '* raw',
    '-D OUTPUT -j ISTIO_OUTPUT_DNS',
    '-F ISTIO_OUTPUT_DNS',
    '-X ISTIO_OUTPUT_DNS',
    'COMMIT',
  ]);
});

t.test('a chain is emptied before any is removed: one may lead to the other', async (t) => {
  const lines = changeLines({ installed: OLD, strays: [], wanted: null });
  const lastFlush = lines.lastIndexOf('-F ISTIO_OLD');
  t.ok(lastFlush < lines.indexOf('-X ISTIO_INBOUND'));
});

t.test('nothing to remove is no change', async (t) => {
  t.same(changeLines({ installed: NOTHING, strays: [], wanted: null }), []);
});

t.test('strays: rules in built-in chains that name no chain of ours', async (t) => {
  const set = captureRules(captureOptions('-i * -b * -m TPROXY -c eth9'), 4);
  const strays = strayCandidates(set);
  t.ok(strays.some(({ words }) => words.join(' ') === '-i eth9 -j RETURN'));
  t.ok(strays.some(({ words }) => words.includes('CONNMARK')));
  t.notOk(strays.some(({ chain }) => chain.startsWith('ISTIO_')));
  const removal = changeLines({ installed: NOTHING, strays: strays.slice(0, 1), wanted: null });
  t.match(removal[1], /^-D (?:PREROUTING|OUTPUT) /);
});
