import { create } from '@bufbuild/protobuf';
import t from 'tap';
import { BootstrapSchema } from '../../../proxy/api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { ClusterSchema } from '../../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { ListenerSchema } from '../../../proxy/api/gen/envoy/config/listener/v3/listener_pb.js';
import type { Random } from '../../../proxy/base/random.ts';
import {
  type DecodedResource,
  decodeResource,
  isWithin,
  validateMessage,
} from '../../../proxy/config/schema/decode-resource.ts';
import { seededRandom, testSeed } from '../../support/seeded-random.ts';

const support = {
  'envoy.config.cluster.v3.Cluster': {
    name: 'honoured',
    alt_stat_name: { accepted: 'why' },
  },
} as const;

function texts(outcome: DecodedResource): string[] {
  return outcome.ok ? [] : outcome.rejections.map(({ path, reason }) => `${path}: ${reason}`);
}

t.test('answers the message with its warnings', (t) => {
  const outcome = decodeResource({ name: 'a', alt_stat_name: 'b' }, ClusterSchema, {
    support,
    path: '',
  });
  t.match(outcome, { ok: true, message: { name: 'a' }, warnings: [{ path: 'alt_stat_name' }] });
  t.end();
});

t.test('collects what decoding, rules and support refuse, under the given path', (t) => {
  const value = { type: 'STATIC', connect_timeout: '0s', load_assignment: { foo: 1 } };
  t.match(texts(decodeResource(value, ClusterSchema, { support, path: 'clusters[2]' })), [
    /^clusters\[2\]\.load_assignment\.foo: unknown field/,
    /^clusters\[2\]\.name: value is required/,
    /^clusters\[2\]\.connect_timeout: value must be greater than 0s/,
    /^clusters\[2\]\.type: 'type' is a field of Envoy/,
    /^clusters\[2\]\.connect_timeout: 'connect_timeout' is a field/,
    /^clusters\[2\]\.load_assignment: 'load_assignment' is a field/,
  ]);
  t.end();
});

t.test('does not call a misspelt field missing as well', (t) => {
  const options = { support: null, path: '' };
  t.match(texts(decodeResource({ nmae: 'a' }, ClusterSchema, options)), [/^nmae: unknown field/]);
  const address = { address: { socket_address: { address: '::1', port_value: 'x' } } };
  t.match(texts(decodeResource(address, ListenerSchema, options)), [
    /^address\.socket_address\.port_value: expected an integer/,
  ]);
  t.end();
});

t.test('checks a decoded message as well', (t) => {
  const options = { support, path: '' };
  t.equal(validateMessage(create(ClusterSchema, { name: 'a' }), ClusterSchema, options).ok, true);
  const refused = validateMessage(create(ClusterSchema, { lbPolicy: 3 }), ClusterSchema, options);
  t.match(texts(refused), [
    /^name: value is required/,
    /^lb_policy: 'lb_policy' is a field of Envoy/,
  ]);
  t.end();
});

t.test('takes any value without throwing', (t) => {
  const values = [undefined, null, 0, '', true, [], [1], {}, { name: {} }, { '@type': 1 }, () => 0];
  for (const value of values) {
    t.equal(decodeResource(value, ClusterSchema, { support, path: '' }).ok, false);
  }
  t.end();
});

/** A configuration with one of everything that is decoded in its own way. */
const WHOLE = {
  node: { id: 'a', metadata: { x: [1, 'y', { z: null }] }, locality: { region: 'r' } },
  node_context_params: ['a', 'b'],
  static_resources: {
    clusters: [
      {
        name: 'c',
        type: 'STATIC',
        connect_timeout: '1s',
        per_connection_buffer_limit_bytes: 5,
        common_lb_config: { healthy_panic_threshold: { value: 1.5 } },
        metadata: { filter_metadata: { m: { a: true } } },
        typed_extension_protocol_options: {
          o: {
            '@type': 'x/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
            explicit_http_config: { http_protocol_options: {} },
          },
          s: { '@type': 'x/xds.type.v3.TypedStruct', type_url: 'x/google.protobuf.Any', value: {} },
        },
        load_assignment: {
          cluster_name: 'c',
          endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path: '/p' } } } }] }],
        },
      },
    ],
    secrets: [{ name: 's', generic_secret: { secret: { inline_bytes: 'aGk=' } } }],
  },
};
const STRANGE: readonly unknown[] = [
  null,
  [],
  {},
  '',
  'x/y',
  '\ud800',
  '1e400',
  '0x',
  -1,
  1.5,
  2 ** 70,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  true,
  [[[]]],
  { '@type': 'x/google.protobuf.Duration', value: {} },
  { '@type': 'x/google.protobuf.Struct', value: { a: '\udfff' } },
  { '@type': 'x/google.protobuf.Timestamp', value: '2026-13-01' },
  { seconds: '9223372036854775807', nanos: 2147483647 },
  { value: { value: 1 } },
  '99999999999999999999s',
];

/** Replaces a random value, or moves one to another key. */
function damage(root: Record<string, unknown>, random: Random): void {
  const pick = <T>(list: readonly T[]): T | undefined =>
    list[Math.floor(random.next() * list.length)];
  let at = root;
  for (;;) {
    const key = pick(Object.keys(at));
    if (key === undefined) return;
    const child = at[key];
    if (typeof child === 'object' && child !== null && random.next() < 0.8) {
      at = child as Record<string, unknown>;
      continue;
    }
    at[random.next() < 0.8 ? key : (pick(Object.keys(root)) ?? key)] = pick(STRANGE);
    return;
  }
}

t.test('takes any damage to a configuration without throwing', (t) => {
  const seed = testSeed();
  const random = seededRandom(seed);
  for (let round = 0; round < 2000; round++) {
    const value = JSON.parse(JSON.stringify(WHOLE)) as Record<string, unknown>;
    for (let i = 0; i <= round % 4; i++) damage(value, random);
    try {
      decodeResource(value, BootstrapSchema, { support: {}, path: '' });
    } catch (error) {
      t.fail(`seed ${seed}, round ${round}: ${JSON.stringify(value)}: ${String(error)}`);
    }
  }
  t.pass('2000 damaged configurations');
  t.end();
});

t.test('knows which paths are below others', (t) => {
  t.ok(isWithin('a.b', 'a'));
  t.ok(isWithin('a[0]', 'a'));
  t.ok(isWithin('a', 'a'));
  t.ok(isWithin('a', ''));
  t.notOk(isWithin('ab', 'a'));
  t.notOk(isWithin('a[10]', 'a[1]'));
  t.notOk(isWithin('a', 'a.b'));
  t.end();
});
