import t from 'tap';
import { parseUriTemplate, type UriTemplate } from '../../proxy/base/uri-template.ts';

function parsed(source: string): UriTemplate {
  const template = parseUriTemplate(source);
  if ('error' in template) throw new Error(template.error);
  return template;
}

t.test('matches a path segment by segment', async (t) => {
  const cases: readonly (readonly [template: string, matching: string, other: string])[] = [
    ['/', '/', '/x'],
    ['/a/', '/a/', '/a'],
    ['/x.y', '/x.y', '/xzy'],
    ["/(x)'", "/(x)'", '/x'],
    ['/~!$&@:;,=-._+', '/~!$&@:;,=-._+', '/~!$&@:;,=-.__'],
    ['/a%2Fb', '/a%2Fb', '/a%2fb'],
    ['/a/*/b', '/a/x;y/b /a/*/b /a/%20/b', '/a//b /a/x/y/b /a/x"/b /A/x/b /a/x/b/'],
    ['/a/**', '/a/ /a/b /a/b/c /a// /a/*', '/a /a/b" /b/'],
    ['/a/**/b', '/a//b /a/x/b /a/x/y/b', '/a/b'],
    ['/a/**.m3u8', '/a/.m3u8 /a/x/y.m3u8', '/a/xm3u8'],
    ['/a/*.m3u8', '/a/x.m3u8 /a/x.y.m3u8', '/a/.m3u8 /a/x/y.m3u8'],
    ['/{x}b', '/ab', '/b /a/b'],
    ['/b{x}', '/ba', '/b'],
    ['/{a=**}/b', '//b /x/b /x/y/b', '/b'],
    ['/{a=x/*}', '/x/y', '/x/ /x/y/z'],
    ['/{a=x/**}/y', '/x//y /x/a/b/y', '/x/y'],
  ];
  for (const [source, matching, other] of cases) {
    const template = parsed(source);
    for (const path of matching.split(' ')) t.ok(template.matches(path), `${source} ${path}`);
    for (const path of other.split(' ')) t.notOk(template.matches(path), `${source} not ${path}`);
    t.equal(template.doubt, null, source);
  }
});

t.test('a star inside of a literal repeats what stands before it, and is doubted', async (t) => {
  const template = parsed('/a/bc*');
  t.match(template.doubt, /^the \* of 'bc\*' repeats the character before it/);
  t.ok(template.matches('/a/b'));
  t.ok(template.matches('/a/bccc'));
  t.notOk(template.matches('/a/bcx'));
  t.notOk(parsed('/a**').matches('/a'), 'a repetition of a repetition matches nothing');
  t.notOk(parsed('/***').matches('/x'));
  t.equal(parsed('/***').captures('/x'), null);
});

t.test('captures what the variables stand for, by the order of their names', async (t) => {
  const template = parsed('/{first}/x/{rest=v1/**}');
  t.same(template.variables, ['first', 'rest']);
  t.same(template.captures('/one/x/v1/two/three'), ['one', 'v1/two/three']);
  t.equal(template.captures('/one/y/v1/'), null);
  t.same(parsed('/a').captures('/a'), []);
});

t.test('refuses what Envoy refuses, with its words', async (t) => {
  const cases: readonly (readonly [template: string, error: string])[] = [
    ['a/b', 'Invalid pattern: "a/b"'],
    ['/a b', 'Invalid pattern: "/a b"'],
    ['/é', 'Invalid pattern: "/é"'],
    ['//', 'Invalid literal: ""'],
    ['/a//b', 'Invalid literal: ""'],
    ['/a?b', 'Invalid literal: "a?b"'],
    ['/a}', 'Invalid literal: "a}"'],
    ['/x{a', 'Invalid literal: "x{a"'],
    ['/x{a=b/c}', 'Invalid literal: "x{a=b"'],
    ['/x"{a}', 'Invalid prefix literal: "x""'],
    ['/{a}/{b}/{c}/{d}/{e}/{e}', 'Exceeded variable count limit (5)'],
    ['/x*"', 'Invalid literal: "x*""'],
    ['/*{a}', 'Invalid literal: "{a}"'],
    ['/{a', 'Unmatched variable bracket in mixed pattern: "{a"'],
    ['/{a}{b}', 'Invalid suffix literal: "{b}"'],
    ['/x{a}.{b}', 'Invalid suffix literal: ".{b}"'],
    ['/{a={b}}', 'Invalid suffix literal: "}"'],
    ['/{}', 'Invalid variable name: ""'],
    ['/{1a}', 'Invalid variable name: "1a"'],
    ['/{a}/{a}', 'Repeated variable name: "a"'],
    ['/{a}/{b}/{c}/{d}/{e}/{f}', 'Exceeded variable count limit (5)'],
    [
      '/{abcdefghijklmnopq}',
      'Invalid variable name length (length of "abcdefghijklmnopq" should be at least 1 and no more than 16)',
    ],
    ['/{a=}', 'Empty variable match'],
    ['/{a=*.m}', 'Invalid variable match: ".m"'],
    ['/{a=x/}', 'Invalid variable match: "/"'],
    ['/{a=/x}', 'Invalid literal: ""'],
    ['/{a="x"}', 'Invalid literal: ""x""'],
    ['/**/**', 'Glob after text glob.'],
    ['/a/**/{b=**}', 'Glob after text glob.'],
    ['/{a=**/*}', 'Glob after text glob.'],
    ['/a/**/{b}', 'Implicit variable path glob after text glob.'],
  ];
  for (const [source, error] of cases) t.same(parseUriTemplate(source), { error }, source);
});
