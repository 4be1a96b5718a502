// Every bootstrap of test/golden/bootstraps is judged by us and, where there is one, by Envoy: both
// must say what the folder says. A new case is a new file. The examples are accepted by both.
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { loadBootstrap } from '../../proxy/config/load.ts';
import { renderProblems } from '../../proxy/config/source/report.ts';
import { loadOptions } from '../support/load-options.ts';
import { type EnvoyVerdict, envoyValidate, withoutEnvoy } from '../support/with-envoy.ts';

const ROOT = fileURLToPath(new URL('../../../test/golden/bootstraps/', import.meta.url));
const EXAMPLES = fileURLToPath(new URL('../../../examples/', import.meta.url));
const PARALLEL = 3;
/** Names files that `outrigger ca` makes first: e2e/mtls-example judges it. */
const WITH_MADE_FILES = 'mtls.yaml';

interface Case {
  readonly name: string;
  readonly file: string;
  readonly accepted: boolean;
}

const examples = fs.readdirSync(EXAMPLES, { recursive: true }).map(String);
const cases: Case[] = [
  ...['accept', 'refuse'].flatMap((folder) =>
    fs.readdirSync(`${ROOT}${folder}`).map((name) => ({
      name: `${folder}/${name}`,
      file: `${ROOT}${folder}/${name}`,
      accepted: folder === 'accept',
    })),
  ),
  ...examples
    .filter((name) => name.endsWith('.yaml') && !name.endsWith('.test.yaml'))
    .filter((name) => name !== WITH_MADE_FILES)
    // What a management server serves is no bootstrap.
    .filter((name) => !name.startsWith('xds/resources/'))
    .map((name) => ({ name, file: `${EXAMPLES}${name}`, accepted: true })),
];

t.test('there are files of both kinds', (t) => {
  t.ok(cases.filter((it) => it.accepted).length >= 30);
  t.ok(cases.filter((it) => !it.accepted).length >= 30);
  t.end();
});

for (const it of cases) {
  t.test(`Outrigger judges ${it.name}`, (t) => {
    const source = { name: it.name, content: fs.readFileSync(it.file) };
    const loaded = loadBootstrap([source], loadOptions());
    const report = renderProblems(loaded.problems, { colour: false, texts: loaded.texts });
    t.equal(loaded.ok, it.accepted, report === '' ? 'no problem was reported' : report);
    const errors = loaded.problems.filter(({ severity }) => severity === 'error');
    t.equal(errors.length === 0, it.accepted, 'errors are reported exactly when it is refused');
    for (const { line, column } of loaded.problems) t.ok(line > 0 && column > 0, 'has a place');
    t.end();
  });
}

t.test('Envoy judges each file the same', { skip: withoutEnvoy }, async (t) => {
  const verdicts = new Map<Case, EnvoyVerdict>();
  const queue = [...cases];
  const work = async (): Promise<void> => {
    for (let it = queue.shift(); it !== undefined; it = queue.shift()) {
      verdicts.set(it, await envoyValidate(it.file));
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  for (const it of cases) {
    const verdict = verdicts.get(it);
    t.equal(verdict?.accepted, it.accepted, `${it.name}: ${verdict?.output.slice(0, 600)}`);
  }
});
