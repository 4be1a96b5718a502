import t from 'tap';
import { translateLegacyFormat } from '../../proxy/formatter/legacy-format.ts';
import { parseTextFormat } from '../../proxy/formatter/parse.ts';
import { proxiedContext } from '../support/format-context.ts';

t.test('lists of keys become paths, request state becomes filter state', (t) => {
  const translations: Readonly<Record<string, string>> = {
    '%UPSTREAM_METADATA(["ns","k"])%': '%UPSTREAM_METADATA(ns:k)%',
    'a %DYNAMIC_METADATA( ["ns", "o",\n "b" ] )% b': 'a %DYNAMIC_METADATA(ns:o:b)% b',
    '%UPSTREAM_METADATA(["ns"])%%DYNAMIC_METADATA(["a","b"])%':
      '%UPSTREAM_METADATA(ns)%%DYNAMIC_METADATA(a:b)%',
    '%PER_REQUEST_STATE(x)%%PER_REQUEST_STATE(y)%':
      '%FILTER_STATE(x:PLAIN)%%FILTER_STATE(y:PLAIN)%',
  };
  for (const [old, now] of Object.entries(translations)) {
    t.equal(translateLegacyFormat(old), now, old);
  }
  t.end();
});

t.test('everything else stays as it is', (t) => {
  for (const text of [
    '',
    'plain',
    '100%%',
    '%UPSTREAM_METADATA(ns:k)%',
    '%UPSTREAM_METADATA([])%',
    '%UPSTREAM_METADATA([3])%',
    '%UPSTREAM_METADATA(["ns", {}])%',
    '%UPSTREAM_METADATA(["ns",])%',
    '%CLUSTER_METADATA(["ns","k"])%',
    '%UPSTREAM_METADATA(["ns","k"]):3%',
    '%PER_REQUEST_STATE()%',
    '%PER_REQUEST_STATE%',
  ]) {
    t.equal(translateLegacyFormat(text), text, text);
  }
  t.end();
});

t.test('headers understand it, log lines do not', (t) => {
  const format = (text: string, forHeader: boolean) =>
    parseTextFormat(text, { forHeader, omitEmptyValues: false });
  const parsed = format('%UPSTREAM_METADATA(["ns","k"])%,%PER_REQUEST_STATE(fs)%', true);
  t.equal(parsed.ok && parsed.formatter.format(proxiedContext()), 'v,{"10":1,"9":2,"field":"x"}');
  t.match(format('%PER_REQUEST_STATE(a:b)%', true), {
    error: 'Invalid filter state serialize type, only support PLAIN/TYPED/FIELD.',
  });
  t.match(format('%PER_REQUEST_STATE(a)%', false), {
    error: 'Not supported field in StreamInfo: PER_REQUEST_STATE',
  });
  t.end();
});
