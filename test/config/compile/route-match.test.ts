import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { RouteMatchSchema } from '../../../proxy/api/gen/envoy/config/route/v3/route_components_pb.js';
import { compileRouteMatch } from '../../../proxy/config/compile/route-match.ts';
import type { CompileEnvironment } from '../../../proxy/model/extension.ts';
import { compileJson, problemLines, testEnvironment } from '../../support/compile-json.ts';

type Json = { [key: string]: JsonValue };

function compile(json: Json, environment: CompileEnvironment = testEnvironment()) {
  return compileJson({ schema: RouteMatchSchema, json, environment }, compileRouteMatch);
}

function refusals(json: Json): readonly string[] {
  return problemLines(compile(json).rejections);
}

t.test('fills in Envoy’s defaults', (t) => {
  t.same(compile({ prefix: '/' }).value, {
    path: { kind: 'prefix', text: '/' },
    caseSensitive: true,
    headers: [],
    queryParameters: [],
    runtimeFractionPpm: null,
    grpcOnly: false,
    cookies: [],
    tlsContext: null,
    dynamicMetadata: [],
    filterState: [],
  });
  t.end();
});

t.test('knows every kind of path, in lower case when case does not matter', (t) => {
  const path = (json: Json) => compile(json).value?.path;
  t.same(path({ path: '/A' }), { kind: 'path', text: '/A' });
  t.same(path({ path: '/A', case_sensitive: false }), { kind: 'path', text: '/a' });
  t.same(path({ prefix: '/A', case_sensitive: false }), { kind: 'prefix', text: '/a' });
  t.same(path({ path_separated_prefix: '/A/b' }), { kind: 'separated-prefix', text: '/A/b' });
  t.match(path({ safe_regex: { regex: '/a.*' } }), { kind: 'regex', regex: { source: '/a.*' } });
  t.same(path({ connect_matcher: {} }), { kind: 'connect' });
  t.match(compile({ prefix: '/', grpc: {} }).value, { grpcOnly: true });
  t.end();
});

t.test('refuses paths that cannot be matched', (t) => {
  t.match(refusals({}), [/^: path_specifier is required/]);
  t.match(refusals({ safe_regex: { regex: '(a' } }), [/^safe_regex\.regex: .*missing closing \)/]);
  const none = compileJson({ schema: RouteMatchSchema, json: {} }, (_, context) =>
    compileRouteMatch(undefined, context),
  );
  t.match(problemLines(none.rejections), [/^: is required/]);
  t.end();
});

t.test('fractions are parts per million, from runtime if it has them', (t) => {
  const of = (fraction: Json, runtime: readonly (readonly [string, string | number])[] = []) => {
    const json = { prefix: '/', runtime_fraction: { default_value: fraction, runtime_key: 'k' } };
    return compile(json, testEnvironment({ runtime: new Map(runtime) })).value?.runtimeFractionPpm;
  };
  t.equal(of({ numerator: 50 }), 500_000);
  t.equal(of({ numerator: 101 }), 1_000_000);
  t.equal(of({ numerator: 5, denominator: 'TEN_THOUSAND' }), 500);
  t.equal(of({ numerator: 5, denominator: 'MILLION' }), 5);
  t.equal(of({ numerator: 5 }, [['k', 70]]), 700_000);
  t.equal(of({ numerator: 5 }, [['k', '70']]), 700_000);
  t.equal(
    of({ numerator: 5 }, [
      ['k.numerator', 7],
      ['k.denominator', 'MILLION'],
    ]),
    7,
  );
  t.equal(of({ numerator: 5 }, [['k.numerator', 7]]), 70_000);
  t.equal(
    of({ numerator: 5 }, [
      ['k.numerator', 7],
      ['k.denominator', 'DOZEN'],
    ]),
    70_000,
  );
  const keyless = { prefix: '/', runtime_fraction: { default_value: { numerator: 1 } } };
  t.equal(compile(keyless).value?.runtimeFractionPpm, 10_000);
  t.equal(compile({ prefix: '/', runtime_fraction: {} }).value?.runtimeFractionPpm, 0);
  t.end();
});

t.test('compiles every header matcher', (t) => {
  const match = (json: Json) =>
    compile({ prefix: '/', headers: [{ name: 'X-A', ...json }] }).value?.headers[0]?.match;
  const text = (kind: string, value: string, ignoreCase = false) => ({
    kind,
    text: value,
    ignoreCase,
  });
  t.same(match({}), { kind: 'present', expected: true });
  t.same(match({ exact_match: '' }), { kind: 'present', expected: true });
  t.same(match({ exact_match: 'V' }), text('exact', 'V'));
  t.same(match({ prefix_match: 'V' }), text('prefix', 'V'));
  t.same(match({ suffix_match: 'V' }), text('suffix', 'V'));
  t.same(match({ contains_match: 'V' }), text('contains', 'V'));
  t.same(match({ present_match: false }), { kind: 'present', expected: false });
  t.same(match({ range_match: { start: '-9', end: '10' } }), {
    kind: 'range',
    start: -9n,
    end: 10n,
  });
  t.match(match({ safe_regex_match: { regex: 'a+' } }), { kind: 'regex', regex: { source: 'a+' } });
  t.same(match({ string_match: { exact: 'V', ignore_case: true } }), text('exact', 'v', true));
  t.same(match({ string_match: { contains: 'V' } }), text('contains', 'V'));
  t.match(match({ string_match: { safe_regex: { regex: 'a+' } } }), { kind: 'regex' });
  const [header] =
    compile({
      prefix: '/',
      headers: [{ name: 'X-A', invert_match: true, treat_missing_header_as_empty: true }],
    }).value?.headers ?? [];
  t.match(header, { name: 'x-a', invert: true, treatMissingAsEmpty: true });
  t.end();
});

t.test('compiles every matcher of query parameters', (t) => {
  const parameter = (json: Json) =>
    compile({ prefix: '/', query_parameters: [{ name: 'Q', ...json }] }).value?.queryParameters[0];
  t.same(parameter({}), { name: 'Q', match: { kind: 'present', expected: true } });
  t.same(parameter({ present_match: false }), {
    name: 'Q',
    match: { kind: 'present', expected: false },
  });
  t.same(parameter({ string_match: { suffix: 'x' } }), {
    name: 'Q',
    match: { kind: 'suffix', text: 'x', ignoreCase: false },
  });
  t.match(refusals({ prefix: '/', query_parameters: [{ name: 'q', string_match: {} }] }), [
    /^query_parameters\[0\]\.string_match: match_pattern is required/,
  ]);
  t.end();
});

t.test('reports every bad condition of a route', (t) => {
  const headers = [
    { name: 'a', string_match: { safe_regex: { regex: 'x' }, ignore_case: true } },
    { name: 'b', safe_regex_match: { regex: '[' } },
    { name: 'c' },
  ];
  t.match(refusals({ prefix: '/', headers }), [
    /^headers\[0\]\.string_match\.ignore_case: ignore_case has no effect for safe_regex/,
    /^headers\[1\]\.safe_regex_match\.regex: /,
  ]);
  t.end();
});
