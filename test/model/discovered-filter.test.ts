import t from 'tap';
import { EXTENSIONS } from '../../proxy/filters/extensions.ts';
import type { FilterRef } from '../../proxy/model/config-source.ts';
import { isFilterRef, misfitOf } from '../../proxy/model/discovered-filter.ts';
import type { ToldFilter } from '../../proxy/model/extension.ts';

const RBAC = 'envoy.extensions.filters.http.rbac.v3.RBAC';
const ROUTER = 'envoy.extensions.filters.http.router.v3.Router';

function ref(isLast: boolean | null): FilterRef {
  const source = { kind: 'ads', key: 'ads', fetchTimeoutMs: 0 } as const;
  const rules = { typeNames: [RBAC, ROUTER], isLast };
  return { kind: 'http-filter', key: 'k', name: 'f', source, rules, isAwaited: true };
}

function told(typeName: string): ToldFilter {
  const definition = EXTENSIONS.httpFilters.find(({ schema }) => schema.typeName === typeName);
  if (definition === undefined) throw new Error(`no filter takes ${typeName}`);
  return { definition, config: null };
}

t.test('a configuration fits by its type and by its place, in the words of Envoy', (t) => {
  t.equal(misfitOf(told(RBAC), ref(false)), '');
  t.equal(misfitOf(told(ROUTER), ref(true)), '');
  t.equal(misfitOf(told(ROUTER), ref(null)), '');
  t.equal(
    misfitOf(told(ROUTER), ref(false)),
    'Error: terminal filter named f of type envoy.filters.http.router must be the last filter in a http filter chain.',
  );
  t.equal(
    misfitOf(told(RBAC), ref(true)),
    'Error: non-terminal filter named f of type envoy.filters.http.rbac is the last filter in a http filter chain.',
  );
  const cors = 'envoy.extensions.filters.http.cors.v3.Cors';
  t.equal(
    misfitOf(told(cors), ref(false)),
    `Error: filter config has type URL ${cors} but expect ${RBAC}, ${ROUTER}.`,
  );
  t.end();
});

t.test('a route table is no filter', (t) => {
  const { key, name, source } = ref(null);
  t.notOk(isFilterRef({ kind: 'route', key, name, source }));
  t.ok(isFilterRef(ref(null)));
  t.end();
});
