// What every source of resources promises, however they come.
import t from 'tap';
import { StatsStore } from '../../proxy/stats/store.ts';
import { ALL_NAMES, type OpenSource } from '../../proxy/xds/discovery.ts';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { packed } from '../support/control-plane.ts';
import { DiscoveryLog } from '../support/discovery-log.ts';
import {
  fileRig,
  grpcRig,
  type MakeDiscoveryRig,
  type Published,
  restRig,
} from '../support/discovery-rigs.ts';
import { eventually } from '../support/eventually.ts';

/** A type, and how its resources are made. */
interface Kind {
  readonly what: string;
  readonly typeUrl: string;
  make(name: string): Published;
}

function kind(what: string, typeUrl: string, field = 'name'): Kind {
  const typeName = typeUrl.slice(typeUrl.indexOf('/') + 1);
  const make = (name: string) => ({ name, content: packed(typeName, { [field]: name }) });
  return { what, typeUrl, make };
}

const CDS = kind('clusters', TYPE_URLS.cluster);
/** Types of which a subscriber wants everything. */
const WHOLE_KINDS = [CDS, kind('scopes', TYPE_URLS.scopedRoute)];
/** Types of which a subscriber wants some by name. */
const NAMED_KINDS = [
  kind('endpoints', TYPE_URLS.endpoint, 'clusterName'),
  kind('filters', TYPE_URLS.extension),
];
const VHDS = kind('virtual hosts', TYPE_URLS.virtualHost);

const RIGS: Readonly<Record<string, MakeDiscoveryRig>> = {
  'state of the world over gRPC': grpcRig(false),
  'incremental over gRPC': grpcRig(true),
  polls: restRig,
  'a file': fileRig,
};

function watch(source: OpenSource, typeUrl: string, names: readonly string[]) {
  const log = new DiscoveryLog();
  const stats = new StatsStore(null);
  const request = { typeUrl, names: new Set(names), fetchTimeoutMs: 0, stats };
  const subscription = source.subscribe(request, log);
  return { log, subscription, counters: () => stats.snapshot().counters };
}

function wholeCase(title: string, makeRig: MakeDiscoveryRig, { what, typeUrl, make }: Kind): void {
  t.test(`${title}: all ${what}, and again when they change`, async (t) => {
    const rig = await makeRig(typeUrl);
    t.teardown(() => rig.close());
    rig.publish('1', [make('a'), make('b')]);
    const { counters, log } = watch(rig.source, typeUrl, [ALL_NAMES]);
    t.same(log.told, [], 'never inside subscribe');
    await eventually(() => log.told.length > 0);
    t.same([log.told[0], log.last.version], ['a b', '1']);
    rig.publish('2', [make('b'), make('c')]);
    await eventually(() => log.last.version === '2');
    const { isWhole, removed, resources } = log.last;
    t.same(
      resources.map(({ name }) => name),
      ['b', 'c'],
    );
    t.ok(isWhole || removed.includes('a'), 'it can be seen that a is gone');
    t.ok((counters()['update_success'] ?? 0) >= 2);
    t.ok(rig.source.isConnected);
    const received = { version: '2', error: '' };
    t.match(rig.source.reports(), [
      { isConnected: true, types: [{ typeUrl, version: '2', names: [ALL_NAMES], received }] },
    ]);
  });
}

function namedCase(title: string, makeRig: MakeDiscoveryRig, { what, typeUrl, make }: Kind): void {
  t.test(`${title}: ${what} that were asked for, by each who asked`, async (t) => {
    const rig = await makeRig(typeUrl);
    t.teardown(() => rig.close());
    rig.publish('1', [make('a'), make('b'), make('c')]);
    const [a, ab] = [watch(rig.source, typeUrl, ['a']), watch(rig.source, typeUrl, ['a', 'b'])];
    await eventually(() => a.log.told.length > 0 && ab.log.told.length > 0);
    t.same([a.log.told[0], ab.log.told[0]], ['a', 'a b']);
    const late = watch(rig.source, typeUrl, ['a']);
    await eventually(() => late.log.told.length > 0);
    t.same(late.log.told[0], 'a');
    a.subscription.setNames(new Set(['c']));
    await eventually(() => a.log.told.includes('c'));
    late.subscription.close();
    const before = late.log.told.length;
    rig.publish('2', [make('a')]);
    await eventually(() => ab.log.last.version === '2');
    t.equal(late.log.told.length, before, 'closed, it is told nothing');
  });
}

function refusalCase(
  title: string,
  makeRig: MakeDiscoveryRig,
  { what, typeUrl, make }: Kind,
): void {
  t.test(`${title}: ${what} that are refused are counted, and the next ones taken`, async (t) => {
    const rig = await makeRig(typeUrl);
    t.teardown(() => rig.close());
    const isWhole = WHOLE_KINDS.some((each) => each.typeUrl === typeUrl);
    const { counters, log } = watch(rig.source, typeUrl, [isWhole ? ALL_NAMES : 'a']);
    log.refusal = 'no good';
    rig.publish('1', [make('a')]);
    await eventually(() => (counters()['update_rejected'] ?? 0) > 0);
    log.refusal = '';
    rig.publish('2', [make('a')]);
    await eventually(() => (counters()['update_success'] ?? 0) > 0);
    t.equal(log.last.version, '2');
  });
}

for (const [title, makeRig] of Object.entries(RIGS)) {
  for (const each of WHOLE_KINDS) wholeCase(title, makeRig, each);
  for (const each of NAMED_KINDS) namedCase(title, makeRig, each);
  for (const each of [...WHOLE_KINDS, ...NAMED_KINDS]) refusalCase(title, makeRig, each);
}

// Virtual hosts come in the incremental variant only: all others are refused with the configuration.
t.test(
  'incremental over gRPC: virtual hosts, by each who asked for those of a table',
  async (t) => {
    const { typeUrl, make } = VHDS;
    const rig = await grpcRig(true)(typeUrl);
    t.teardown(() => rig.close());
    rig.publish('1', [make('one/a'), make('two/b'), make('one/c')]);
    const [one, two] = [watch(rig.source, typeUrl, ['one']), watch(rig.source, typeUrl, ['two'])];
    await eventually(() => one.log.told.length > 0 && two.log.told.length > 0);
    t.same([one.log.told, two.log.told], [['one/a one/c'], ['two/b']]);
    const late = watch(rig.source, typeUrl, ['one']);
    await eventually(() => late.log.told.length > 0);
    t.same(late.log.told, ['one/a one/c'], 'who comes later is told what is known');
    rig.publish('2', [make('one/a')]);
    await eventually(() => one.log.last.version === '2' && two.log.last.version === '2');
    t.same([one.log.told.at(-1), two.log.told.at(-1)], ['one/a -one/c', '-two/b']);
    one.log.refusal = 'no good';
    rig.publish('3', [make('one/a')]);
    await eventually(() => (one.counters()['update_rejected'] ?? 0) > 0);
    t.equal(two.counters()['update_rejected'], 0, 'what others refuse is theirs');
  },
);
