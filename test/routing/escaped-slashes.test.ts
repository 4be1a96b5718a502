import t from 'tap';
import { unescapeSlashes } from '../../proxy/routing/escaped-slashes.ts';

t.test('turns each escaped slash into itself, once', async (t) => {
  t.equal(unescapeSlashes('/a%2fb%2Fc%5cd%5Ce'), '/a/b/c\\d\\e');
  t.equal(unescapeSlashes('/%%2f%252f%2e'), '/%/%252f%2e');
  t.equal(unescapeSlashes('/plain'), '/plain');
});
