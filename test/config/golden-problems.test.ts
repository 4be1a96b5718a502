// Every file of test/golden/problems is a bootstrap, a line of dashes, and what loading it reports:
// severity, place, path and text of each problem. A new case is a new file.
import fs from 'node:fs';
import t from 'tap';
import { loadBootstrap } from '../../proxy/config/load.ts';
import { loadOptions } from '../support/load-options.ts';

const ROOT = new URL('../../../test/golden/problems/', import.meta.url);
const SEPARATOR = /^-{10,}\n/m;

for (const name of fs.readdirSync(ROOT)) {
  t.test(`what is said of ${name}`, (t) => {
    const [content = '', expected = ''] = fs
      .readFileSync(new URL(name, ROOT), 'utf8')
      .split(SEPARATOR);
    const { problems } = loadBootstrap([{ name: 'x.yaml', content }], loadOptions());
    const lines = problems.map(
      ({ severity, line, column, path, reason }) =>
        `${severity} ${line}:${column} ${path}\n  ${reason}\n`,
    );
    t.equal(lines.join(''), expected);
    t.end();
  });
}
