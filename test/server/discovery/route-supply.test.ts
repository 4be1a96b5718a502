import t from 'tap';
import type { RouteConfiguration } from '../../../proxy/api/gen/envoy/config/route/v3/route_pb.js';
import type { ConfigSourceConfig } from '../../../proxy/model/config-source.ts';
import { RouteSupply } from '../../../proxy/server/discovery/route-supply.ts';
import { TYPE_URLS } from '../../../proxy/xds/resource-types.ts';
import { packed } from '../../support/control-plane.ts';
import { turn } from '../../support/fake-mux.ts';
import { ADS_SOURCE, SupplyRig } from '../../support/supply-rig.ts';

const ROUTES = 'envoy.config.route.v3.RouteConfiguration';
const OTHER_SOURCE: ConfigSourceConfig = {
  ...{ kind: 'path', key: 'path:/x', path: '/x', directory: '' },
  fetchTimeoutMs: 1_000,
};

interface TableText {
  readonly domains?: readonly string[];
  /** Who tells more of them: 'ads', or another one. */
  readonly vhds?: 'ads' | 'other';
}

function table({ domains = [], vhds }: TableText, name = 'r') {
  const virtualHosts = domains.map((domain) => ({ name: domain, domains: [domain] }));
  const internalOnlyHeaders = vhds === undefined ? [] : [`x-${vhds}`];
  return packed(ROUTES, { name, virtualHosts, internalOnlyHeaders });
}

class Rig extends SupplyRig<RouteConfiguration> {
  readonly supply: RouteSupply;

  constructor(isIncremental = true) {
    super(isIncremental);
    // What compiling says, without compiling: who tells more stands in a field that does no harm.
    this.checkRoutes = (message) => {
      const [from] = (message as RouteConfiguration).internalOnlyHeaders;
      if (from === undefined) return { ok: true, vhds: null };
      return { ok: true, vhds: from === 'x-ads' ? ADS_SOURCE : OTHER_SOURCE };
    };
    const ref = { kind: 'route' as const, key: 'k', name: 'r', source: ADS_SOURCE };
    this.supply = new RouteSupply({ ...ref, statsScope: 'http.in.rds.r' }, this.sink, this.parts);
  }

  tell(version: string, text: TableText, name = 'r'): Promise<string> {
    return this.send({
      typeUrl: TYPE_URLS.route,
      version,
      resources: { [name]: table(text, name) },
    });
  }

  tellHosts(version: string, domains: readonly string[], removed: readonly string[] = []) {
    const entries = domains.map((domain) => {
      const fields = { name: `r/${domain}`, domains: [domain] };
      return [`r/${domain}`, packed('envoy.config.route.v3.VirtualHost', fields)] as const;
    });
    const resources = Object.fromEntries(entries);
    return this.send({ typeUrl: TYPE_URLS.virtualHost, version, resources, removed });
  }

  /** Domains of the table that was handed on last. */
  get domains(): string {
    return this.last.virtualHosts.flatMap(({ domains }) => domains).join(' ');
  }

  count(name: string): number {
    return this.counter(`http.in.rds.r.${name}`);
  }
}

async function rigOf(isIncremental = true): Promise<Rig> {
  const rig = new Rig(isIncremental);
  await rig.open();
  return rig;
}

t.test('a table is handed on when its content changed', async (t) => {
  const rig = await rigOf(false);
  t.equal(await rig.tell('1', { domains: ['a'] }), '');
  await rig.tell('2', { domains: ['a'] });
  await rig.restart();
  await rig.tell('other', { domains: ['a'] });
  await rig.tell('4', { domains: ['b'] });
  t.same(rig.news(), ['value 1', 'value 4']);
  t.same([rig.count('config_reload'), rig.count('update_success')], [2, 4]);
});

t.test('a table that is gone stays in use, and another one comes when it is back', async (t) => {
  const rig = await rigOf();
  await rig.tell('1', { domains: ['a'] });
  const gone = { resources: {}, removed: ['r'] };
  t.equal(await rig.send({ typeUrl: TYPE_URLS.route, version: '2', ...gone }), '');
  await rig.tell('3', { domains: ['a'] });
  await rig.tell('4', { domains: ['b'] });
  t.same(rig.news(), ['value 1', 'given up: its source does not have it', 'value 4']);
});

