import t from 'tap';
import { rbacPathOf } from '../../../proxy/filters/rbac/rbac-subject.ts';
import type { Route } from '../../../proxy/routing/route-table.ts';
import { requestHead } from '../../support/route-fixtures.ts';

t.test('decides on the path without query and fragment', async (t) => {
  const paths = { '/a?b': '/a', '/a#b': '/a', '/a#b?c': '/a', '/a?b#c': '/a', '/a': '/a', '?': '' };
  for (const [path, found] of Object.entries(paths)) {
    t.equal(rbacPathOf(requestHead({ path }), null), found, path);
  }
  t.equal(rbacPathOf(requestHead({ method: 'CONNECT', path: '' }), null), null);
});

t.test('leaves out path parameters where routes ignore them', async (t) => {
  const ignoring = { ignoresPathParameters: true } as Route;
  const minding = { ignoresPathParameters: false } as Route;
  const head = requestHead({ path: '/a;x=1/b;y?c;d' });
  t.equal(rbacPathOf(head, ignoring), '/a/b');
  t.equal(rbacPathOf(head, minding), '/a;x=1/b;y');
});
