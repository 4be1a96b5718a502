import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { Http2ProtocolOptionsSchema } from '../../../proxy/api/gen/envoy/config/core/v3/protocol_pb.js';
import {
  compileHttp2Options,
  type Http2OptionsPlace,
} from '../../../proxy/config/compile/http2-options.ts';
import {
  DEFAULT_H2_PROTOCOL_OPTIONS,
  type H2ProtocolOptions,
} from '../../../proxy/http/h2/options.ts';
import { compileJson, problemLines } from '../../support/compile-json.ts';

const PLACE: Http2OptionsPlace = { streamError: undefined, maxHeadKib: null };

function compile(json: JsonValue, place = PLACE) {
  return compileJson({ schema: Http2ProtocolOptionsSchema, json }, (message, context) =>
    compileHttp2Options(message, place, context),
  );
}

function options(json: JsonValue, place = PLACE): H2ProtocolOptions {
  const { value, rejections } = compile(json, place);
  t.same(problemLines(rejections), []);
  return value;
}

t.test('an absent message and an empty one are Envoy’s defaults', (t) => {
  t.same(options({}), DEFAULT_H2_PROTOCOL_OPTIONS);
  const absent = compileJson({ schema: Http2ProtocolOptionsSchema, json: {} }, (_, context) =>
    compileHttp2Options(undefined, PLACE, context),
  );
  t.same(absent.value, DEFAULT_H2_PROTOCOL_OPTIONS);
  t.end();
});

t.test('takes over every limit; 0 is a value', (t) => {
  const value = options({
    hpack_table_size: 0,
    max_concurrent_streams: 1,
    initial_stream_window_size: 65_535,
    initial_connection_window_size: 65_536,
    allow_connect: true,
    max_outbound_frames: 2,
    max_outbound_control_frames: 3,
    max_consecutive_inbound_frames_with_empty_payload: 0,
    max_inbound_priority_frames_per_stream: 0,
    max_inbound_window_update_frames_per_data_frame_sent: 4,
    stream_reset_burst: '0',
    stream_reset_rate: '5',
  });
  t.same(value, {
    hpackTableSize: 0,
    maxConcurrentStreams: 1,
    initialStreamWindowSize: 65_535,
    initialConnectionWindowSize: 65_536,
    allowConnect: true,
    maxOutboundFrames: 2,
    maxOutboundControlFrames: 3,
    maxConsecutiveInboundFramesWithEmptyPayload: 0,
    maxInboundPriorityFramesPerStream: 0,
    maxInboundWindowUpdateFramesPerDataFrameSent: 4,
    streamResetBurst: 0,
    streamResetRate: 5,
    streamErrorOnInvalidHttpMessage: false,
    keepalive: null,
    customSettings: [],
  });
  t.end();
});

t.test('keep-alive is off by default and has a jitter of 15 percent', (t) => {
  const keepalive = (connection_keepalive: JsonValue) =>
    options({ connection_keepalive }).keepalive;
  t.same(keepalive({ timeout: '2s' }), {
    intervalMs: 0,
    timeoutMs: 2000,
    intervalJitterPercent: 15,
    connectionIdleIntervalMs: 0,
  });
  const all = {
    interval: '30s',
    timeout: '1.5s',
    interval_jitter: { value: 0 },
    connection_idle_interval: '10s',
  };
  t.same(keepalive(all), {
    intervalMs: 30_000,
    timeoutMs: 1500,
    intervalJitterPercent: 0,
    connectionIdleIntervalMs: 10_000,
  });
  t.end();
});

t.test('the override wins, then what surrounds the options, then the deprecated field', (t) => {
  const lenient = (
    own: boolean | null,
    streamError: boolean | undefined,
    stream_error_on_invalid_http_messaging: boolean,
  ): boolean => {
    const override = own === null ? {} : { override_stream_error_on_invalid_http_message: own };
    const json = { ...override, stream_error_on_invalid_http_messaging };
    return options(json, { ...PLACE, streamError }).streamErrorOnInvalidHttpMessage;
  };
  t.equal(lenient(true, false, false), true);
  t.equal(lenient(false, true, true), false);
  t.equal(lenient(null, true, false), true);
  t.equal(lenient(null, false, true), false);
  t.equal(lenient(null, undefined, true), true);
  t.equal(lenient(null, undefined, false), false);
  t.end();
});

t.test('refuses the ban on obs-text', (t) => {
  const paths = compile({ disallow_obs_text: true }).rejections.map(({ path }) => path);
  t.same(paths, ['disallow_obs_text']);
  t.same(compile({ disallow_obs_text: false }).rejections, []);
  t.end();
});

t.test('a field may be as long as its head, not longer', (t) => {
  const place = { ...PLACE, maxHeadKib: { field: 'max_request_headers_kb', value: 64 } };
  t.same(compile({ max_header_field_size_kb: 64 }, place).rejections, []);
  t.same(problemLines(compile({ max_header_field_size_kb: 65 }, place).rejections), [
    'max_header_field_size_kb: max_header_field_size_kb must not exceed max_request_headers_kb, which is 64',
  ]);
  t.end();
});
