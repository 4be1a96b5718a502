import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { LocalReplyConfigSchema } from '../../../proxy/api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { compileLocalReply } from '../../../proxy/config/compile/local-reply.ts';
import type { LocalReplyConfig } from '../../../proxy/model/local-reply.ts';
import { compileJson, problemLines } from '../../support/compile-json.ts';
import { emptyContext } from '../../support/format-context.ts';

const FILTER = {
  status_code_filter: { comparison: { value: { default_value: 404, runtime_key: 'k' } } },
};

function compile(json: JsonValue) {
  return compileJson({ schema: LocalReplyConfigSchema, json }, compileLocalReply);
}

function config(json: JsonValue): LocalReplyConfig {
  const { value, rejections } = compile(json);
  t.same(problemLines(rejections), []);
  if (value === null) throw new Error('nothing compiled');
  return value;
}

t.test('what changes nothing is none', async (t) => {
  t.equal(compile({}).value, null);
});

t.test('compiles mappers with what they change', async (t) => {
  const { mappers, bodyFormat } = config({
    mappers: [
      {
        filter: FILTER,
        status_code: 418,
        body: { inline_string: 'teapot' },
        headers_to_add: [{ header: { key: 'X-A', value: '1' } }],
        body_format_override: { text_format: '<%LOCAL_REPLY_BODY%>', content_type: 'text/x' },
      },
      { filter: FILTER },
    ],
  });
  t.equal(bodyFormat, null);
  const [full, bare] = mappers;
  t.match(full, { status: 418, body: 'teapot', headers: { remove: [] } });
  t.equal(full?.headers?.set[0]?.name, 'x-a');
  t.equal(full?.bodyFormat?.contentType, 'text/x');
  t.match(bare, { status: null, body: null, headers: null, bodyFormat: null });
});

t.test('a body keeps every octet, at any length', async (t) => {
  const localReplyBody = `line\n\t${'x'.repeat(100_000)}`;
  const context = { ...emptyContext(), localReplyBody };
  const format = (json: JsonValue) =>
    config({ body_format: json }).bodyFormat?.formatter.format(context);
  t.equal(format({ text_format: '%LOCAL_REPLY_BODY%' }), localReplyBody);
  const json = format({ json_format: { body: '%LOCAL_REPLY_BODY%', both: '-%LOCAL_REPLY_BODY%' } });
  t.same(JSON.parse(json ?? ''), { body: localReplyBody, both: `-${localReplyBody}` });
});

t.test('the type of a body follows from its format', async (t) => {
  const typeOf = (json: JsonValue) => config({ body_format: json }).bodyFormat?.contentType;
  t.equal(typeOf({ text_format: 'x' }), 'text/plain');
  t.equal(typeOf({ json_format: { a: 1 } }), 'application/json');
  t.equal(typeOf({ json_format: { a: 1 }, content_type: 'text/x' }), 'text/x');
});

t.test('refuses what cannot work, by path', async (t) => {
  const { rejections } = compile({
    mappers: [
      { status_code: 200 },
      { filter: { response_flag_filter: { flags: ['NOPE'] } }, body: { filename: '/none' } },
      { filter: FILTER, headers_to_add: [{ header: { key: ':status', value: '1' } }] },
      { filter: FILTER, body_format_override: {} },
    ],
    body_format: { text_format: '%NOPE%' },
  });
  t.match(problemLines(rejections), [
    /^mappers\[0\]\.filter: value is required$/,
    /^mappers\[1\]\.body\.filename: file \/none does not exist/,
    /^mappers\[1\]\.filter\.response_flag_filter\.flags\[0\]: 'NOPE' is no response flag/,
    /^mappers\[2\]\.headers_to_add\[0\]\.header\.key: :-prefixed or host headers may not be modified$/,
    /^mappers\[3\]\.body_format_override: format is required/,
    /^body_format\.text_format: Not supported field in StreamInfo: NOPE$/,
  ]);
});
