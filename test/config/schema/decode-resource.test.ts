import { create } from '@bufbuild/protobuf';
import t from 'tap';
import { ClusterSchema } from '../../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { ListenerSchema } from '../../../proxy/api/gen/envoy/config/listener/v3/listener_pb.js';
import {
  type DecodedResource,
  decodeResource,
  isWithin,
  validateMessage,
} from '../../../proxy/config/schema/decode-resource.ts';

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
    /^clusters\[2\]\.name: value length/,
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
  t.match(texts(refused), [/^name: value length/, /^lb_policy: 'lb_policy' is a field of Envoy/]);
  t.end();
});

t.test('takes any value without throwing', (t) => {
  const values = [undefined, null, 0, '', true, [], [1], {}, { name: {} }, { '@type': 1 }, () => 0];
  for (const value of values) {
    t.equal(decodeResource(value, ClusterSchema, { support, path: '' }).ok, false);
  }
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
