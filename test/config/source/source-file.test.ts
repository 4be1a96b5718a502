import t from 'tap';
import { formatOf, readText, textOf } from '../../../proxy/config/source/source-file.ts';

t.test('the name decides on the format', (t) => {
  t.equal(formatOf({ name: 'a.yaml' }), 'yaml');
  t.equal(formatOf({ name: 'dir.json/A.YML' }), 'yaml');
  t.equal(formatOf({ name: 'a.json' }), 'json');
  t.equal(formatOf({ name: 'a.json', format: 'yaml' }), 'yaml', 'unless it is said otherwise');
  t.equal(formatOf({ name: 'a.conf' }), 'json');
  t.equal(formatOf({ name: 'a.pb' }), 'protobuf');
  t.equal(formatOf({ name: 'a.pb_text' }), 'protobuf-text');
  t.end();
});

t.test('broken UTF-8 is refused in JSON and replaced in YAML, as in Envoy', (t) => {
  const content = Uint8Array.of(0x61, 0xff);
  t.equal(textOf({ name: 'a.json', content }), null);
  t.equal(textOf({ name: 'a.yaml', content }), 'a\ufffd');
  t.equal(textOf({ name: 'a.json', content: 'text' }), 'text');
  t.equal(textOf({ name: 'a.json', content: Uint8Array.of(0xef, 0xbb, 0xbf) }), '\ufeff');
  t.end();
});

t.test('reads by format and says which it cannot read', (t) => {
  t.equal(readText('a: 1', 'yaml').ok, true);
  t.equal(readText('a: 1', 'json').ok, false);
  t.match(readText('', 'protobuf-text'), {
    problems: [{ reason: /text format is not supported/ }],
  });
  t.match(readText('', 'protobuf'), { problems: [{ reason: /no text to read/ }] });
  t.end();
});
