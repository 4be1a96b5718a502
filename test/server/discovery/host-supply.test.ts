import t from 'tap';
import type { VirtualHost } from '../../../proxy/api/gen/envoy/config/route/v3/route_components_pb.js';
import { HostSupply } from '../../../proxy/server/discovery/host-supply.ts';
import { TYPE_URLS } from '../../../proxy/xds/resource-types.ts';
import { packed } from '../../support/control-plane.ts';
import { turn } from '../../support/fake-mux.ts';
import { ADS_SOURCE, SupplyRig } from '../../support/supply-rig.ts';

const COUNTS = 'http.in.rds.vhds.table.';

/** Without a domain it breaks the rules of its proto. */
function host(name: string, domain: string) {
  const domains = domain === '' ? [] : [domain];
  return packed('envoy.config.route.v3.VirtualHost', { name: `table/${name}`, domains });
}

class Rig extends SupplyRig {
  /** Domains as they were shown, one text for each time. */
  readonly shown: string[] = [];
  readonly supply: HostSupply;

  constructor() {
    super(true);
    const ref = { kind: 'route' as const, key: 'k', name: 'table', source: ADS_SOURCE };
    const statsScope = 'http.in.rds.table';
    const supply: HostSupply = new HostSupply({ ...ref, statsScope }, ADS_SOURCE, {
      ...this.parts,
      onHosts: () => {
        if (this.refusal === '') this.shown.push(domains(supply.hosts()));
        return this.refusal;
      },
      onGivenUp: () => this.shown.push(`without: ${domains(supply.hosts())}`),
    });
    this.supply = supply;
  }

  /** `{a: 'a.com'}`: the virtual host `table/a`. */
  tell(version: string, hosts: Record<string, string>, removed: readonly string[] = []) {
    const resources = Object.fromEntries(
      Object.entries(hosts).map(([name, domain]) => [`table/${name}`, host(name, domain)]),
    );
    return this.send({ typeUrl: TYPE_URLS.virtualHost, version, resources, removed });
  }

  count(name: string): number {
    return this.counter(`${COUNTS}${name}`);
  }
}

function domains(hosts: readonly VirtualHost[]): string {
  return hosts.map((each) => each.domains.join()).join(' ');
}

async function rigOf(): Promise<Rig> {
  const rig = new Rig();
  await rig.open();
  return rig;
}

t.test('virtual hosts come and go one by one', async (t) => {
  const rig = await rigOf();
  t.ok(rig.supply.isWaiting);
  t.equal(await rig.tell('1', { a: 'a', b: 'b' }), '');
  t.notOk(rig.supply.isWaiting);
  await rig.tell('2', { c: 'c' }, ['table/a']);
  await rig.tell('3', { b: 'bb' });
  await rig.tell('4', { a: 'a' });
  t.same(rig.shown, ['a b', 'b c', 'bb c', 'bb c a']);
  t.equal(rig.count('config_reload'), 4);
});

t.test('what changes nothing is not shown again', async (t) => {
  const rig = await rigOf();
  await rig.tell('1', { a: 'a' });
  const other = { 'other/x': packed('envoy.config.route.v3.VirtualHost', { name: 'x' }) };
  await rig.send({ typeUrl: TYPE_URLS.virtualHost, version: '2', resources: other });
  await rig.tell('3', {}, ['other/x', 'table/unknown']);
  await rig.restart();
  t.equal(await rig.tell('4', { a: 'a' }), '');
  t.same(rig.shown, ['a'], 'neither hosts of another table nor another version of the same');
  t.same([rig.count('config_reload'), rig.count('update_success')], [2, 4]);
});

t.test('an update that cannot be used changes nothing', async (t) => {
  const rig = await rigOf();
  await rig.tell('1', { a: 'a' });
  rig.refusal = 'two virtual hosts have one domain';
  t.equal(await rig.tell('2', { b: 'a' }, ['table/c']), rig.refusal);
  t.match(await rig.tell('3', { b: '' }), /^table\/b: /, 'not even read');
  rig.refusal = '';
  t.equal(await rig.tell('4', { b: 'b' }), '');
  t.same(rig.shown, ['a', 'a b']);
});

t.test('one that turns out to be of no use is refused late', async (t) => {
  const rig = await rigOf();
  await rig.tell('1', { a: 'a' });
  await rig.tell('2', { b: 'b' });
  rig.supply.refuse('ended two workers');
  await turn();
  t.equal(rig.answer(TYPE_URLS.virtualHost), 'ended two workers');
  t.equal(domains(rig.supply.hosts()), 'a');
  await rig.restart();
  const [first] = rig.fake.server.last.deltaRequests;
  t.same({ ...first?.initialResourceVersions }, { 'table/a': '1', 'table/b': '' });
  await rig.tell('3', { b: 'b' });
  t.same(rig.shown, ['a', 'a b', 'a b'], 'it is not taken for known');
});

t.test('nobody waits for ever, nor for a better one', async (t) => {
  const late = await rigOf();
  late.fake.clock.advance(1_000);
  t.same([late.shown, late.supply.isWaiting], [['without: '], false]);
  await late.tell('1', { a: 'a' });
  t.same(late.shown, ['without: ', 'a']);
  const bad = await rigOf();
  t.not(await bad.tell('1', { a: '' }), '');
  bad.fake.clock.advance(1_000);
  t.same([bad.shown, bad.supply.isWaiting], [['without: '], false], 'once');
});

t.test('a server that cannot be reached is waited for until the time is over', async (t) => {
  const rig = await rigOf();
  rig.fake.server.last.end();
  await turn();
  t.same([rig.shown, rig.supply.isWaiting], [[], true]);
  rig.fake.clock.advance(1_000);
  t.same(rig.shown, ['without: ']);
});

t.test('closed, it is told nothing and counts nothing', async (t) => {
  const rig = await rigOf();
  rig.supply.close();
  await turn();
  await rig.tell('1', { a: 'a' });
  rig.fake.clock.advance(5_000);
  t.same(rig.shown, []);
  t.equal(rig.count('config_reload'), -1);
});
