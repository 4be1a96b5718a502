import t from 'tap';
import { HttpFilterPlanner } from '../../../../proxy/filters/http-filter-plan.ts';
import type { Lease } from '../../../../proxy/filters/lease.ts';
import type { BuiltTable } from '../../../../proxy/filters/network/http-connection-manager/routes-in-use.ts';
import { ScopedTables } from '../../../../proxy/filters/network/http-connection-manager/scoped-tables.ts';
import type { ConfigSourceConfig } from '../../../../proxy/model/config-source.ts';
import type { RouteTableConfig } from '../../../../proxy/model/route.ts';
import type { ScopedRoutesConfig, ToldScopeConfig } from '../../../../proxy/model/scoped-routes.ts';
import { matchedName, requestHead } from '../../../support/route-fixtures.ts';
import { labelledDefinition, labelledTable, ToldParts } from '../../../support/told-parts.ts';

const SOURCE: ConfigSourceConfig = { kind: 'ads', key: 'ads', fetchTimeoutMs: 0 };

/** What a scope says: the name of a table, or one of its own. */
function scope(name: string, key: string, of: string | RouteTableConfig): ToldScopeConfig {
  const isName = typeof of === 'string';
  return { name, key: [key], table: isName ? null : of, routeName: isName ? of : '' };
}

class Rig extends ToldParts {
  readonly tables: ScopedTables;
  changes = 0;
  #leases: readonly Lease[] = [];

  constructor(routes: ConfigSourceConfig | null = SOURCE) {
    super();
    const definition = labelledDefinition('last', true);
    const router = { name: 'router', definition, config: 'router', disabled: false };
    const planner = new HttpFilterPlanner([router], this.filterServices(this.services));
    const fragment = { header: 'x-s', elementSeparator: '', extract: { kind: 'index', index: 0 } };
    const ref = { kind: 'scopes', key: 's', name: 's', source: SOURCE, routes, statPrefix: 'in' };
    const config = { name: 's', fragments: [fragment], scopes: [], discovery: ref };
    const parts = {
      ...{ planner, services: this.services },
      filterServices: this.filterServices.bind(this),
    };
    this.tables = new ScopedTables(config as unknown as ScopedRoutesConfig, parts, () => {
      this.changes += 1;
      this.use(this.tables.built);
    });
    this.use(this.tables.built);
  }

  /** As a connection manager without streams: what is next is held before this is let go. */
  use({ leases }: BuiltTable): void {
    for (const lease of leases) lease.hold();
    for (const lease of this.#leases) lease.letGo();
    this.#leases = leases;
  }

  tell(...told: readonly ToldScopeConfig[]): void {
    this.hub.set('scopes', 's', { told });
  }

  tellTable(name: string, label: string, internalOnly: readonly string[] = []): void {
    this.hub.set('route', `ads/${name}`, labelledTable(label, internalOnly));
  }

  /** The route of a request with each of these keys. */
  routes(...keys: readonly string[]): readonly string[] {
    const { table } = this.tables.built;
    return keys.map((key) => matchedName(table, requestHead({ headers: ['x-s', key] })));
  }
}

t.test('scopes and their tables may come in any order', async (t) => {
  const rig = new Rig();
  t.same(rig.routes('a'), ['none']);
  rig.tell(scope('A', 'a', 'one'), scope('B', 'b', 'two'));
  t.same(rig.routes('a', 'b'), ['none', 'none']);
  rig.tellTable('two', '2');
  t.same(rig.routes('a', 'b', 'c'), ['none', '2', 'none']);
  const early = new Rig();
  early.tellTable('one', '1');
  early.tell(scope('A', 'a', 'one'));
  t.same(early.routes('a'), ['1'], 'a table that was there before');
});

t.test(
  'scopes that name one table share it, and one that changes is changed for all',
  async (t) => {
    const rig = new Rig();
    rig.tell(scope('A', 'a', 'one'), scope('B', 'b', 'one'), scope('C', 'c', 'two'));
    rig.tellTable('one', '1');
    rig.tellTable('two', '2');
    t.same(rig.routes('a', 'b', 'c'), ['1', '1', '2']);
    rig.tellTable('one', '11');
    t.same(rig.routes('a', 'b', 'c'), ['11', '11', '2']);
    t.same(rig.held, ['table 11', 'table 2']);
  },
);

t.test('a scope keeps its table until the one that it names now is there', async (t) => {
  const rig = new Rig();
  rig.tell(scope('A', 'a', 'one'));
  rig.tellTable('one', '1');
  rig.tell(scope('A', 'a', 'two'));
  t.same(rig.routes('a'), ['1']);
  rig.tellTable('one', 'late');
  t.same(rig.routes('a'), ['1'], 'what it names no longer is not looked at');
  rig.tellTable('two', '2');
  t.same([rig.routes('a'), rig.held], [['2'], ['table 2']]);
  rig.tell(scope('A', 'a', labelledTable('own')));
  t.same([rig.routes('a'), rig.held], [['own'], ['table own']]);
  rig.tell(scope('A', 'a', 'three'));
  t.same(rig.routes('a'), ['own']);
  rig.tell(scope('A', 'a', 'two'));
  t.same(rig.routes('a'), ['2'], 'given up and wanted again');
});

t.test('a scope that is gone has no routes, and comes back without memory', async (t) => {
  const rig = new Rig();
  rig.tell(scope('A', 'a', 'one'), scope('B', 'b', 'one'));
  rig.tellTable('one', '1');
  rig.tell(scope('B', 'b', 'one'));
  t.same(rig.routes('a', 'b'), ['none', '1']);
  rig.tell();
  t.same([rig.routes('a', 'b'), rig.held], [['none', 'none'], []]);
  rig.hub.remove('route', 'ads/one');
  rig.tell(scope('A', 'a', 'one'));
  t.same(rig.routes('a'), ['none'], 'its table has to be told again');
  rig.tellTable('one', '2');
  t.same(rig.routes('a'), ['2']);
});

t.test('keys change hands within one update', async (t) => {
  const rig = new Rig();
  rig.tell(scope('A', 'a', 'one'), scope('B', 'b', labelledTable('own')));
  rig.tellTable('one', '1');
  rig.tell(scope('A', 'b', 'one'), scope('B', 'a', labelledTable('own')));
  t.same(rig.routes('a', 'b'), ['own', '1']);
});

t.test('what one table calls internal is so for all, as long as it is there', async (t) => {
  const rig = new Rig();
  rig.tell(scope('A', 'a', 'one'), scope('B', 'b', labelledTable('own', ['x-a', 'x-b'])));
  t.same(rig.tables.internalOnlyHeaders(), ['x-a', 'x-b']);
  rig.tellTable('one', '1', ['x-b', 'x-c']);
  t.same([...rig.tables.internalOnlyHeaders()].sort(), ['x-a', 'x-b', 'x-c']);
  rig.tell(scope('A', 'a', 'one'));
  t.same(rig.tables.internalOnlyHeaders(), ['x-b', 'x-c']);
});

t.test('without a source for tables a name stands for none', async (t) => {
  const rig = new Rig(null);
  rig.tell(scope('A', 'a', 'one'), scope('B', 'b', labelledTable('own')));
  t.same(rig.routes('a', 'b'), ['none', 'own']);
});
