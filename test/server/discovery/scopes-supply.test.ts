import t from 'tap';
import type { ScopedRouteConfigurationsList } from '../../../proxy/api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import type { ScopesRef } from '../../../proxy/model/config-source.ts';
import { ScopesSupply } from '../../../proxy/server/discovery/scopes-supply.ts';
import { TYPE_URLS } from '../../../proxy/xds/resource-types.ts';
import { packed } from '../../support/control-plane.ts';
import { turn } from '../../support/fake-mux.ts';
import { ADS_SOURCE, type Sent, SupplyRig } from '../../support/supply-rig.ts';

const PREFIX = 'Error adding/updating scoped route(s): ';
const COUNTS = 'http.in.scoped_rds.scopes.';

function scope(name: string, key: string, routes = 'r') {
  const fragments = [{ type: { case: 'stringKey' as const, value: key } }];
  const fields = { name, key: { fragments }, routeConfigurationName: routes };
  return packed('envoy.config.route.v3.ScopedRouteConfiguration', fields);
}

class Rig extends SupplyRig<ScopedRouteConfigurationsList> {
  readonly supply: ScopesSupply;

  constructor(isIncremental: boolean, members: Partial<ScopesRef> = {}) {
    super(isIncremental);
    const from = { source: ADS_SOURCE, routes: ADS_SOURCE };
    const ref: ScopesRef = { kind: 'scopes', key: 's', name: 'scopes', statPrefix: 'in', ...from };
    this.supply = new ScopesSupply({ ...ref, ...members }, this.sink, this.parts);
  }

  tell(version: string, resources: Sent, removed: readonly string[] = []): Promise<string> {
    return this.send({ typeUrl: TYPE_URLS.scopedRoute, version, resources, removed });
  }

  /** `name>table` of each scope that was handed on last. */
  get scopes(): readonly string[] {
    return this.last.scopedRouteConfigurations.map(
      ({ name, routeConfigurationName: routes }) => `${name}>${routes}`,
    );
  }

  count(name: string): number {
    return this.counter(`${COUNTS}${name}`);
  }

  gauge(name: string): number {
    return this.fake.gauge(`${COUNTS}${name}`);
  }
}

async function rigOf(isIncremental: boolean, members: Partial<ScopesRef> = {}): Promise<Rig> {
  const rig = new Rig(isIncremental, members);
  await rig.open();
  return rig;
}

for (const isIncremental of [false, true]) {
  const variant = isIncremental ? 'incremental' : 'state of the world';

  t.test(`${variant}: all that there are are handed on as one, when any changed`, async (t) => {
    const rig = await rigOf(isIncremental);
    t.equal(await rig.tell('1', { a: scope('a', 'x'), b: scope('b', 'y') }), '');
    t.same(rig.scopes, ['a>r', 'b>r']);
    t.equal(await rig.tell('2', { a: scope('a', 'x'), b: scope('b', 'y') }), '');
    await rig.restart();
    t.equal(await rig.tell('other', { a: scope('a', 'x'), b: scope('b', 'y') }), '');
    t.same(rig.news(), ['value 1'], 'the same is not handed on again');
    await rig.tell('3', { a: scope('a', 'x', 's'), b: scope('b', 'y') });
    t.same(rig.scopes, ['a>s', 'b>r']);
    await rig.tell('4', { b: scope('b', 'y') }, isIncremental ? ['a'] : []);
    t.same(rig.scopes, ['b>r']);
    t.same([rig.gauge('all_scopes'), rig.gauge('active_scopes')], [1, 1]);
    t.equal(rig.count('config_reload'), 5, 'Envoy counts what was accepted');
  });

  t.test(`${variant}: what is wrong with one refuses all that came with it`, async (t) => {
    const rig = await rigOf(isIncremental);
    await rig.tell('1', { a: scope('a', 'x'), b: scope('b', 'y') });
    rig.news();
    const conflict = { a: scope('a', 'y'), b: scope('b', 'y') };
    const both = `${PREFIX}scope key conflict found, first scope is 'a', second scope is 'b'`;
    t.equal(await rig.tell('2', conflict), both);
    t.match(await rig.tell('3', { a: scope('a', 'z'), b: scope('b', 'y', '') }), /is empty\.$/);
    t.match(rig.news(), [/^given up: Error/, /^given up: route_conf/], 'nobody waits for better');
    t.equal(rig.unusable.length, 2);
    t.equal(
      await rig.tell('4', { a: scope('a', 'y'), b: scope('b', 'x') }),
      '',
      'keys change hands',
    );
    t.same(rig.scopes, ['a>r', 'b>r']);
  });

  t.test(`${variant}: one that turns out to be of no use is refused late`, async (t) => {
    const rig = await rigOf(isIncremental);
    const good = { a: scope('a', 'x') };
    await rig.tell('1', good);
    await rig.tell('2', { ...good, b: scope('b', 'y') });
    rig.supply.refuse('ended two workers');
    await turn();
    t.equal(rig.answer(TYPE_URLS.scopedRoute), 'ended two workers');
    t.equal(rig.gauge('all_scopes'), 1);
    rig.news();
    t.equal(await rig.tell('3', good), '');
    t.same(rig.news(), ['value 3'], 'what is in use is said, whatever was thought to be');
    t.same(rig.scopes, ['a>r']);
  });

  t.test(`${variant}: closed, it is told nothing and counts nothing`, async (t) => {
    const rig = await rigOf(isIncremental);
    await rig.tell('1', { a: scope('a', 'x') });
    rig.news();
    rig.supply.close();
    await turn();
    await rig.tell('2', { a: scope('a', 'z') });
    rig.fake.clock.advance(5_000);
    t.same(rig.news(), []);
    t.same([rig.gauge('all_scopes'), rig.count('config_reload')], [-1, -1]);
  });
}

t.test('tables by name need a source that has them', async (t) => {
  const rig = await rigOf(true, { routes: null });
  t.match(await rig.tell('1', { a: scope('a', 'x') }), /^a: .*no rds_config_source to ask$/);
  t.match(rig.news(), [/^given up/]);
});

t.test('no scopes at all are an answer, and so is none in time', async (t) => {
  const rig = await rigOf(false);
  t.equal(await rig.tell('1', {}), '');
  t.same([rig.news(), rig.scopes], [['value 1'], []]);
  const late = await rigOf(false);
  late.fake.clock.advance(1_000);
  t.same(late.news(), ['given up: initial_fetch_timeout is over']);
});

t.test('what was removed may come back as it was', async (t) => {
  const rig = await rigOf(true);
  await rig.tell('1', { a: scope('a', 'x'), b: scope('b', 'y') });
  await rig.tell('2', { c: scope('c', 'x') }, ['a']);
  t.same(rig.scopes, ['b>r', 'c>r'], 'its key is free');
  await rig.tell('3', { a: scope('a', 'x') }, ['c', 'unknown']);
  t.same(rig.scopes, ['b>r', 'a>r']);
});
