import { create } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import t from 'tap';
import { TypedExtensionConfigSchema } from '../../../proxy/api/gen/envoy/config/core/v3/extension_pb.js';
import type { FilterRef } from '../../../proxy/model/config-source.ts';
import { FilterSupply } from '../../../proxy/server/discovery/filter-supply.ts';
import { TYPE_URLS } from '../../../proxy/xds/resource-types.ts';
import { packed } from '../../support/control-plane.ts';
import { turn } from '../../support/fake-mux.ts';
import { ADS_SOURCE, SupplyRig } from '../../support/supply-rig.ts';

const PACKAGE = 'envoy.extensions.filters.http';
const RBAC = `${PACKAGE}.rbac.v3.RBAC`;
const CORS = `${PACKAGE}.cors.v3.Cors`;
const ROUTER = `${PACKAGE}.router.v3.Router`;
const COUNTS = 'extension_config_discovery.http_filter.f.';

/** A place in a chain that takes these types. */
function ref(...typeNames: readonly string[]): FilterRef {
  const rules = { typeNames, isLast: false };
  return { kind: 'http-filter', key: 'f', name: 'f', source: ADS_SOURCE, rules, isAwaited: true };
}

function config(typeName: string, fields = {}, name = 'f') {
  const typedConfig = packed(typeName, fields);
  return anyPack(
    TypedExtensionConfigSchema,
    create(TypedExtensionConfigSchema, { name, typedConfig }),
  );
}

class Rig extends SupplyRig {
  refs: FilterRef[] = [ref(RBAC, CORS, ROUTER)];
  supply = this.make();

  make(): FilterSupply {
    const refs = () => this.refs;
    return new FilterSupply(this.refs[0] as FilterRef, this.sink, { ...this.parts, refs });
  }

  tell(version: string, typeName: string, fields = {}): Promise<string> {
    const resources = { f: config(typeName, fields) };
    return this.send({ typeUrl: TYPE_URLS.extension, version, resources });
  }

  remove(): Promise<string> {
    const update = { resources: {}, removed: ['f'] };
    return this.send({ typeUrl: TYPE_URLS.extension, version: '', ...update });
  }

  count(name: string): number {
    return this.counter(`${COUNTS}${name}`);
  }
}

async function rigOf(isIncremental: boolean): Promise<Rig> {
  const rig = new Rig(isIncremental);
  await rig.open();
  return rig;
}

for (const isIncremental of [false, true]) {
  const variant = isIncremental ? 'incremental' : 'state of the world';

  t.test(`${variant}: the same content is handed on once, also by another server`, async (t) => {
    const rig = await rigOf(isIncremental);
    t.equal(await rig.tell('1', RBAC), '');
    t.equal(await rig.tell('2', RBAC), '');
    await rig.restart();
    t.equal(await rig.tell('other', RBAC), '');
    t.same(rig.news(), ['value 1']);
    t.equal(rig.count('config_reload'), 1);
    t.equal(await rig.tell('4', CORS), '');
    t.same(rig.news(), ['value 4']);
  });

  t.test(`${variant}: what two chains want by one name has to fit both`, async (t) => {
    const rig = await rigOf(isIncremental);
    t.equal(await rig.tell('1', RBAC), '');
    const other = ref(CORS);
    rig.refs = [...rig.refs, other];
    rig.supply.join(other);
    rig.supply.join(other);
    t.equal(rig.count('config_conflict'), 1, 'the one in use does not, and is known to once');
    rig.news();
    t.match(await rig.tell('2', RBAC, { shadowRulesStatPrefix: 'x' }), /but expect .*Cors\.$/);
    t.match(rig.news(), [/^given up/], 'the one in use stays');
    t.match(rig.unusable, [/^2: Error: filter config has type URL/]);
    t.equal(await rig.tell('3', CORS), '', 'this one fits both');
    t.same(rig.news(), ['value 3']);
    rig.refs = [other];
    t.match(await rig.tell('4', RBAC), /but expect/, 'whoever is gone is not asked');
    rig.refs = [ref(RBAC)];
    t.equal(await rig.tell('5', RBAC), '');
    t.same([rig.count('config_reload'), rig.count('config_fail')], [3, 2]);
  });

  t.test(`${variant}: a version that turns out to be of no use is refused late`, async (t) => {
    const rig = await rigOf(isIncremental);
    await rig.tell('1', RBAC);
    await rig.tell('2', CORS);
    rig.supply.refuse('ended two workers');
    await turn();
    t.equal(rig.answer(TYPE_URLS.extension), 'ended two workers');
    t.equal(rig.count('update_rejected'), 1);
    rig.news();
    rig.refusal = 'condemned';
    t.equal(await rig.tell('3', CORS), 'condemned', 'the same content is not taken for known');
    rig.refusal = '';
    t.equal(await rig.tell('4', RBAC), '');
    t.same(rig.news(), ['refused 3', 'given up: condemned', 'value 4']);
  });

  t.test(`${variant}: a refused version leaves the one before it, and can be mended`, async (t) => {
    const rig = await rigOf(isIncremental);
    await rig.tell('1', RBAC);
    rig.refusal = 'rules: no';
    t.equal(await rig.tell('2', CORS), 'rules: no');
    rig.refusal = '';
    t.equal(await rig.tell('3', CORS), '', 'what was refused may be taken later');
    t.same(rig.news(), ['value 1', 'refused 2', 'given up: rules: no', 'value 3']);
  });

  t.test(`${variant}: nobody waits longer than the time for the first answer`, async (t) => {
    const rig = await rigOf(isIncremental);
    rig.fake.clock.advance(1_000);
    t.same(rig.news(), ['given up: initial_fetch_timeout is over']);
    t.equal(rig.count('config_fail'), 1);
    t.equal(await rig.tell('1', RBAC), '');
    t.same(rig.news(), ['value 1']);
  });

  t.test(`${variant}: closed, it is told nothing and counts nothing`, async (t) => {
    const rig = await rigOf(isIncremental);
    rig.supply.close();
    await turn();
    await rig.tell('1', RBAC);
    rig.fake.clock.advance(5_000);
    t.same(rig.news(), []);
    t.equal(rig.count('config_reload'), -1, 'what it counted is gone');
  });

  t.test(`${variant}: given up and wanted again in one turn, it is told anew`, async (t) => {
    const rig = await rigOf(isIncremental);
    await rig.tell('1', RBAC);
    rig.supply.close();
    rig.news();
    rig.supply = rig.make();
    await turn();
    if (rig.told.length === 0) await rig.tell('1', RBAC);
    t.same(rig.news(), ['value 1']);
  });
}

t.test('what is removed is withdrawn, and told again when it comes back', async (t) => {
  const rig = await rigOf(true);
  t.equal(await rig.remove(), '');
  t.same(rig.news(), ['withdrawn', 'given up: its source does not have it'], 'before it ever came');
  await rig.tell('1', RBAC);
  await rig.remove();
  await rig.tell('2', RBAC);
  t.match(rig.news(), ['value 1', 'withdrawn', /^given up/, 'value 2']);
  const other = ref(CORS);
  await rig.remove();
  rig.supply.join(other);
  t.equal(rig.count('config_conflict'), 0, 'with nothing in use nothing is in the way');
});

t.test('another name than the one that was asked for is refused', async (t) => {
  const rig = await rigOf(false);
  const resources = { g: config(RBAC, {}, 'g') };
  const update = { typeUrl: TYPE_URLS.extension, version: '1', resources };
  await rig.send(update);
  t.same(rig.values, []);
});
