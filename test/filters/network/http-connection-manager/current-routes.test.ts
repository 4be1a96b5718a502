import t from 'tap';
import { CurrentRoutes } from '../../../../proxy/filters/network/http-connection-manager/current-routes.ts';
import type { RoutesInUse } from '../../../../proxy/filters/network/http-connection-manager/routes-in-use.ts';
import { routeRef } from '../../../../proxy/model/config-source.ts';
import type { ExtensionInstance } from '../../../../proxy/model/extension.ts';
import type { HttpConnectionManagerConfig } from '../../../../proxy/model/http-connection-manager.ts';
import { matchedName, requestHead, routeTableConfig } from '../../../support/route-fixtures.ts';
import {
  labelledDefinition,
  labelledTable,
  ToldParts,
  toldPlace,
} from '../../../support/told-parts.ts';

const ROUTER = labelledDefinition('last', true);
const A = labelledDefinition('a');
const B = labelledDefinition('b');
const router: ExtensionInstance = { ...place('router', ROUTER), config: 'router' };

function place(name: string, definition = A): ExtensionInstance {
  return { name, definition, config: name, disabled: false };
}

class Rig extends ToldParts {
  readonly internalOnly: (readonly string[])[] = [];
  readonly routes: CurrentRoutes;

  /** `known`: what was told before it was made. */
  constructor(httpFilters: readonly ExtensionInstance[] = [router], isTold = true, known = '') {
    super();
    const filters = [toldPlace('f', ['a']), { ...place('written', B), config: 'router' }, router];
    if (known !== '') this.tellTable(known, ['x-known']);
    const source = { kind: 'ads', key: 'ads', fetchTimeoutMs: 0 } as const;
    const config = {
      ...{ httpFilters, scopedRoutes: null },
      upgrades: new Map([
        ['none', { isEnabled: true, connect: null, filters: [] }],
        ['websocket', { isEnabled: true, connect: null, filters }],
      ]),
      routeTable: isTold ? routeTableConfig({}) : labelledTable('written'),
      ...(isTold && { rds: routeRef('r', source) }),
    } as unknown as HttpConnectionManagerConfig;
    this.routes = new CurrentRoutes({
      ...{ config, services: this.services, ownServices: this.filterServices(this.services) },
      filterServices: (services) => this.filterServices(services),
      onInternalOnly: (names) => this.internalOnly.push(names),
    });
  }

  tellTable(label: string, internalOnly: readonly string[] = []): void {
    this.hub.set('route', 'ads/r', labelledTable(label, internalOnly));
  }

  tell(name: string, config: string | null, definition = A): void {
    this.hub.set('http-filter', name, config === null ? null : { definition, config });
  }
}

function route({ table }: RoutesInUse): string {
  return matchedName(table, requestHead());
}

/** `upgrade`: null for requests that ask for none. */
function filters(routes: RoutesInUse, upgrade: string | null = null): readonly string[] {
  const plan = routes.planFor(null);
  const own = upgrade === null ? plan : plan.upgrades?.get(upgrade);
  const { factories, terminal } = own ?? plan;
  const made = [...factories, terminal].map((factory) => factory.create({} as never));
  return made.map((filter) => (filter as { label?: string }).label ?? 'missing');
}

t.test('until its table is told no request finds a route', async (t) => {
  const rig = new Rig();
  t.equal(route(rig.routes.inUse), 'none');
  rig.tellTable('one', ['x-inside']);
  t.equal(route(rig.routes.inUse), 'one');
  t.same(rig.internalOnly, [['x-inside']]);
  rig.tellTable('two');
  t.same(rig.internalOnly, [['x-inside'], []], 'what the last one says');
});

t.test('a table that is there already serves at once', async (t) => {
  const rig = new Rig([router], true, 'one');
  t.equal(route(rig.routes.inUse), 'one');
  t.same(rig.internalOnly, [['x-known']]);
});

t.test('a stream keeps what it began with, and the last one gives it back', async (t) => {
  const rig = new Rig();
  rig.tellTable('one');
  const first = rig.routes.inUse.acquire();
  const second = rig.routes.inUse.acquire();
  rig.tellTable('two');
  rig.tellTable('three');
  t.equal(route(first), 'one');
  t.equal(route(rig.routes.inUse), 'three');
  t.same(rig.held, ['table one', 'table three'], 'nobody began with the one between');
  first.release();
  t.same(rig.held, ['table one', 'table three']);
  second.release();
  t.same(rig.held, ['table three']);
});

