import t from 'tap';
import type { SecretRef, SecretValue } from '../../proxy/model/secret.ts';
import { SecretHub } from '../../proxy/tls/secret-hub.ts';

type Generic = Extract<SecretValue, { readonly kind: 'generic' }>;

function value(text: string): Generic {
  return { kind: 'generic', value: Buffer.from(text) };
}

function ref(key: string, initial: Generic | null = null): SecretRef<Generic> {
  return { key, name: key, kind: 'generic', source: { kind: 'inline' }, initial };
}

t.test('everybody who refers to a secret sees a new version at the same moment', (t) => {
  const hub = new SecretHub();
  const seen: string[] = [];
  const text = (slot: { readonly value: Generic | null }) => slot.value?.value.toString() ?? '-';
  const one = hub.open(ref('a'), () => seen.push(`one ${text(one)}, two ${text(two)}`));
  const two = hub.open(ref('a'), () => seen.push(`two ${text(two)}`));
  t.equal(one.value, null, 'nobody supplied it yet');
  hub.set('a', value('first'));
  t.strictSame(seen, ['one first, two first', 'two first']);
  hub.set('b', value('other'));
  t.equal(seen.length, 2, 'another secret is nobody else’s business');
  two.close();
  hub.set('a', value('second'));
  t.equal(seen.length, 3, 'who closed it hears no more');
  t.equal(text(one), 'second');
  t.end();
});

t.test('what was supplied goes before what a configuration knew when it was compiled', (t) => {
  const hub = new SecretHub();
  const first = hub.open(ref('a', value('compiled')), () => undefined);
  t.equal(first.value?.value.toString(), 'compiled');
  hub.set('a', value('supplied'));
  const second = hub.open(ref('a', value('compiled')), () => undefined);
  t.equal(second.value?.value.toString(), 'supplied');
  t.end();
});

t.test('a secret that nobody refers to any more is forgotten, one in use is kept', (t) => {
  const hub = new SecretHub();
  hub.set('a', value('x'));
  const slot = hub.open(ref('a'), () => undefined);
  hub.remove('a');
  t.equal(hub.open(ref('a'), () => undefined).value?.value.toString(), 'x', 'in use');
  slot.close();
  t.end();
});
