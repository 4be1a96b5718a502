import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { RouteActionSchema } from '../../../proxy/api/gen/envoy/config/route/v3/route_components_pb.js';
import { compileStreamDuration } from '../../../proxy/config/compile/stream-duration.ts';
import { compileJson, problemLines } from '../../support/compile-json.ts';

function compile(json: { [key: string]: JsonValue }) {
  return compileJson({ schema: RouteActionSchema, json }, compileStreamDuration);
}

t.test('a route that says nothing has none', (t) => {
  t.equal(compile({}).value, null);
  t.equal(compile({ grpc_timeout_offset: '1s' }).value, null, 'an offset alone bounds nothing');
  t.end();
});

t.test('max_stream_duration bounds whole streams; what is unset is told from 0', (t) => {
  t.same(compile({ max_stream_duration: {} }).value, {
    bounds: 'stream',
    maxMs: null,
    grpcTimeoutMaxMs: null,
    grpcTimeoutOffsetMs: 0,
  });
  const max_stream_duration = {
    max_stream_duration: '0s',
    grpc_timeout_header_max: '0s',
    grpc_timeout_header_offset: '0.5s',
  };
  t.same(compile({ max_stream_duration }).value, {
    bounds: 'stream',
    maxMs: 0,
    grpcTimeoutMaxMs: 0,
    grpcTimeoutOffsetMs: 500,
  });
  t.end();
});

t.test('max_grpc_timeout bounds responses', (t) => {
  const json = { max_grpc_timeout: '0s', grpc_timeout_offset: '0.1s' };
  t.same(compile(json).value, {
    bounds: 'response',
    maxMs: null,
    grpcTimeoutMaxMs: 0,
    grpcTimeoutOffsetMs: 100,
  });
  t.end();
});

t.test('with both, max_stream_duration counts', (t) => {
  const json = { max_grpc_timeout: '1s', max_stream_duration: { max_stream_duration: '3s' } };
  t.match(compile(json).value, { bounds: 'stream', maxMs: 3000, grpcTimeoutMaxMs: null });
  t.end();
});

t.test('negative durations are refused under their path', (t) => {
  const max_stream_duration = { grpc_timeout_header_max: '-1s' };
  const reason = 'Invalid duration: expected a positive duration such as 5s or 0.25s';
  t.same(problemLines(compile({ max_stream_duration }).rejections), [
    `max_stream_duration.grpc_timeout_header_max: ${reason}`,
  ]);
  t.same(problemLines(compile({ max_grpc_timeout: '-1s' }).rejections), [
    `max_grpc_timeout: ${reason}`,
  ]);
  t.end();
});
