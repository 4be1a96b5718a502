import { create, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import t from 'tap';
import { apiRegistry } from '../../../proxy/api/registry.ts';
import { openAny, typeIn } from '../../../proxy/config/schema/open-any.ts';
import { ProblemWalk } from '../../../proxy/config/schema/problems.ts';
import { validateRules } from '../../../proxy/config/schema/validate-message.ts';

const URL = 'type.googleapis.com/';
const BUFFER = 'envoy.extensions.filters.http.buffer.v3.Buffer';
const WRAPPERS = ['udpa.type.v1.TypedStruct', 'xds.type.v3.TypedStruct'];

/** As a server sends it. */
function wrapped(wrapper: string, typeName: string, value: JsonObject): Any {
  const json = { '@type': URL + wrapper, type_url: URL + typeName, value };
  return fromJson(AnySchema, json, { registry: apiRegistry });
}

function problems(any: Any): readonly string[] {
  const walk = new ProblemWalk();
  validateRules(AnySchema, any, walk);
  return walk.rejections.map(({ path, reason }) => `${path}: ${reason}`);
}

t.test('a TypedStruct stands for the message that it names', (t) => {
  for (const wrapper of WRAPPERS) {
    const any = wrapped(wrapper, BUFFER, { max_request_bytes: 7 });
    t.equal(typeIn(any), BUFFER, `${wrapper}, unopened`);
    const content = openAny(any, apiRegistry);
    t.match(content?.message, { $typeName: BUFFER, maxRequestBytes: 7 });
    t.equal(typeIn(any), BUFFER, `${wrapper}, opened`);
    t.equal(openAny(any, apiRegistry), content, 'opened once');
    t.equal(any.typeUrl, URL + wrapper, 'and stays what was sent');
  }
  t.end();
});

t.test('one without a value is the empty message', (t) => {
  const json = { '@type': `${URL}${WRAPPERS[0]}`, type_url: URL + BUFFER };
  const any = fromJson(AnySchema, json, { registry: apiRegistry });
  t.match(openAny(any, apiRegistry)?.message, { $typeName: BUFFER });
  t.end();
});

t.test(
  'what its struct has wrong is refused with the place, and so is what its rules forbid',
  (t) => {
    const bad = wrapped('udpa.type.v1.TypedStruct', BUFFER, { max_request_byts: 7 });
    t.match(problems(bad), [/^value.max_request_byts: /]);
    const zero = wrapped('udpa.type.v1.TypedStruct', BUFFER, { max_request_bytes: 0 });
    t.match(problems(zero), [/^max_request_bytes: value must be greater than 0/]);
    t.end();
  },
);

t.test('an unknown type inside is refused by its own name', (t) => {
  const any = wrapped('xds.type.v3.TypedStruct', 'acme.Filter', { a: 1 });
  t.equal(openAny(any, apiRegistry), null);
  t.equal(typeIn(any), 'acme.Filter');
  t.same(problems(any), [": unknown type 'acme.Filter'"]);
  t.end();
});

t.test('rubbish is nothing', (t) => {
  const any = create(AnySchema, { typeUrl: URL + WRAPPERS[1], value: Buffer.from('\xff\xff') });
  t.equal(openAny(any, apiRegistry), null);
  t.equal(typeIn(any), WRAPPERS[1]);
  t.equal(typeIn(undefined), '');
  const cut = wrapped('udpa.type.v1.TypedStruct', BUFFER, { max_request_bytes: 7 });
  for (let length = 0; length < cut.value.length; length++) {
    openAny(
      create(AnySchema, { typeUrl: cut.typeUrl, value: cut.value.slice(0, length) }),
      apiRegistry,
    );
  }
  t.end();
});

t.test('what has no effect anyway may say more than is known', (t) => {
  const type = 'envoy.tcp.metadataexchange.config.MetadataExchange';
  const any = wrapped('udpa.type.v1.TypedStruct', type, { protocol: 'x', of_tomorrow: true });
  t.same(problems(any), []);
  t.ok(toBinary(AnySchema, any).length > 0);
  t.end();
});
