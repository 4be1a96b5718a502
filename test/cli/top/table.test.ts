// What `outrigger top` prints: the golden files of test/golden/top, one for each width and order.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { type Arrangement, arrange } from '../../../proxy/cli/top/arrange.ts';
import { compareSamples, type Report } from '../../../proxy/cli/top/rates.ts';
import { readSample, type Sample } from '../../../proxy/cli/top/sample.ts';
import { cut, summaryLine, tableLines } from '../../../proxy/cli/top/table.ts';
import { clustersJson, statsJson } from '../../support/scripted-admin.ts';
import { LOOKS } from '../../support/top-looks.ts';

const GOLDEN = fileURLToPath(new URL('../../../../test/golden/top/', import.meta.url));
const ALL: Arrangement = { sort: 'name', filter: '', hosts: true };

function sampleOf(index: number): Sample {
  const look = LOOKS[index] ?? [];
  const serverInfo = { state: 'LIVE', uptime_current_epoch: '63s' };
  const answers = { serverInfo, clusters: clustersJson(look), stats: statsJson(look) };
  const sample = readSample(answers, 10_000 * index);
  if (sample === null) throw new Error('no sample');
  return sample;
}

const report: Report = compareSamples(sampleOf(0), sampleOf(1));

function printed(arrangement: Partial<Arrangement>, width: number, colour = false): string {
  const rows = arrange(report.clusters, { ...ALL, ...arrangement });
  const lines = [cut(summaryLine(report, '127.0.0.1:9901'), width)];
  lines.push(...tableLines(rows, { width, colour }));
  return `${lines.join('\n')}\n`;
}

const CASES: Readonly<Record<string, string>> = {
  'wide.txt': printed({}, 160),
  'eighty-columns.txt': printed({ sort: 'success' }, 80),
  'forty-columns.txt': printed({ sort: 'rps' }, 40),
  'clusters-only.txt': printed({ hosts: false, sort: 'latency' }, 120),
  'one-host.txt': printed({ filter: '10.0.1.2' }, 120),
};

t.test('each width and order prints what its file says', (t) => {
  for (const [name, text] of Object.entries(CASES)) {
    t.equal(text, readFileSync(GOLDEN + name, 'utf8'), name);
  }
  t.end();
});

t.test('no line is wider than the terminal, however narrow it is', (t) => {
  for (let width = 1; width <= 140; width += 1) {
    const longest = Math.max(
      ...printed({}, width)
        .split('\n')
        .map((line) => [...line].length),
    );
    t.ok(longest <= width, `${width} columns: ${longest}`);
  }
  t.end();
});

t.test('colour changes no text', (t) => {
  const coloured = printed({}, 120, true);
  t.ok(coloured.includes('\u001b[31m'));
  t.equal(coloured.replace(/\u001b\[\d*m/g, '').replace(/ +$/gm, ''), printed({}, 120));
  t.end();
});

t.test('names cannot steer the terminal', (t) => {
  t.equal(cut('a\u001b[2Jb\u202e', 20), 'a?[2Jb?');
  t.equal(cut('abcdef', 4), 'abc…');
  t.end();
});
