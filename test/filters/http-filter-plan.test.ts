import t from 'tap';
import type { HttpFilterDefinition, HttpFilterServices } from '../../proxy/filters/http-filter.ts';
import { type HttpFilterPlan, HttpFilterPlanner } from '../../proxy/filters/http-filter-plan.ts';
import {
  type ExtensionInstance,
  type PerFilterConfig,
  perFilterKeyOfField,
} from '../../proxy/model/extension.ts';

/** A filter whose factory tells its configuration; `join` makes one of a route's levels. */
function definition(
  name: string,
  join?: (own: string, levels: readonly string[]) => string | null,
) {
  const factory = (config: string) => ({ create: () => ({ label: `${name}=${config}` }) });
  return { name, factory, onRoute: join } as unknown as HttpFilterDefinition;
}

const CORS = definition('cors', (own, levels) => [own, ...levels].join('<'));
const FAULT = definition('fault', (_own, [first]) => (first === 'off' ? null : (first ?? '')));
const ROUTER = definition('router');

function place(of: HttpFilterDefinition, disabled = false): ExtensionInstance {
  return { name: of.name, definition: of, config: 'own', disabled } as ExtensionInstance;
}

function says(of: HttpFilterDefinition | null, config: unknown, disabled = false): PerFilterConfig {
  return { definition: of, config, disabled };
}

function labels({ factories, terminal }: HttpFilterPlan): unknown[] {
  const made = [...factories, terminal].map((factory) => factory.create({} as never));
  return made.map((filter) => (filter as unknown as { label: string }).label);
}

function plannerOf(...filters: ExtensionInstance[]): HttpFilterPlanner {
  return new HttpFilterPlanner(filters, {} as HttpFilterServices);
}

t.test('without a route’s word the chain is as configured', async (t) => {
  const planner = plannerOf(place(CORS), place(FAULT, true), place(ROUTER));
  t.same(labels(planner.defaultPlan), ['cors=own', 'router=own']);
  t.same(labels(planner.plan([new Map([['other', says(CORS, 'x')]])])), ['cors=own', 'router=own']);
});

t.test('a filter gets what all levels say, the most specific first', async (t) => {
  const planner = plannerOf(place(CORS), place(ROUTER));
  const levels = [
    new Map([['cors', says(CORS, 'route')]]),
    new Map([['cors', says(CORS, 'host')]]),
  ];
  t.same(labels(planner.plan(levels)), ['cors=own<route<host', 'router=own']);
});

t.test('the most specific level switches a filter off and on', async (t) => {
  const planner = plannerOf(place(CORS), place(FAULT, true), place(ROUTER));
  const off = new Map([['cors', says(null, null, true)]]);
  const on = new Map([
    ['cors', says(CORS, 'host')],
    ['fault', says(null, null)],
  ]);
  t.same(labels(planner.plan([off, on])), ['fault=own', 'router=own']);
  t.same(labels(planner.plan([on, off])), ['cors=own<host', 'fault=own', 'router=own']);
});

t.test('a filter may decide that it has nothing to do on a route', async (t) => {
  const planner = plannerOf(place(FAULT), place(ROUTER));
  t.same(labels(planner.plan([new Map([['fault', says(FAULT, 'off')]])])), ['router=own']);
});

t.test('what is meant for a filter of another type is not for this one', async (t) => {
  const planner = plannerOf(place(CORS), place(ROUTER));
  t.same(labels(planner.plan([new Map([['cors', says(FAULT, 'x')]])])), ['cors=own', 'router=own']);
});

t.test(
  'what deprecated fields say counts where nothing else does, whatever the name',
  async (t) => {
    const renamed = { ...place(CORS), name: 'mine' };
    const planner = plannerOf(renamed, place(ROUTER));
    const field = new Map([[perFilterKeyOfField('cors'), says(CORS, 'field')]]);
    t.same(labels(planner.plan([field])), ['cors=own<field', 'router=own']);
    const typed = new Map([['mine', says(CORS, 'typed')]]);
    t.same(labels(planner.plan([field, typed])), ['cors=own<typed', 'router=own']);
  },
);

t.test('a filter that has nothing to do is not made', async (t) => {
  const idle = { ...CORS, factory: () => null } as unknown as HttpFilterDefinition;
  t.same(labels(plannerOf(place(idle), place(ROUTER)).defaultPlan), ['router=own']);
});

t.test('an upgrade with filters of its own has a plan of its own, on every route', async (t) => {
  const own = {
    type: 'websocket',
    instances: [place(FAULT), { ...place(CORS), name: 'x' }, place(ROUTER)],
  };
  const services = {} as HttpFilterServices;
  const planner = new HttpFilterPlanner([place(CORS), place(ROUTER)], services, [own]);
  const ofUpgrade = (plan: HttpFilterPlan): unknown[] =>
    labels(plan.upgrades?.get('websocket') as HttpFilterPlan);
  t.same(labels(planner.defaultPlan), ['cors=own', 'router=own']);
  t.same(ofUpgrade(planner.defaultPlan), ['fault=own', 'cors=own', 'router=own']);
  const plan = planner.plan([
    new Map([
      ['cors', says(CORS, 'route')],
      ['fault', says(null, null, true)],
    ]),
  ]);
  t.same(labels(plan), ['cors=own<route', 'router=own']);
  t.same(ofUpgrade(plan), ['cors=own', 'router=own'], 'it is the name that counts');
  t.equal(plan.upgrades?.get('connect'), undefined);
  t.equal(plannerOf(place(ROUTER)).defaultPlan.upgrades, null);
});
