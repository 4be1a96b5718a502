import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { AdminSchema } from '../../../proxy/api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { compileAccessLogs } from '../../../proxy/config/compile/access-log.ts';
import type { FormatContext } from '../../../proxy/formatter/formatter.ts';
import type { AccessLogConfig } from '../../../proxy/model/access-log.ts';
import type { CompileEnvironment } from '../../../proxy/model/extension.ts';
import { compileJson, problemLines, testEnvironment, typed } from '../../support/compile-json.ts';
import { emptyContext, proxiedContext } from '../../support/format-context.ts';

type Json = { [key: string]: JsonValue };

function compile(logs: Json[], environment: CompileEnvironment = testEnvironment()) {
  return compileJson(
    { schema: AdminSchema, json: { access_log: logs }, environment },
    (admin, context) => compileAccessLogs(admin.accessLog, context),
  );
}

function file(members: Json = {}): Json {
  return {
    name: 'a',
    typed_config: typed('extensions.access_loggers.file.v3.FileAccessLog', {
      path: '/l',
      ...members,
    }),
  };
}

function one(log: Json, environment?: CompileEnvironment): AccessLogConfig {
  const { value, rejections } = compile([log], environment);
  t.same(problemLines(rejections), []);
  return value[0] as AccessLogConfig;
}

function refusals(log: Json, environment?: CompileEnvironment): readonly string[] {
  const { value, rejections } = compile([log], environment);
  t.equal(value.length, 0);
  return problemLines(rejections);
}

function line(
  members: Json,
  context: FormatContext = emptyContext(),
  environment?: CompileEnvironment,
): string {
  return one(file(members), environment).formatter.format(context);
}

t.test('knows the three built-in loggers', (t) => {
  t.same(one(file()).sink, { kind: 'file', path: '/l' });
  const stream = (name: string) =>
    one({ name: 'x', typed_config: typed(`extensions.access_loggers.stream.v3.${name}`) }).sink;
  t.same(stream('StdoutAccessLog'), { kind: 'stdout' });
  t.same(stream('StderrAccessLog'), { kind: 'stderr' });
  t.end();
});

t.test('uses Envoy’s format when none is given, or the empty one', (t) => {
  const context = proxiedContext();
  t.match(line({}, context), /^\[\d{4}-.*"\n$/);
  t.equal(line({ format: '' }, context), line({}, context));
  t.end();
});

t.test('reads every kind of format', (t) => {
  const environment = testEnvironment({ readFile: () => new TextEncoder().encode('from file') });
  t.equal(line({ format: 'x %PROTOCOL%' }), line({ log_format: { text_format: 'x %PROTOCOL%' } }));
  t.equal(line({ log_format: { text_format_source: { inline_string: 'abc' } } }), 'abc');
  t.equal(
    line({ log_format: { text_format_source: { filename: '/f' } } }, emptyContext(), environment),
    'from file',
  );
  for (const name of ['json_format', 'typed_json_format'])
    t.equal(line({ [name]: { b: 'x', a: 1 } }), '{"a":1,"b":"x"}\n');
  t.equal(line({ log_format: { json_format: { a: 'x' } } }), '{"a":"x"}\n');
  t.end();
});

t.test('missing values print nothing when asked to', (t) => {
  const text_format = '[%REQ(X-NONE)%]';
  t.equal(line({ log_format: { text_format } }), '[-]');
  t.equal(line({ log_format: { text_format, omit_empty_values: true } }), '[]');
  t.end();
});

t.test('says what is wrong with a format, and where', (t) => {
  const at = 'access_log[0].typed_config';
  t.match(refusals(file({ format: '%NOPE%' })), [
    new RegExp(
      `^${at.replace('[0]', '\\[0\\]')}\\.format: Not supported field in StreamInfo: NOPE`,
    ),
  ]);
  t.match(refusals(file({ log_format: { text_format: '%REQ(' } })), [/log_format\.text_format: /]);
  t.match(refusals(file({ log_format: { text_format_source: { inline_string: '%' } } })), [
    /log_format\.text_format_source: /,
  ]);
  t.match(refusals(file({ log_format: { json_format: { a: '%NOPE%' } } })), [
    /log_format\.json_format: /,
  ]);
  t.match(refusals(file({ log_format: { text_format_source: { filename: '/f' } } })), [
    /log_format\.text_format_source\.filename: file \/f does not exist/,
  ]);
  t.match(refusals(file({ log_format: {} })), [/log_format: format is required/]);
  t.end();
});

t.test('names loggers that it does not have', (t) => {
  const typed_config = typed('extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig');
  t.match(refusals({ name: 'g', typed_config }), [
    /this access logger is known but not supported yet$/,
  ]);
  t.match(refusals({ name: 'g' }), [
    /^access_log\[0\]\.typed_config: Didn't find a registered implementation for 'g' with type URL: ''/,
  ]);
  t.end();
});

t.test('a refused filter takes its log with it', (t) => {
  t.match(refusals({ ...file(), filter: {} }), [
    /^access_log\[0\]\.filter: filter_specifier is required/,
  ]);
  t.not(one({ ...file(), filter: { traceable_filter: {} } }).filter, null);
  t.end();
});

const formatters = (...types: string[]): JsonValue =>
  types.map((type) => ({ name: type, typed_config: typed(`extensions.formatter.${type}`, {}) }));

t.test('operators of formatters are known where they are asked for', (t) => {
  const lineOf = (inline_string: string): string => {
    const log_format = {
      text_format_source: { inline_string },
      formatters: formatters('req_without_query.v3.ReqWithoutQuery', 'metadata.v3.Metadata'),
    };
    return one(file({ log_format })).formatter.format(proxiedContext());
  };
  t.equal(lineOf('%REQ_WITHOUT_QUERY(:PATH)%'), '/new');
  t.equal(lineOf('%REQ_WITHOUT_QUERY(x-none?:PATH):2%'), '/n');
  t.equal(lineOf('%REQ_WITHOUT_QUERY(x-a)%|%REQ_WITHOUT_QUERY%'), 'abc\\def"q"|-');
  t.equal(lineOf('%METADATA(ROUTE:ns:k)%'), 'route');
  const without = { text_format_source: { inline_string: '%REQ_WITHOUT_QUERY(:PATH)%' } };
  t.match(refusals(file({ log_format: without })), [
    /: Not supported field in StreamInfo: REQ_WITHOUT_QUERY$/,
  ]);
  t.end();
});

t.test('unknown formatters are refused by name', (t) => {
  const log_format = {
    text_format_source: { inline_string: 'x' },
    formatters: [
      { name: 'mine', typed_config: typed('extensions.filters.http.router.v3.Router', {}) },
    ],
  };
  t.match(problemLines(compile([file({ log_format })]).rejections), [
    /formatters\[0\]: Formatter not found: mine$/,
  ]);
  t.end();
});
