import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { LocalReplyConfigSchema } from '../../../../proxy/api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { compileLocalReply } from '../../../../proxy/config/compile/local-reply.ts';
import type { LocalReply } from '../../../../proxy/filters/http-filter.ts';
import {
  type AnsweredStream,
  composeLocalReply,
} from '../../../../proxy/filters/network/http-connection-manager/local-reply.ts';
import { LocalReplyRewriter } from '../../../../proxy/filters/network/http-connection-manager/local-reply-rewriter.ts';
import { hasGrpcType } from '../../../../proxy/http/grpc.ts';
import { HeaderList } from '../../../../proxy/http/header-list.ts';
import type { RequestHead } from '../../../../proxy/http/message.ts';
import type { Route } from '../../../../proxy/routing/route-table.ts';
import { compileJson } from '../../../support/compile-json.ts';
import {
  exchange,
  fieldLines,
  matchedRoute,
  type RequestOptions,
  requestHead,
  routeTo,
  tableOf,
} from '../../../support/route-fixtures.ts';

const NOT_FOUND: LocalReply = {
  status: 404,
  body: 'nothing here',
  details: 'd',
  flag: 'NR',
  headers: null,
};

const when = (default_value: number): JsonValue => ({
  status_code_filter: { comparison: { value: { default_value, runtime_key: 'k' } } },
});

/** A stream of a connection manager with this local_reply_config; null: with none. */
function stream(
  config: JsonValue | null,
  request: RequestHead | null = requestHead(),
  route: Route | null = null,
): AnsweredStream {
  const compiled =
    config === null
      ? null
      : compileJson({ schema: LocalReplyConfigSchema, json: config }, compileLocalReply).value;
  const localReplies = compiled === null ? null : new LocalReplyRewriter(compiled);
  const context = exchange(request ?? requestHead());
  const isGrpc = () => request !== null && hasGrpcType(request.headers);
  const services = { clusters: { get: () => null } } as unknown as AnsweredStream['services'];
  const routed = { route, services, streamRandom: 0 };
  return { ...context, request, localReplyBody: '', runtime: { localReplies }, ...routed, isGrpc };
}

/** What is sent, as text. */
function sent(of: AnsweredStream, reply: LocalReply = NOT_FOUND) {
  const { head, content } = composeLocalReply(of, reply);
  const body = content === null ? null : content.toString();
  return { status: head.status, fields: fieldLines(head.headers), body };
}

function request(options: RequestOptions): RequestHead {
  return requestHead(options);
}

t.test('a body has a length and a type, no body has neither', async (t) => {
  t.same(sent(stream(null)), {
    status: 404,
    fields: ['content-length: 12', 'content-type: text/plain'],
    body: 'nothing here',
  });
  const headers = HeaderList.of('content-type', 'text/html', 'x-a', '1');
  const empty = { ...NOT_FOUND, body: '', headers };
  t.same(sent(stream(null), empty), { status: 404, fields: ['x-a: 1'], body: null });
});

t.test('the head of a HEAD is that of its GET', async (t) => {
  const answer = sent(stream(null, request({ method: 'HEAD' })));
  t.same(answer.fields, ['content-length: 12', 'content-type: text/plain']);
  t.equal(answer.body, null);
});

t.test('the first mapper that accepts a reply changes it', async (t) => {
  const config = {
    mappers: [
      { filter: when(500), body: { inline_string: 'wrong' } },
      {
        filter: when(404),
        status_code: 410,
        body: { inline_string: 'gone ü' },
        headers_to_add: [{ header: { key: 'x-was', value: '%RESPONSE_CODE%' } }],
      },
      { filter: when(410), body: { inline_string: 'too late' } },
    ],
  };
  const of = stream(config);
  t.same(sent(of), {
    status: 410,
    fields: ['x-was: 404', 'content-length: 7', 'content-type: text/plain'],
    body: 'gone ü',
  });
  t.equal(of.info.responseCode, 410);
  t.same(of.info.flags, ['NR']);
  const other = sent(stream(config), { ...NOT_FOUND, status: 403 });
  t.equal(other.body, 'nothing here', 'others stay as they are');
});

t.test('a format gives the body its form and its type', async (t) => {
  const config = {
    mappers: [{ filter: when(404), status_code: 410 }],
    body_format: { json_format: { code: '%RESPONSE_CODE%', text: '%LOCAL_REPLY_BODY%' } },
  };
  const of = stream(config);
  const answer = sent(of);
  t.equal(answer.body, '{"code":410,"text":"nothing here"}\n');
  t.ok(answer.fields.includes('content-type: application/json'));
  t.equal(of.localReplyBody, '', 'the body is not read afterwards');
});

t.test('a type that a mapper sets stays', async (t) => {
  const type = { header: { key: 'content-type', value: 'text/html' } };
  const mapper = { filter: when(404), body: { inline_string: '<p>' }, headers_to_add: [type] };
  t.ok(sent(stream({ mappers: [mapper] })).fields.includes('content-type: text/html'));
});

t.test('the type of a body that was rewritten goes', async (t) => {
  const add = { header: { key: 'content-type', value: 'text/css' } };
  const table = tableOf({ ...routeTo('r', { prefix: '/' }), response_headers_to_add: [add] });
  const route = matchedRoute(table, requestHead());
  const types = (config: JsonValue | null) =>
    sent(stream(config, requestHead(), route)).fields.filter((line) => line.includes('type'));
  t.same(types(null), ['content-type: text/css']);
  t.same(types({ body_format: { text_format: '<%LOCAL_REPLY_BODY%>' } }), [
    'content-type: text/plain',
  ]);
});

t.test('gRPC clients are told in a 200', async (t) => {
  const grpc = request({ headers: ['content-type', 'application/grpc'] });
  const config = {
    mappers: [{ filter: when(404), status_code: 503 }],
    body_format: { json_format: { a: '%LOCAL_REPLY_BODY%' } },
  };
  t.same(sent(stream(config, grpc)), {
    status: 200,
    fields: [
      'content-type: application/grpc',
      'grpc-status: 14',
      'grpc-message: {"a":"nothing here"}',
    ],
    body: null,
  });
});

t.test('a codec error is flagged where formats do not see it', async (t) => {
  const of = stream({ body_format: { text_format: '%RESPONSE_FLAGS%' } }, null);
  t.equal(sent(of, { ...NOT_FOUND, flag: 'DPE' }).body, '-');
  t.same(of.info.flags, ['DPE']);
});

t.test('a final head is sent as it is', async (t) => {
  const of = stream({ mappers: [{ filter: when(404), status_code: 500 }] });
  t.same(sent(of, { ...NOT_FOUND, isFinal: true }), { status: 404, fields: [], body: null });
});

t.test('the cluster that the request was kept from is noted, if there is one', async (t) => {
  const route = matchedRoute(tableOf(routeTo('c', { prefix: '/' })), requestHead());
  const without = stream(null, requestHead(), route);
  composeLocalReply(without, NOT_FOUND);
  t.equal(without.info.clusterName, '');
  const clusters = { get: (name: string) => ({ config: { name } }) };
  const of = { ...without, services: { clusters } as unknown as AnsweredStream['services'] };
  composeLocalReply(of, NOT_FOUND);
  t.equal(of.info.clusterName, 'c');
});
