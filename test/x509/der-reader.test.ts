// DER in its one form; BER, and what is cut or too deep, is refused.
import t from 'tap';
import { DerReader } from '../../proxy/x509/der-reader.ts';
import {
  isMinimalInteger,
  oidText,
  readBoolean,
  readNamedBits,
  readOctetBits,
  readSmallInteger,
  readTime,
} from '../../proxy/x509/der-values.ts';
import { namedBits, oid, sequence, TAG, tlv } from '../support/der-writer.ts';

/** The first failure of reading `hex` as a SEQUENCE and nothing behind it; null: none. */
function errorOf(hex: string): string | null {
  const reader = DerReader.over(Buffer.from(hex, 'hex'));
  reader.read(0x30);
  reader.finish();
  return reader.error;
}

/** What `read` makes of one element, or the failure. */
function readOne<T>(der: Buffer, read: (reader: DerReader) => T): T | string {
  const reader = DerReader.over(der);
  const value = read(reader);
  reader.finish();
  return reader.error ?? value;
}

const WRONG: Readonly<Record<string, string>> = {
  '': 'expected tag 0x30, found the end',
  '3100': 'expected tag 0x30, found 0x31',
  '30': 'cut in a length',
  '3081': 'cut in a length',
  '308200': 'cut in a length',
  '3001': 'element longer than what holds it',
  '3080': 'indefinite length',
  '30800000': 'indefinite length',
  '308100': 'length is not minimal',
  '30817f': 'length is not minimal',
  '30820080': 'length is not minimal',
  '3085000000000100': 'length of more than four octets',
  '30ff': 'length of more than four octets',
  '3084ffffffff': 'element longer than what holds it',
  '300000': 'data behind the end',
};

for (const [hex, error] of Object.entries(WRONG)) {
  t.test(`refuses ${hex === '' ? 'nothing' : hex}`, (t) => {
    t.equal(errorOf(hex), error);
    t.end();
  });
}

t.test('takes the shortest form of every length', (t) => {
  for (const length of [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000]) {
    t.equal(errorOf(sequence(Buffer.alloc(length)).toString('hex')), null);
  }
  t.end();
});

t.test('keeps its first failure, and reads nothing after it', (t) => {
  const reader = DerReader.over(Buffer.from('0101ff0101ff', 'hex'));
  reader.fail('first');
  reader.fail('second');
  t.equal(reader.error, 'first');
  t.equal(reader.read(0x01).content.length, 0);
  t.equal(reader.isAtEnd, true);
  t.equal(reader.error, 'first');
  t.end();
});

t.test('refuses tags of several octets, and what is nested too deeply', (t) => {
  const long = DerReader.over(Buffer.from('1f810100', 'hex'));
  long.readAny();
  t.equal(long.error, 'tag of several octets');
  let der = sequence();
  for (let depth = 0; depth < 40; depth += 1) der = sequence(der);
  const deep = DerReader.over(der);
  let inner = deep;
  for (let depth = 0; depth < 40; depth += 1) inner = inner.read(0x30);
  t.equal(deep.error, 'nested too deeply');
  t.end();
});

t.test('reads booleans and integers in one form only', (t) => {
  t.equal(readOne(tlv(TAG.boolean, '\xff'), readBoolean), true);
  t.equal(readOne(tlv(TAG.boolean, '\0'), readBoolean), false);
  t.equal(readOne(tlv(TAG.boolean, '\x01'), readBoolean), 'no boolean');
  t.equal(readOne(tlv(TAG.boolean, ''), readBoolean), 'no boolean');
  t.equal(readOne(tlv(TAG.integer, '\x7f\xff\xff\xff'), readSmallInteger), 0x7fffffff);
  t.equal(readOne(tlv(TAG.integer, '\0\xff'), readSmallInteger), 0xff);
  t.equal(readOne(tlv(TAG.integer, '\xff'), readSmallInteger), 'integer out of range');
  t.equal(readOne(tlv(TAG.integer, '\0\x01'), readSmallInteger), 'integer is not minimal');
  t.equal(readOne(tlv(TAG.integer, ''), readSmallInteger), 'integer is not minimal');
  t.equal(isMinimalInteger(Buffer.from([0xff, 0x80])), false);
  t.equal(isMinimalInteger(Buffer.from([0xff, 0x7f])), true);
  t.end();
});

t.test('reads object identifiers of any size, in one form only', (t) => {
  for (const text of ['0.9.2342', '1.2.840.113549.1.9.1', '2.5.4.3', '2.5.29.37.0']) {
    t.equal(oidText(oid(text).subarray(2)), text);
  }
  const uuid = '6983ddf9aeb5d2a3fcd9be94bcc0aecaf2c1b87a';
  t.match(oidText(Buffer.from(uuid, 'hex')), /^2\.25\.\d+$/);
  t.equal(oidText(Buffer.from('883703', 'hex')), '2.999.3');
  for (const wrong of ['', '80', '2a8001', '2a81']) t.equal(oidText(Buffer.from(wrong, 'hex')), '');
  t.equal(oidText(Buffer.alloc(65, 1)), '');
  t.end();
});

t.test('reads bit strings whose unused bits are unused', (t) => {
  t.equal(readOne(namedBits([0, 5, 6]), readNamedBits), 0b1100001);
  t.equal(readOne(namedBits([8]), readNamedBits), 1 << 8);
  t.equal(readOne(namedBits([]), readNamedBits), 0);
  t.equal(readOne(tlv(TAG.bitString, '\x01\x81'), readNamedBits), 'unused bits are set');
  t.equal(readOne(tlv(TAG.bitString, '\x08\x80'), readNamedBits), 'no bit list');
  t.equal(readOne(tlv(TAG.bitString, ''), readNamedBits), 'no bit list');
  t.same(readOne(tlv(TAG.bitString, '\0ab'), readOctetBits), Buffer.from('ab'));
  t.equal(
    readOne(tlv(TAG.bitString, '\x01ab'), readOctetBits),
    'bit string is not of whole octets',
  );
  t.end();
});

t.test('reads times to the second, in UTC, that exist', (t) => {
  const utc = (text: string): number | string => readOne(tlv(TAG.utcTime, text), readTime);
  const general = (text: string): number | string =>
    readOne(tlv(TAG.generalizedTime, text), readTime);
  t.equal(utc('491231235959Z'), Date.UTC(2049, 11, 31, 23, 59, 59));
  t.equal(utc('500101000000Z'), Date.UTC(1950, 0, 1));
  t.equal(general('99991231235959Z'), Date.UTC(9999, 11, 31, 23, 59, 59));
  t.equal(general('20240229000000Z'), Date.UTC(2024, 1, 29));
  const wrong = ['', '2501010000Z', '250101000000', '250101000000+0000', '251301000000Z'];
  wrong.push('250230000000Z', '250101240000Z', '250101006000Z', '250101000060Z', '25010100000 Z');
  for (const text of wrong) t.equal(utc(text), 'no time', text);
  for (const text of ['20250101000000.5Z', '202501010000Z', '20230229000000Z']) {
    t.equal(general(text), 'no time', text);
  }
  t.end();
});
