import { readFileSync } from 'node:fs';
import t from 'tap';
import { renewIptablesDocs } from '../../iptables-init/docs.ts';
import { FLAGS, VARIABLES } from '../../iptables-init/flags.ts';

const PAGE = new URL('../../../docs/istio-iptables.md', import.meta.url);
const text = readFileSync(PAGE, 'utf8');

t.test('docs/istio-iptables.md is current: else run `npm run docs`', async (t) => {
  t.equal(text, renewIptablesDocs(text));
});

t.test('every flag has a row, every variable without a flag is named', async (t) => {
  const table = text.slice(text.indexOf('<!--'));
  for (const { name } of FLAGS) t.equal(table.split(`\`--${name}\` | `).length, 2, name);
  for (const name of Object.values(VARIABLES)) t.ok(text.includes(`\`${name}\``), name);
});

t.test('a page without a table gets one', async (t) => {
  t.match(renewIptablesDocs('# Title\n'), /^# Title\n\n<!-- .* -->\n\n\| Flag \|/);
});
