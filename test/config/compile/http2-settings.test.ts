import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { Http2ProtocolOptionsSchema } from '../../../proxy/api/gen/envoy/config/core/v3/protocol_pb.js';
import { compileCustomSettings } from '../../../proxy/config/compile/http2-settings.ts';
import { compileJson, problemLines } from '../../support/compile-json.ts';

type Setting = readonly [identifier: number, value: number];

function compile(settings: readonly Setting[], named: { [field: string]: JsonValue } = {}) {
  const custom_settings_parameters = settings.map(([identifier, value]) => ({ identifier, value }));
  const json = { ...named, custom_settings_parameters };
  return compileJson({ schema: Http2ProtocolOptionsSchema, json }, compileCustomSettings);
}

function refusals(settings: readonly Setting[], named?: { [field: string]: JsonValue }) {
  return problemLines(compile(settings, named).rejections);
}

t.test('parameters without a field are sent as they are', (t) => {
  const { value, rejections } = compile([
    [10, 1],
    [6, 4096],
    [65_535, 4_294_967_295],
    [10, 1],
  ]);
  t.same(rejections, []);
  t.same(value, {
    named: {},
    others: [
      { identifier: 10, value: 1 },
      { identifier: 6, value: 4096 },
      { identifier: 65_535, value: 4_294_967_295 },
    ],
  });
  t.end();
});

t.test('parameters that have a field set it, within its bounds', (t) => {
  const { value, rejections } = compile([
    [1, 0],
    [3, 2_147_483_647],
    [4, 65_535],
  ]);
  t.same(rejections, []);
  t.same(value, {
    named: {
      hpackTableSize: 0,
      maxConcurrentStreams: 2_147_483_647,
      initialStreamWindowSize: 65_535,
    },
    others: [],
  });
  const settings: Setting[] = [
    [3, 0],
    [4, 65_534],
  ];
  t.same(refusals(settings), [
    'custom_settings_parameters[0]: value must be inside range [1, 2147483647]',
    'custom_settings_parameters[1]: value must be inside range [65535, 2147483647]',
  ]);
  t.end();
});

t.test('a field and its parameter are not given at once, even if they agree', (t) => {
  const rule =
    'HTTP/2 SETTINGS parameter(s) can not be configured through both named and custom parameters';
  t.same(refusals([[3, 5]], { max_concurrent_streams: 5 }), [
    `custom_settings_parameters: the {max_concurrent_streams} ${rule}`,
  ]);
  const settings: Setting[] = [
    [1, 1],
    [4, 70_000],
  ];
  t.same(refusals(settings, { hpack_table_size: 1, initial_stream_window_size: 70_000 }), [
    `custom_settings_parameters: the {hpack_table_size,initial_stream_window_size} ${rule}`,
  ]);
  t.end();
});

t.test('two values of one parameter are refused', (t) => {
  const settings: Setting[] = [
    [10, 1],
    [10, 2],
    [300, 1],
    [300, 2],
  ];
  t.same(refusals(settings), [
    'custom_settings_parameters: inconsistent HTTP/2 custom SETTINGS parameter(s) detected; identifiers = {0x0a,0x12c}',
  ]);
  t.end();
});

t.test('push stays off, and extended CONNECT has its own field', (t) => {
  t.same(compile([[2, 0]]), { value: { named: {}, others: [] }, rejections: [], warnings: [] });
  t.same(refusals([[2, 1]]), [
    'custom_settings_parameters[0]: server push is not supported by Envoy and can not be enabled via a SETTINGS parameter.',
  ]);
  const allowConnect =
    'the "allow_connect" SETTINGS parameter must only be configured through the named field';
  t.same(refusals([[8, 0]]), [`custom_settings_parameters[0]: ${allowConnect}`]);
  t.end();
});

t.test('frames keep their size', (t) => {
  t.same(compile([[5, 16_384]]).value, { named: {}, others: [] });
  t.same(refusals([[5, 16_385]]), [
    'custom_settings_parameters[0]: SETTINGS_MAX_FRAME_SIZE is not supported: frames have up to 16384 octets',
  ]);
  t.end();
});
