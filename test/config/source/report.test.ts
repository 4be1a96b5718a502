import t from 'tap';
import {
  type LocatedProblem,
  problemsToJson,
  renderProblems,
  sortProblems,
} from '../../../proxy/config/source/report.ts';

const problem: LocatedProblem = {
  severity: 'error',
  file: 'a.yaml',
  line: 2,
  column: 3,
  length: 4,
  path: 'x.y',
  reason: 'unknown field',
};
const texts = new Map([['a.yaml', 'one:\n  twoo: 2\nthree: 3\n']]);

t.test('shows place, path, reason, the lines around and a caret', (t) => {
  t.equal(
    renderProblems([problem], { colour: false, texts }),
    [
      'a.yaml:2:3: error: x.y: unknown field',
      '  1 | one:',
      '  2 |   twoo: 2',
      '    |   ^^^^',
      '  3 | three: 3',
      '',
      '1 error',
      '',
    ].join('\n'),
  );
  t.end();
});

t.test('has no frame where there is no text, and nothing to say of nothing', (t) => {
  const options = { colour: false, texts: new Map<string, string>() };
  const binary = { ...problem, line: 0, column: 0, path: '' };
  t.equal(renderProblems([binary], options), 'a.yaml: error: unknown field\n\n1 error\n');
  t.match(
    renderProblems([problem], options),
    /^a\.yaml:2:3: error: x\.y: unknown field\n\n1 error/,
  );
  t.equal(renderProblems([], options), '');
  t.end();
});

t.test('colours only when told', (t) => {
  const warning = { ...problem, severity: 'warning' as const };
  const coloured = renderProblems([problem, warning], { colour: true, texts });
  t.match(coloured, '\u001b[31merror\u001b[0m');
  t.match(coloured, '\u001b[33mwarning\u001b[0m');
  t.notMatch(renderProblems([problem, warning], { colour: false, texts }), '\u001b');
  t.end();
});

t.test('counts errors and warnings', (t) => {
  const warning = { ...problem, severity: 'warning' as const };
  const count = (list: LocatedProblem[]): string | undefined =>
    renderProblems(list, { colour: false, texts }).trimEnd().split('\n').at(-1);
  t.equal(count([problem, problem, warning]), '2 errors, 1 warning');
  t.equal(count([warning, warning]), '2 warnings');
  t.end();
});

t.test('puts problems in the order of the text whatever order they come in', (t) => {
  const all = [
    problem,
    { ...problem, line: 10, column: 1 },
    { ...problem, column: 9 },
    { ...problem, file: 'b.yaml', line: 1 },
    { ...problem, path: 'x.z' },
    { ...problem, reason: 'another' },
  ];
  const sorted = sortProblems(all);
  t.same(sortProblems([...all].reverse()), sorted);
  t.same(
    sorted.map((it) => `${it.file}:${it.line}:${it.column}:${it.path}:${it.reason}`),
    [
      'a.yaml:2:3:x.y:another',
      'a.yaml:2:3:x.y:unknown field',
      'a.yaml:2:3:x.z:unknown field',
      'a.yaml:2:9:x.y:unknown field',
      'a.yaml:10:1:x.y:unknown field',
      'b.yaml:1:3:x.y:unknown field',
    ],
  );
  t.same(JSON.parse(problemsToJson([...all].reverse())), sorted);
  t.end();
});

t.test('keeps control characters and endless lines from the terminal', (t) => {
  const long = new Map([['a.yaml', `a\u001b[2J: ${'x'.repeat(1000)}\n`]]);
  const far = { ...problem, line: 1, column: 900, reason: 'found \u001b]0;x\u0007' };
  const text = renderProblems([far], { colour: false, texts: long });
  t.notMatch(text, '\u001b');
  t.match(text, 'x…\n');
  for (const line of text.split('\n')) t.ok(line.length < 200);
  t.end();
});

t.test('puts the caret under the character also behind tabs', (t) => {
  const tabs = new Map([['a.yaml', '\tab\n']]);
  const at = { ...problem, line: 1, column: 2, length: 99 };
  t.match(renderProblems([at], { colour: false, texts: tabs }), '  1 | \tab\n    | \t^^\n');
  t.end();
});
