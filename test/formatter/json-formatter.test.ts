import t from 'tap';
import type { FormatOptions, JsonValue } from '../../proxy/formatter/format-options.ts';
import type { FormatContext } from '../../proxy/formatter/formatter.ts';
import { parseJsonFormat } from '../../proxy/formatter/parse.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { HEADER_ID } from '../../proxy/http/header-names.ts';
import { RequestHead } from '../../proxy/http/message.ts';
import { emptyContext, proxiedContext } from '../support/format-context.ts';

const LOG: FormatOptions = { forHeader: false, omitEmptyValues: false };

function render(format: JsonValue, context: FormatContext, options = LOG): string {
  const parsed = parseJsonFormat(format, options);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.formatter.format(context);
}

function withHeader(value: string): FormatContext {
  const target = { path: '/', authority: 'h', scheme: 'http' };
  const headers = HeaderList.empty();
  // Not by `add`, which refuses what could not stand on the wire.
  headers.addKnown(HEADER_ID.referer, value);
  const request = new RequestHead('HTTP/1.1', 'GET', target, headers);
  return { ...emptyContext(), request };
}

t.test('a text that is one operator keeps its type, everything else is text', async (t) => {
  const format = {
    code: '%RESPONSE_CODE%',
    mixed: 'a%RESPONSE_CODE%',
    two: '%PROTOCOL%%RESPONSE_CODE%',
    miss: '%REQ(nope)%',
    missmix: 'x%REQ(nope)%',
    metadata: '%DYNAMIC_METADATA(ns:o)%',
    cut: '%DYNAMIC_METADATA(ns:o):3%',
    short: '%REQ(x-a):3%',
    flag: '%DYNAMIC_METADATA(ns:b)%',
    list: '%DYNAMIC_METADATA(ns:l)%',
    percent: '100%%',
  };
  t.equal(
    render(format, proxiedContext()),
    '{"code":200,"cut":{"a":2,"z":"1"},"flag":true,"list":[1,"a"],"metadata":{"a":2,"z":"1"},' +
      '"miss":null,"missmix":"x-","mixed":"a200","percent":"100%","short":"abc",' +
      '"two":"HTTP/1.1200"}\n',
  );
});

t.test('objects and lists nest, keys are sorted, constants are kept', async (t) => {
  const format = {
    z: 1,
    b: { y: ['%PROTOCOL%', 3, { x: '%BYTES_SENT%' }], a: { q: true } },
    'é"': null,
    e: [],
    o: {},
    n: -0.5,
    t: 'plain',
  };
  t.equal(
    render(format, proxiedContext()),
    '{"b":{"a":{"q":true},"y":["HTTP/1.1",3,{"x":13}]},"e":[],"n":-0.5,"o":{},"t":"plain","z":1,' +
      '"\xc3\xa9\\"":null}\n',
  );
  t.equal(render({ a: { b: [1, 'x'] } }, emptyContext()), '{"a":{"b":[1,"x"]}}\n');
});

t.test('omit_empty_values leaves missing members out', async (t) => {
  const omit = { forHeader: false, omitEmptyValues: true };
  const format = { a: '%REQ(no)%', b: '%PROTOCOL%', c: 'x%REQ(no)%', d: ['%REQ(no)%', 1] };
  t.equal(render(format, emptyContext(), omit), '{"b":"HTTP/1.1","c":"x","d":[1]}\n');
  t.equal(render('%REQ(no)%', emptyContext(), omit), 'null\n');
});

t.test('the line is valid JSON whatever a peer sent', async (t) => {
  const values: Readonly<Record<string, string>> = {
    'abc\\def"q"\x7f\x01\t': 'abc\\\\def\\"q\\"\\u007f\\u0001\\t',
    '\xc3\xa9': '\xc3\xa9',
    'a\xe9"\\\x01': 'a\\u00e9\\u0022\\u005c\\u0001',
    '\xc3': '\\u00c3',
  };
  for (const [value, printed] of Object.entries(values)) {
    const line = render({ v: '%REQ(referer)%', w: '<%REQ(referer)%>' }, withHeader(value));
    t.equal(line, `{"v":"${printed}","w":"<${printed}>"}\n`);
    t.doesNotThrow(() => JSON.parse(line));
  }
});

t.test('long values are cut and the line stays valid', async (t) => {
  const context = proxiedContext();
  context.info.dynamicMetadata?.set('big', { s: 'x'.repeat(40_000) });
  const long = withHeader('"'.repeat(30_000));
  const parsed = JSON.parse(render({ v: '%REQ(referer)%', w: '-%REQ(referer):20000%' }, long)) as {
    readonly v: string;
    readonly w: string;
  };
  t.equal(parsed.v.length, 16_384);
  t.equal(parsed.w.length, 16_385);
  const line = render({ m: '%DYNAMIC_METADATA(big)%' }, context);
  t.ok(line.length < 17_000);
  t.equal(typeof (JSON.parse(line) as { readonly m: unknown }).m, 'string');
});

t.test('numbers that JSON cannot print become null', async (t) => {
  const context = proxiedContext();
  context.info.dynamicMetadata?.set('odd', { n: Number.NaN, u: [undefined] });
  t.equal(
    render({ n: '%DYNAMIC_METADATA(odd:n)%', u: '%DYNAMIC_METADATA(odd:u)%' }, context),
    '{"n":null,"u":[null]}\n',
  );
});

t.test('a format with an unknown operator anywhere is refused', async (t) => {
  const parsed = parseJsonFormat({ a: [{ b: '%FOO%' }] }, LOG);
  t.strictSame(parsed, { ok: false, error: 'Not supported field in StreamInfo: FOO' });
});
