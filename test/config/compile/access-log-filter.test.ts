import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { AccessLogFilterSchema } from '../../../proxy/api/gen/envoy/config/accesslog/v3/accesslog_pb.js';
import { compileAccessLogFilter } from '../../../proxy/config/compile/access-log-filter.ts';
import type { FormatContext } from '../../../proxy/formatter/formatter.ts';
import type { CompileEnvironment } from '../../../proxy/model/extension.ts';
import { compileJson, problemLines, testEnvironment } from '../../support/compile-json.ts';
import { proxiedContext } from '../../support/format-context.ts';

function compile(json: JsonValue, environment: CompileEnvironment = testEnvironment()) {
  return compileJson({ schema: AccessLogFilterSchema, json, environment }, compileAccessLogFilter);
}

/** Whether a POST answered with 200 after 2 ms gets a line. */
function accepts(
  json: JsonValue,
  environment?: CompileEnvironment,
  context: FormatContext = proxiedContext(),
): boolean {
  const { value, rejections } = compile(json, environment);
  t.same(problemLines(rejections), []);
  return value?.accepts(context) ?? false;
}

function status(op: string, default_value: number, runtime_key = ''): JsonValue {
  return { status_code_filter: { comparison: { op, value: { default_value, runtime_key } } } };
}

t.test('compares the status', (t) => {
  t.ok(accepts(status('EQ', 200)));
  t.ok(accepts(status('GE', 200)));
  t.notOk(accepts(status('GE', 201)));
  t.ok(accepts(status('LE', 200)));
  t.ok(accepts(status('NE', 404)));
  t.notOk(accepts(status('NE', 200)));
  t.end();
});

t.test('runtime may set what is compared with', (t) => {
  const environment = testEnvironment({ runtime: new Map([['k', 500]]) });
  t.notOk(accepts(status('GE', 200, 'k'), environment));
  t.ok(accepts(status('GE', 200, 'other'), environment));
  t.end();
});

t.test('compares the duration', (t) => {
  const of = (default_value: number) => ({
    duration_filter: { comparison: { op: 'GE', value: { default_value, runtime_key: 'x' } } },
  });
  t.ok(accepts(of(2)));
  t.notOk(accepts(of(3)));
  t.end();
});

t.test('matches header fields as routes do', (t) => {
  const of = (header: JsonValue) => accepts({ header_filter: { header } });
  t.ok(of({ name: ':method', string_match: { exact: 'POST' } }));
  t.ok(of({ name: 'User-Agent', string_match: { prefix: 'CURL', ignore_case: true } }));
  t.notOk(of({ name: 'x-none' }));
  t.match(problemLines(compile({ header_filter: {} }).rejections), [
    /^header_filter\.header: is required/,
  ]);
  const bad = {
    header_filter: { header: { name: 'x', string_match: { safe_regex: { regex: '(' } } } },
  };
  t.match(problemLines(compile(bad).rejections), [
    /^header_filter\.header\.string_match\.safe_regex\.regex: /,
  ]);
  t.end();
});

t.test('joins filters', (t) => {
  const yes = status('EQ', 200);
  const no = status('EQ', 404);
  t.ok(accepts({ and_filter: { filters: [yes, yes] } }));
  t.notOk(accepts({ and_filter: { filters: [yes, no] } }));
  t.ok(accepts({ or_filter: { filters: [no, yes] } }));
  t.notOk(accepts({ or_filter: { filters: [no, no] } }));
  t.match(problemLines(compile({ and_filter: { filters: [yes, {}] } }).rejections), [
    /^and_filter\.filters\[1\]: filter_specifier is required/,
  ]);
  t.end();
});

t.test('looks at flags, which must exist', (t) => {
  const context = proxiedContext();
  context.info.addFlag('UF');
  t.ok(accepts({ response_flag_filter: { flags: ['UF', 'UT'] } }, testEnvironment(), context));
  t.notOk(accepts({ response_flag_filter: { flags: ['UT'] } }, testEnvironment(), context));
  t.ok(accepts({ response_flag_filter: {} }, testEnvironment(), context));
  t.match(problemLines(compile({ response_flag_filter: { flags: ['UF', 'XX'] } }).rejections), [
    /^response_flag_filter\.flags\[1\]: 'XX' is no response flag: use LH, /,
  ]);
  t.end();
});

t.test('takes a share of the exchanges', (t) => {
  const of = (numerator: number, environment?: CompileEnvironment) =>
    accepts({ runtime_filter: { runtime_key: 'k', percent_sampled: { numerator } } }, environment);
  t.ok(of(100));
  t.notOk(of(0));
  t.notOk(of(100, testEnvironment({ runtime: new Map([['k', 0]]) })));
  t.end();
});

t.test('looks at the type of line and at the gRPC status', (t) => {
  t.ok(accepts({ log_type_filter: { types: ['DownstreamEnd', 'UdpSessionEnd'] } }));
  t.notOk(accepts({ log_type_filter: { types: ['DownstreamEnd'], exclude: true } }));
  t.notOk(accepts({ grpc_status_filter: { statuses: ['NOT_FOUND'] } }));
  t.ok(accepts({ grpc_status_filter: { statuses: ['NOT_FOUND'], exclude: true } }));
  t.ok(accepts({ not_health_check_filter: {} }));
  t.notOk(accepts({ traceable_filter: {} }));
  t.end();
});

t.test('looks into dynamic metadata', (t) => {
  const of = (key: string, value: JsonValue, rest: { [name: string]: JsonValue } = {}) =>
    accepts({
      metadata_filter: { matcher: { filter: 'ns', path: [{ key }], value }, ...rest },
    });
  t.ok(of('s', { string_match: { exact: 'text' } }));
  t.notOk(of('s', { string_match: { exact: 'other' } }));
  t.notOk(of('s', { bool_match: true }));
  t.ok(of('none', { string_match: { exact: 'text' } }));
  t.notOk(of('none', { string_match: { exact: 'text' } }, { match_if_key_not_found: false }));
  t.ok(accepts({ metadata_filter: {} }));
  t.notOk(accepts({ metadata_filter: { match_if_key_not_found: false } }));
  const inverted = { filter: 'ns', path: [{ key: 's' }], value: { present_match: true } };
  t.ok(accepts({ metadata_filter: { matcher: { ...inverted, invert: true } } }));
  t.end();
});
