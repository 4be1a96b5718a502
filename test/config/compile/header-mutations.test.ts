import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { RouteConfigurationSchema } from '../../../proxy/api/gen/envoy/config/route/v3/route_pb.js';
import { compileHeaderMutations } from '../../../proxy/config/compile/header-mutations.ts';
import { compileJson, problemLines } from '../../support/compile-json.ts';
import { emptyContext } from '../../support/format-context.ts';

type Json = { [key: string]: JsonValue };

function compile(json: Json) {
  return compileJson({ schema: RouteConfigurationSchema, json }, compileHeaderMutations);
}

function add(header: Json, members: Json = {}): Json {
  return { request_headers_to_add: [{ header, ...members }] };
}

function refusals(json: Json): readonly string[] {
  return problemLines(compile(json).rejections);
}

t.test('a level without mutations has none', (t) => {
  t.same(compile({}).value, { request: null, response: null });
  t.end();
});

t.test('keeps removals and additions of each direction apart', (t) => {
  const { value, rejections } = compile({
    request_headers_to_remove: ['X-Gone'],
    response_headers_to_add: [{ header: { key: 'X-New', value: 'a' }, keep_empty_value: true }],
  });
  t.same(rejections, []);
  t.same(value.request, { remove: ['x-gone'], set: [] });
  t.match(value.response, {
    remove: [],
    set: [{ name: 'x-new', action: 'append', keepEmptyValue: true }],
  });
  t.end();
});

t.test('knows every append action, the older form too', (t) => {
  const actions = [
    'APPEND_IF_EXISTS_OR_ADD',
    'ADD_IF_ABSENT',
    'OVERWRITE_IF_EXISTS_OR_ADD',
    'OVERWRITE_IF_EXISTS',
  ];
  const action = (members: Json) =>
    compile(add({ key: 'a', value: 'b' }, members)).value.request?.set[0]?.action;
  t.same(
    actions.map((append_action) => action({ append_action })),
    ['append', 'add-if-absent', 'overwrite', 'overwrite-if-exists'],
  );
  t.same([action({ append: true }), action({ append: false })], ['append', 'overwrite']);
  t.same(
    refusals(add({ key: 'a', value: 'b' }, { append: true, append_action: 'ADD_IF_ABSENT' })),
    [
      "request_headers_to_add[0].append: Both append and append_action are set and it's not allowed",
    ],
  );
  t.end();
});

t.test('values are formats whose missing parts are empty', (t) => {
  const value = (header: Json) =>
    compile(add(header)).value.request?.set[0]?.value.format(emptyContext());
  t.equal(value({ key: 'a', value: '[%REQ(x-none)%]' }), '[]');
  t.equal(value({ key: 'a', raw_value: 'aGk=' }), 'hi');
  t.equal(value({ key: 'a' }), '');
  t.match(refusals(add({ key: 'a', value: '%NOPE%' })), [
    /^request_headers_to_add\[0\]\.header\.value: Not supported field in StreamInfo: NOPE/,
  ]);
  t.match(refusals(add({ key: 'a', raw_value: 'JQ==' })), [
    /^request_headers_to_add\[0\]\.header\.raw_value: /,
  ]);
  t.end();
});

t.test('pseudo-fields and Host are not for mutations, in Envoy’s words', (t) => {
  const modified =
    'request_headers_to_add[0].header.key: :-prefixed or host headers may not be modified';
  t.same(refusals(add({ key: ':path', value: 'x' })), [modified]);
  t.same(refusals(add({ key: 'Host', value: 'x' })), [modified]);
  t.same(refusals({ response_headers_to_remove: ['a', ':status'] }), [
    'response_headers_to_remove[1]: :-prefixed or host headers may not be removed',
  ]);
  t.end();
});

t.test('a name that is no token is accepted with a warning, and never sent', (t) => {
  const { value, rejections, warnings } = compile(add({ key: 'a b', value: 'x' }));
  t.same(rejections, []);
  t.same(value.request?.set, []);
  t.match(problemLines(warnings), [
    /^request_headers_to_add\[0\]\.header\.key: 'a b' is no field name/,
  ]);
  t.end();
});
