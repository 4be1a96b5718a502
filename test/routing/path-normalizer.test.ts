import t from 'tap';
import { randomBelow } from '../../proxy/base/random.ts';
import { normalizePath, type PathNormalizerOptions } from '../../proxy/routing/path-normalizer.ts';
import { seededRandom } from '../support/seeded-random.ts';

const NOTHING: PathNormalizerOptions = {
  escapedSlashes: 'keep',
  normalizePath: false,
  mergeSlashes: false,
};
const ALL: PathNormalizerOptions = {
  escapedSlashes: 'forward',
  normalizePath: true,
  mergeSlashes: true,
};

/** The path that comes out, or the kind of any other answer. */
function outcome(path: string, options: PathNormalizerOptions): string {
  const result = normalizePath(path, options);
  if (result.kind === 'ok') return result.path;
  return result.kind === 'redirect' ? `-> ${result.path}` : result.kind;
}

t.test('leaves a path alone when nothing is asked for', async (t) => {
  for (const path of ['/', '/a/../b', '//', '/a%2fb', '/%00', '/a\\b?x/../y']) {
    t.equal(outcome(path, NOTHING), path);
  }
});

t.test('refuses fragments, wherever they stand', async (t) => {
  for (const path of ['/a#', '/#x', '/a?b#c']) t.equal(outcome(path, NOTHING), 'rejected', path);
});

t.test('canonicalises as Envoy does', async (t) => {
  const cases: readonly (readonly [given: string, wanted: string])[] = [
    ['/', '/'],
    ['/plain/path-1_2.html', '/plain/path-1_2.html'],
    ['/a%2eb', '/a.b'],
    ['/%2e', '/'],
    ['/%2e%2e/a', '/a'],
    ['/a/%2E./b', '/b'],
    ['/a/.%2e/b', '/b'],
    ['/a/..', '/'],
    ['/a/.', '/a/'],
    ['/a/./', '/a/'],
    ['/a/b/..', '/a/'],
    ['/..', '/'],
    ['/../..', '/'],
    ['/a/../', '/'],
    ['/a//../b', '/a/b'],
    ['/a/..//b', '//b'],
    ['/.//', '//'],
    ['//..', '/'],
    ['/a\\..\\b', '/b'],
    ['/a\\b', '/a/b'],
    ['/a%2fb%5cc%2FD', '/a%2fb%5cc%2FD'],
    ['/%2e%2e%2fa', '/..%2fa'],
    ['/...', '/...'],
    ['/.a', '/.a'],
    ['/a/..b', '/a/..b'],
    ['/a/b..', '/a/b..'],
    ['/a/.b/', '/a/.b/'],
    ['/a;/..', '/'],
    ['/a;..;/b', '/a;..;/b'],
    ['/a/..;/b', '/b'],
    ['/a/.;x=1/b', '/a/b'],
    ['/a/..;', '/'],
    ['/a/..;x/../b', '/b'],
    ['/a/..;\\b', '/'],
    ['/a\\..;/b', '/b'],
    ['/a/%2e%2e;/b', '/b'],
    ['/a/..;%00/b', '/b'],
    ['/a/...;/b', '/a/...;/b'],
    ['/a/b..;/c', '/a/b..;/c'],
    ['/a/..%3b/b', '/a/..%3b/b'],
    ['/;/a', '/;/a'],
    ['/a%', '/a%'],
    ['/a%2', '/a%2'],
    ['/a%zz', '/a%zz'],
    ['/a%2g', '/a%2g'],
    ['/a%%2fb', '/a%%2fb'],
    ['/%41%5A%7e%2D%5f%39', '/AZ~-_9'],
    ['/a%25%32%65', '/a%252e'],
    ['/a/%c0%ae/', '/a/%c0%ae/'],
    ['/%20%7B%ff', '/%20%7B%ff'],
    ['/a|b{}^`"<>', '/a%7Cb%7B%7D%5E%60%22%3C%3E'],
    ['/caf\u00e9 \u007f', '/caf%E9%20%7F'],
    ['/?x/../y', '/?x/../y'],
    ['/a?b=%00', '/a?b=%00'],
    ['/a/..?b/../c', '/?b/../c'],
    ['relative/../x', '/x'],
    ['\\a', '/a'],
    ['/%00', 'rejected'],
    ['/a/%00/../b', 'rejected'],
  ];
  for (const [given, wanted] of cases) {
    t.equal(outcome(given, { ...NOTHING, normalizePath: true }), wanted, given);
  }
});

