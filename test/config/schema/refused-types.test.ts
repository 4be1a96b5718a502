import t from 'tap';
import { apiRegistry } from '../../../proxy/api/registry.ts';
import { REFUSED_TYPES, refusedTypeReason } from '../../../proxy/config/schema/refused-types.ts';
import { EXTENSIONS } from '../../../proxy/filters/extensions.ts';
import type { ExtensionDefinition } from '../../../proxy/model/extension.ts';

t.test('each is a type of Envoy that no extension here has, with a reason', (t) => {
  const lists: (readonly ExtensionDefinition[])[] = Object.values(EXTENSIONS);
  const present = new Set(lists.flat().map(({ schema }) => schema.typeName));
  for (const [name, reason] of Object.entries(REFUSED_TYPES)) {
    t.not(apiRegistry.getMessage(name), undefined, name);
    t.notOk(present.has(name), name);
    t.match(reason, /^\S.*; .*[^.\s]$/, 'says what to use instead');
    t.equal(refusedTypeReason(name), reason);
  }
  t.end();
});

t.test('other types have no reason of their own', (t) => {
  t.equal(refusedTypeReason('envoy.extensions.filters.http.cors.v3.Cors'), null);
  t.equal(refusedTypeReason('toString'), null);
  t.end();
});