t.test('the default serves, then what is told, and the default again', async (t) => {
  const fallback = { definition: A, config: 'default' };
  const rig = new Rig([toldPlace('f', ['a', 'b'], fallback), router]);
  rig.tellTable('one');
  t.same(filters(rig.routes.inUse), ['a=default', 'last=router']);
  const stream = rig.routes.inUse.acquire();
  rig.tell('f', 'told', B);
  t.same(filters(rig.routes.inUse), ['b=told', 'last=router']);
  t.same(filters(stream), ['a=default', 'last=router']);
  rig.tell('f', null);
  t.same(filters(rig.routes.inUse), ['a=default', 'last=router']);
  t.same(rig.held, ['table one', 'filter default']);
  stream.release();
  rig.tell('f', 'again');
  t.same(rig.held, ['table one', 'filter again'], 'the table went on');
});

t.test('what was never told, or does not fit, lets nobody through', async (t) => {
  const rig = new Rig([toldPlace('f', ['a']), router], false);
  t.same(filters(rig.routes.inUse), ['missing', 'last=router']);
  rig.tell('f', 'x', B);
  t.same(filters(rig.routes.inUse), ['missing', 'last=router'], 'another chain may want that type');
  rig.tell('f', 'y');
  t.same(filters(rig.routes.inUse), ['a=y', 'last=router']);
  t.equal(route(rig.routes.inUse), 'written');
});

t.test('chains that share a name have each what fits them', async (t) => {
  const fallback = { definition: B, config: 'default' };
  const rig = new Rig([toldPlace('f', ['a']), toldPlace('f', ['b'], fallback), router], false);
  rig.tell('f', 'x');
  t.same(filters(rig.routes.inUse), ['a=x', 'b=default', 'last=router']);
  rig.tell('f', 'y', B);
  t.same(filters(rig.routes.inUse), ['missing', 'b=y', 'last=router']);
  t.same(rig.held, ['table written', 'filter y']);
});

t.test('the same again changes nothing', async (t) => {
  const rig = new Rig([toldPlace('f', ['a']), router], false);
  const told = { definition: A, config: 'x' };
  rig.hub.set('http-filter', 'f', told);
  const before = rig.routes.inUse;
  rig.hub.set('http-filter', 'f', told);
  t.equal(rig.routes.inUse, before);
});

t.test('whoever comes after nobody referred to it any more begins with nothing', async (t) => {
  const rig = new Rig();
  rig.tellTable('one');
  const stream = rig.routes.inUse.acquire();
  rig.hub.remove('route', 'ads/r');
  t.equal(route(rig.routes.inUse), 'one', 'who drains keeps what it has');
  const ref = routeRef('r', { kind: 'ads', key: 'ads', fetchTimeoutMs: 0 });
  let changes = 0;
  const slot = rig.hub.open(ref, () => {
    changes += 1;
  });
  t.equal(slot.value, null, 'and not with a table of long ago');
  rig.tellTable('two');
  t.equal(changes, 1);
  t.equal(route(rig.routes.inUse), 'one');
  stream.release();
});

t.test('the filters of an upgrade are told like all others', async (t) => {
  const rig = new Rig([toldPlace('g', ['a']), router], false);
  const { inUse } = rig.routes;
  t.same(filters(inUse, 'websocket'), ['missing', 'b=router', 'last=router']);
  rig.tell('f', 'x');
  t.same(filters(rig.routes.inUse, 'websocket'), ['a=x', 'b=router', 'last=router']);
  t.same(filters(rig.routes.inUse), ['missing', 'last=router']);
  t.same(filters(rig.routes.inUse, 'none'), ['missing', 'last=router'], 'those of all requests');
  rig.tell('g', 'y');
  t.same(filters(rig.routes.inUse), ['a=y', 'last=router']);
  t.same(filters(rig.routes.inUse, 'websocket'), ['a=x', 'b=router', 'last=router']);
  t.same(filters(inUse, 'websocket')[0], 'missing', 'a stream keeps what it began with');
});
