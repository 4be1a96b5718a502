import t from 'tap';
import { metadataValue } from '../../../../proxy/filters/http/header-to-metadata/metadata-value.ts';

function made(octets: string, type: 'text' | 'number' | 'protobuf', isBase64 = false) {
  return metadataValue(octets, {
    ...{ namespace: 'ns', key: 'k', value: '', rewrite: null },
    ...{ type, isBase64 },
  });
}

t.test('texts are taken up to a bound', async (t) => {
  t.same(made('text', 'text'), { value: 'text' });
  t.same(made('x'.repeat(8191), 'text'), { value: 'x'.repeat(8191) });
  t.same(made('x'.repeat(8192), 'text'), { failure: 'too-long' });
});

t.test('numbers are decimal or hexadecimal', async (t) => {
  for (const text of ['1', '-1.5', ' 12 ', '1e3', '+7', '.5', '5.', '0x10']) {
    t.same(made(text, 'number'), { value: Number(text) }, text);
  }
  for (const text of ['abc', '1,2', '1 2', '-', 'e3', 'nan']) {
    t.same(made(text, 'number'), { failure: 'other' }, text);
  }
});

t.test('base64 may lack its padding, and nothing else', async (t) => {
  for (const text of ['dGV4dA==', 'dGV4dA']) t.same(made(text, 'text', true), { value: 'text' });
  for (const text of ['!!!', 'dGV4dB==', 'dGV4d', '====', 'a b=']) {
    t.same(made(text, 'text', true), { failure: 'not-base64' }, text);
  }
});

t.test('serialized values become what they say', async (t) => {
  const encoded = (octets: string) => Buffer.from(octets, 'latin1').toString('base64');
  t.same(made(encoded('\x1a\x02hi'), 'protobuf', true), { value: 'hi' });
  t.same(made(encoded('\x20\x01'), 'protobuf', true), { value: true });
  t.same(made(encoded('\xff\xff'), 'protobuf', true), { failure: 'other' });
});