t.test('what cannot be used is refused, and one that ends workers late', async (t) => {
  const rig = await rigOf(false);
  await rig.tell('1', { domains: ['a'] });
  rig.refusal = 'no';
  t.equal(await rig.tell('2', { domains: ['b'] }), 'no');
  rig.refusal = '';
  t.equal(await rig.tell('3', { domains: ['b'] }), '');
  rig.supply.refuse('ended two workers');
  await turn();
  t.equal(rig.answer(TYPE_URLS.route), 'ended two workers');
  rig.news();
  await rig.tell('4', { domains: ['b'] });
  t.same(rig.news(), ['value 4'], 'whoever judges it is asked again');
});

t.test('a table waits for its virtual hosts, and each change shows both', async (t) => {
  const rig = await rigOf();
  await rig.tell('1', { domains: ['a'] });
  await rig.tell('2', { domains: ['a'], vhds: 'ads' });
  t.same(rig.news(), ['value 1'], 'the one before serves meanwhile');
  await rig.tellHosts('h1', ['x', 'y']);
  t.same([rig.news(), rig.domains], [['value 2'], 'a x y']);
  await rig.tell('3', { domains: ['b'], vhds: 'ads' });
  t.equal(rig.domains, 'b x y');
  await rig.tellHosts('h2', ['z'], ['r/x']);
  t.equal(rig.domains, 'b y z');
  await rig.tell('4', { domains: ['c'] });
  t.equal(rig.domains, 'c', 'it has all of them itself again');
  await rig.tellHosts('h3', ['late']);
  t.equal(rig.domains, 'c');
  t.equal(rig.counter('http.in.rds.vhds.r.config_reload'), -1);
});

t.test('a table that changes while it waits is shown as it is then', async (t) => {
  const rig = await rigOf();
  await rig.tell('1', { domains: ['a'], vhds: 'ads' });
  await rig.tell('2', { domains: ['b'], vhds: 'ads' });
  t.same(rig.news(), []);
  await rig.tellHosts('h1', ['x']);
  t.same([rig.news(), rig.domains], [['value 2'], 'b x']);
  const late = await rigOf();
  await late.tell('1', { domains: ['a'], vhds: 'ads' });
  late.fake.clock.advance(1_000);
  t.same([late.news(), late.domains], [['value 1'], 'a'], 'none came in time');
  await late.tellHosts('h1', ['x']);
  t.equal(late.domains, 'a x');
});

t.test('virtual hosts from elsewhere are waited for, and those from here forgotten', async (t) => {
  const rig = await rigOf();
  await rig.tell('1', { domains: ['a'], vhds: 'ads' });
  await rig.tellHosts('h1', ['x']);
  await rig.tell('2', { domains: ['b'], vhds: 'other' });
  t.same(rig.news(), ['value 1']);
  await rig.tellHosts('h2', ['y']);
  t.equal(rig.domains, 'b y');
});

t.test('a table, or its virtual hosts: what came last is refused late', async (t) => {
  const rig = await rigOf();
  await rig.tell('1', { domains: ['a'], vhds: 'ads' });
  await rig.tellHosts('h1', ['x']);
  await rig.tellHosts('h2', ['y']);
  rig.supply.refuse('hosts of no use');
  await turn();
  t.equal(rig.answer(TYPE_URLS.virtualHost), 'hosts of no use');
  t.equal(rig.answer(TYPE_URLS.route), '');
  await rig.tell('2', { domains: ['b'] });
  t.equal(rig.domains, 'b');
  rig.supply.refuse('table of no use');
  await turn();
  t.equal(rig.answer(TYPE_URLS.route), 'table of no use');
  rig.news();
  await rig.tellHosts('h3', ['z']);
  t.same(
    [rig.news(), rig.domains],
    [['value 1'], 'a z'],
    'the one before has its hosts told again',
  );
});

t.test('closed, neither a table nor virtual hosts are told, and nothing is counted', async (t) => {
  const rig = await rigOf();
  await rig.tell('1', { domains: ['a'], vhds: 'ads' });
  rig.supply.close();
  await turn();
  await rig.tellHosts('h1', ['x']);
  await rig.tell('2', { domains: ['b'] });
  rig.fake.clock.advance(5_000);
  t.same(rig.news(), []);
  const counters = Object.keys(rig.fake.stats.snapshot().counters);
  t.same(
    counters.filter((name) => name.startsWith('http.')),
    [],
  );
});