t.test('makes no new escape by undoing one', async (t) => {
  const options = { ...NOTHING, normalizePath: true };
  t.equal(outcome('/%%32e%%32e/admin', options), '/%%32e%%32e/admin');
  t.equal(outcome('/%2%66', options), '/%2%66');
  t.equal(outcome('/%%7e', options), '/%~');
});

t.test('merges slashes of the path, not of the query', async (t) => {
  const cases: readonly (readonly [given: string, wanted: string])[] = [
    ['//a//b//?a//b', '/a/b/?a//b'],
    ['/a///', '/a/'],
    ['/a/b', '/a/b'],
    ['//', '//'],
    ['///', '//'],
    ['/a?//', '/a?//'],
  ];
  for (const [given, wanted] of cases) {
    t.equal(outcome(given, { ...NOTHING, mergeSlashes: true }), wanted, given);
  }
});

t.test('treats escaped slashes as told, in one pass', async (t) => {
  const cases: readonly (readonly [given: string, forwarded: string])[] = [
    ['/a%2fb', '/a/b'],
    ['/a%5cb', '/a\\b'],
    ['/a%2Fb%5C..%5cc?x=%2f', '/a/b\\..\\c?x=%2f'],
    ['/%%2f', '/%/'],
    ['/%%2f2f', '/%/2f'],
  ];
  for (const [given, forwarded] of cases) {
    t.equal(outcome(given, NOTHING), given);
    t.equal(outcome(given, { ...NOTHING, escapedSlashes: 'forward' }), forwarded, given);
    t.equal(outcome(given, { ...NOTHING, escapedSlashes: 'reject' }), 'rejected', given);
    t.equal(outcome(given, { ...NOTHING, escapedSlashes: 'redirect' }), `-> ${forwarded}`, given);
  }
  for (const path of ['/a', '/%252f', '/a%2e', '/a?x=%2f%5c']) {
    for (const escapedSlashes of ['keep', 'reject', 'redirect', 'forward'] as const) {
      t.equal(outcome(path, { ...NOTHING, escapedSlashes }), path);
    }
  }
});

t.test('runs the steps in Envoy’s order', async (t) => {
  const redirecting: PathNormalizerOptions = { ...ALL, escapedSlashes: 'redirect' };
  const cases: readonly (readonly [given: string, all: string, redirected: string])[] = [
    ['/a%2Fb%5C..%5cc?x=%2f', '/a/c?x=%2f', '-> /a/c?x=%2f'],
    ['/%2e%2e%2fa', '/a', '-> /a'],
    ['/a%2f%2fb', '/a/b', '-> /a/b'],
    ['/%2f', '//', '-> //'],
    ['/a%%2fb', '/a%/b', '-> /a%/b'],
    ['/a/..//b', '/b', '/b'],
    ['/a%5c%2e%2e/b?%2e', '/b?%2e', '-> /b?%2e'],
    ['/%2f%00', 'rejected', 'rejected'],
  ];
  for (const [given, all, redirected] of cases) {
    t.equal(outcome(given, ALL), all, given);
    t.equal(outcome(given, redirecting), redirected, given);
  }
});

t.test('is idempotent: a normalised path has no second reading', async (t) => {
  const pieces = ['/', '\\', '.', '%', '%2e', '%2E', '%2f', '%5C', '%25', '2', 'e', 'f', '5c', 'a'];
  const more = ['%32', '%65', '%66', '?', ';', '"', '%41', '%7e', '%ff', '..', '%c0', '~'];
  const alphabet = [...pieces, ...more];
  const random = seededRandom(20_241_121);
  const failures: string[] = [];
  const variants: readonly PathNormalizerOptions[] = [
    ALL,
    { ...ALL, escapedSlashes: 'keep' },
    { ...ALL, mergeSlashes: false },
    { ...NOTHING, normalizePath: true },
  ];
  for (let round = 0; round < 20_000; round += 1) {
    let path = '/';
    const length = 1 + randomBelow(random, 9);
    for (let piece = 0; piece < length; piece += 1) {
      path += alphabet[randomBelow(random, alphabet.length)];
    }
    for (const options of variants) {
      const once = outcome(path, options);
      const twice = once === 'rejected' ? once : outcome(once, options);
      if (once !== twice) failures.push(`${path} becomes ${once}, then ${twice}`);
      const [canonical = ''] = once.split('?');
      if (/(^|\/)(\.|%2e){1,2}(\/|;|$)/i.test(canonical))
        failures.push(`${path} keeps dots: ${once}`);
    }
  }
  t.same(failures, []);
});
