import t from 'tap';
import { parseUriTemplate } from '../../proxy/base/uri-template.ts';
import {
  fitsTemplate,
  parseUriTemplateRewrite,
  UriTemplateRewriter,
} from '../../proxy/base/uri-template-rewrite.ts';

function rewritten(template: string, rewrite: string, path: string): string | null {
  const from = parseUriTemplate(template);
  const to = parseUriTemplateRewrite(rewrite);
  if ('error' in from || to === null) throw new Error('bad template');
  return new UriTemplateRewriter(from, to).rewrite(path);
}

t.test('puts what variables stood for in their new places', async (t) => {
  t.equal(rewritten('/t/{a}/{b=**}', '/x/{b}/{a}', '/t/1/2/3'), '/x/2/3/1');
  t.equal(rewritten('/t/{a}/{b=**}', '/x/{b}/{a}', '/t/1/'), '/x//1');
  t.equal(rewritten('/t/{a}', '/x/{a}-{a}{a}/../%41*', '/t/1'), '/x/1-11/../%41*');
  t.equal(rewritten('/t/{a}', '/', '/t/1'), '/');
});

t.test('leaves a path alone that does not match', async (t) => {
  t.equal(rewritten('/t/{a}', '/x/{a}', '/u/1'), null);
});

t.test('refuses what Envoy refuses', async (t) => {
  const bad = ['', 'x/{a}', '{a}', '//x', '/x/{a', '/x/a}', '/x/{}', '/x/{1a}', '/x y', '/x#y'];
  for (const text of [...bad, '/x?{a}', '/{a=*}', '/{{a}}', '/x{{']) {
    t.equal(parseUriTemplateRewrite(text), null, text);
  }
});

t.test('knows variables that the template does not have', async (t) => {
  const template = parseUriTemplate('/t/{a}');
  const fits = (text: string) => {
    const rewrite = parseUriTemplateRewrite(text);
    return !('error' in template) && rewrite !== null && fitsTemplate(rewrite, template);
  };
  t.ok(fits('/x/{a}'));
  t.ok(fits('/x'));
  t.notOk(fits('/x/{c}'));
});
