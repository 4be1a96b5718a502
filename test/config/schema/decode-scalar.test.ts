import { ScalarType } from '@bufbuild/protobuf';
import t from 'tap';
import { Cluster_LbPolicySchema } from '../../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { decodeEnum, decodeScalar, describe } from '../../../proxy/config/schema/decode-scalar.ts';

function value(type: ScalarType, json: unknown): unknown {
  const decoded = decodeScalar(type, json);
  return 'value' in decoded ? decoded.value : `error: ${decoded.error}`;
}

t.test('integers come as numbers or text, with exponent, hexadecimal or an empty fraction', (t) => {
  for (const json of [16, '16', '+16', '0x10', '1.6e1', '16.0', '016']) {
    t.equal(value(ScalarType.UINT32, json), 16, String(json));
  }
  t.equal(value(ScalarType.SINT32, '-0x10'), -16);
  t.equal(value(ScalarType.INT64, '9223372036854775807'), 9223372036854775807n);
  t.equal(value(ScalarType.UINT64, 5), 5n);
  t.end();
});

t.test('integers that do not fit or are none are refused', (t) => {
  t.equal(value(ScalarType.UINT32, -1), 'error: -1 is outside of uint32: 0 to 4294967295');
  t.match(value(ScalarType.INT32, 2 ** 31), /outside of int32/);
  t.match(value(ScalarType.FIXED64, '18446744073709551616'), /outside of uint64/);
  t.match(value(ScalarType.SFIXED64, '-9223372036854775809'), /outside of int64/);
  for (const json of [1.5, '1.5', '', ' 1', '1 ', '1_0', '0o7', 'x', true, null, [], {}, '0x']) {
    t.match(value(ScalarType.UINT32, json), /^error: expected an integer \(uint32\), found /);
  }
  t.end();
});

t.test('numbers with fractions', (t) => {
  t.equal(value(ScalarType.DOUBLE, 1.5), 1.5);
  t.equal(value(ScalarType.DOUBLE, '-40.5'), -40.5);
  t.ok(Number.isNaN(value(ScalarType.DOUBLE, 'NaN')));
  t.equal(value(ScalarType.DOUBLE, 'Infinity'), Number.POSITIVE_INFINITY);
  t.equal(value(ScalarType.FLOAT, '-Infinity'), Number.NEGATIVE_INFINITY);
  t.match(value(ScalarType.FLOAT, 1e39), /does not fit a float/);
  t.match(value(ScalarType.DOUBLE, '.inf'), /expected a number \(double\), found '.inf'/);
  t.match(value(ScalarType.FLOAT, {}), /expected a number \(float\), found an object/);
  t.end();
});

t.test('booleans come as such or in words', (t) => {
  for (const json of [true, 'true', 'TRUE', 't', 'yes', 'y', '1']) {
    t.equal(value(ScalarType.BOOL, json), true, String(json));
  }
  for (const json of [false, 'False', 'f', 'no', 'N', '0']) {
    t.equal(value(ScalarType.BOOL, json), false, String(json));
  }
  for (const json of [1, 0, 'maybe', 'on', '', null]) {
    t.match(value(ScalarType.BOOL, json), /expected true or false/);
  }
  t.end();
});

t.test('text is text only, and says when quotes are missing', (t) => {
  t.equal(value(ScalarType.STRING, 'a'), 'a');
  t.match(value(ScalarType.STRING, 5), 'expected text, found the number 5; put it in quotes');
  t.match(value(ScalarType.STRING, true), /put it in quotes/);
  t.equal(value(ScalarType.STRING, '\u{1f600}'), '\u{1f600}');
  t.match(value(ScalarType.STRING, '\ud800'), /half of a surrogate pair/);
  t.match(value(ScalarType.STRING, {}), /expected text, found an object$/);
  t.end();
});

t.test('bytes are base64', (t) => {
  t.same(value(ScalarType.BYTES, 'aGk='), Uint8Array.of(0x68, 0x69));
  t.match(value(ScalarType.BYTES, '!'), /expected base64 text, found '!'/);
  t.match(value(ScalarType.BYTES, 5), /expected base64 text/);
  t.end();
});

t.test('enum values come by name in any case, by number, or by number in quotes', (t) => {
  const decode = (json: unknown): unknown => {
    const decoded = decodeEnum(Cluster_LbPolicySchema, json);
    return 'value' in decoded ? decoded.value : decoded.error;
  };
  for (const json of ['RANDOM', 'random', 3, '3']) t.equal(decode(json), 3, String(json));
  t.equal(decode(99), 99, 'whether it is defined is a rule');
  t.equal(decode(-1), -1);
  t.match(decode('RANDON'), /'RANDON' is not one of ROUND_ROBIN, .*did you mean 'RANDOM'\?/);
  t.match(decode('x'), /'x' is not one of ROUND_ROBIN, LEAST_REQUEST/);
  t.match(decode(1.5), /1.5 is no value of envoy.config.cluster.v3.Cluster.LbPolicy/);
  t.match(decode(2 ** 40), /is no value of/);
  t.match(decode(true), /expected one of .* found the boolean true/);
  t.end();
});

t.test('names values shortly', (t) => {
  t.same([null, [], {}, 1, 'a'].map(describe), [
    'null',
    'a list',
    'an object',
    'the number 1',
    "'a'",
  ]);
  t.ok(describe('x'.repeat(1000)).length < 50);
  t.end();
});
