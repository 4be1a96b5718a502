// A management server that is broken or hostile: whatever it sends, what serves goes on, and the
// next good response is taken.
import type { Any } from '@bufbuild/protobuf/wkt';
import t, { type Test } from 'tap';
import type { Random } from '../../proxy/base/random.ts';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { ADS, adsBootstrap, rdsListener, routeTable } from '../support/dynamic-bootstrap.ts';
import { DynamicSide, playToUs } from '../support/dynamic-twins.ts';
import { startEchoUpstream } from '../support/echo-upstream.ts';
import { eventually } from '../support/eventually.ts';
import { anyOf } from '../support/played-plane.ts';
import { assignment, edsCluster } from '../support/resource-files.ts';
import { seededRandom, testSeed } from '../support/seeded-random.ts';
import { type Message, staticCluster } from '../support/static-bootstrap.ts';

/** What never comes is not waited for. */
const SOURCE = { ...ADS, initial_fetch_timeout: '0.2s' };

const KINDS = ['cluster', 'endpoint', 'listener', 'route'] as const;
type Kind = (typeof KINDS)[number];

/** Names that each type is asked for. */
const ASKED: Readonly<Record<Kind, readonly string[]>> = {
  cluster: [],
  endpoint: ['one'],
  listener: [],
  route: ['routes'],
};

function varint(value: number): number[] {
  const octets: number[] = [];
  let rest = value;
  while (rest > 127) {
    octets.push((rest & 127) | 128);
    rest = Math.floor(rest / 128);
  }
  return [...octets, rest];
}

function field(number: number, content: Uint8Array): Uint8Array {
  const head = Uint8Array.from([...varint(number * 8 + 2), ...varint(content.length)]);
  return Buffer.concat([head, content]);
}

/** A cluster whose metadata holds an Any in an Any, so many times. */
function nested(depth: number): Uint8Array {
  const url = Buffer.from('type.googleapis.com/google.protobuf.Any');
  const parts: Uint8Array[] = [];
  let { length } = parts;
  for (let level = 0; level < depth; level += 1) {
    const head = Buffer.concat([field(1, url), Uint8Array.from([0x12, ...varint(length)])]);
    parts.push(head);
    length += head.length;
  }
  const any = Buffer.concat(parts.reverse());
  // Cluster.metadata.typed_filter_metadata
  const entry = Buffer.concat([field(1, Buffer.from('m')), field(2, any)]);
  const base = anyOf('cluster', staticCluster('deep', 1)).value;
  return Buffer.concat([base, field(25, field(2, entry))]);
}

interface Rig {
  readonly side: DynamicSide;
  readonly good: Readonly<Record<Kind, readonly [Message]>>;
  /** Answers what was said to that. */
  send(
    kind: Kind,
    resources: readonly { readonly name: string; readonly any: Any }[],
  ): Promise<string>;
}

/** A proxy that serves what a server told. */
async function withServing(t: Test, use: (rig: Rig) => Promise<void>): Promise<void> {
  const side = await DynamicSide.listen('ours', false);
  const upstream = await startEchoUpstream('a');
  t.teardown(async () => {
    side.close();
    await upstream.close();
  });
  const { plane } = side;
  const good = {
    cluster: [edsCluster('one', SOURCE)],
    endpoint: [assignment('one', [upstream.port])],
    listener: [rdsListener('in', { source: SOURCE })],
    route: [routeTable('routes', { '/': 'one' })],
  } as const;
  await playToUs(side, adsBootstrap(side.relay.port, false, { source: SOURCE }), async () => {
    for (const kind of KINDS) {
      await plane.asked(kind, ...ASKED[kind]);
      plane.push(kind, good[kind]);
    }
    await side.serving();
    const send: Rig['send'] = (kind, resources) =>
      plane.answer(plane.send({ typeUrl: TYPE_URLS[kind], version: 'x', resources }));
    await use({ side, good, send });
    t.equal(await side.get('/'), 'a', 'what served serves');
  });
}

function raw(kind: Kind, value: Uint8Array, name = '') {
  return { name, any: { ...anyOf(kind, {}), value } };
}

/** Three octets changed, and the rest cut off somewhere. */
function broken(sample: Uint8Array, random: Random): Uint8Array {
  const octets = Uint8Array.from(sample);
  const any = (below: number) => Math.floor(random.next() * below);
  for (let change = 0; change < 3; change += 1) octets[any(octets.length)] = any(256);
  return octets.subarray(0, 1 + any(octets.length));
}

t.test('rubbish in place of resources', async (t) => {
  const seed = testSeed();
  const random = seededRandom(seed);
  await withServing(t, async ({ side, good, send }) => {
    for (const kind of KINDS) {
      const sample = anyOf(kind, good[kind][0]).value;
      let refused = 0;
      for (let round = 0; round < 40; round += 1) {
        const answer = await send(kind, [raw(kind, broken(sample, random))]);
        if (answer.includes('refused')) refused += 1;
      }
      t.ok(refused > 10, `seed ${seed}: ${refused} of 40 broken ${kind}s are refused`);
      t.notMatch(
        await side.plane.set(kind, good[kind]),
        /refused/,
        `good ${kind}s are taken again`,
      );
    }
  });
});

t.test('messages in messages, deeper than anybody reads', async (t) => {
  await withServing(t, async ({ side, good, send }) => {
    for (const depth of [10, 1000, 20_000]) {
      await send('cluster', [
        { name: '', any: anyOf('cluster', good.cluster[0]) },
        raw('cluster', nested(depth)),
        { name: '', any: anyOf('cluster', staticCluster('other', 1)) },
      ]);
      t.match(await side.admin('/clusters'), /^other::/m, `what is good beside ${depth} is used`);
      const { configs } = JSON.parse(await side.admin('/config_dump'));
      t.ok(configs.length > 4, 'and it is shown');
      await side.plane.set('cluster', good.cluster);
    }
  });
});

t.test('names that mean something elsewhere, and one of a megabyte', async (t) => {
  const names = [
    '__proto__',
    'constructor',
    'a\nb',
    'a\u0000b',
    '<script>',
    '\u{1f600}',
    '..',
    ' ',
  ];
  await withServing(t, async ({ side, good }) => {
    for (const name of names) {
      const answer = await side.plane.set('cluster', [...good.cluster, staticCluster(name, 1)]);
      t.notMatch(answer, /refused/, `${JSON.stringify(name)} is a name`);
      const lines = (await side.admin('/clusters')).split('\n');
      t.same(
        lines.filter((line) => !line.includes('::')),
        [''],
        'and no line of its own',
      );
    }
    const long = staticCluster('x'.repeat(1e6), 1);
    const answer = await side.plane.set('cluster', [...good.cluster, long]);
    t.match(answer, /refused 13 Error .* x{64}\.\.\.: name: value length must be at most 16384/);
  });
});

t.test('thousands that nobody asked for, or that are all bad', async (t) => {
  await withServing(t, async ({ good, send }) => {
    const unasked = Array.from({ length: 20_000 }, (_, index) =>
      raw('endpoint', field(1, Buffer.from(`n${index}`)), `n${index}`),
    );
    t.notMatch(await send('endpoint', unasked), /refused/, 'what nobody asked for is nothing');
    // EDS without a source.
    const bad = Array.from({ length: 3000 }, (_, index) => {
      const value = Buffer.concat([field(1, Buffer.from(`n${index}`)), Uint8Array.of(0x10, 3)]);
      return raw('cluster', value, `n${index}`);
    });
    const one = { name: 'one', any: anyOf('cluster', good.cluster[0]) };
    t.match(await send('cluster', [one, ...bad]), /\.\.\.\(truncated\)$/, 'told in 4 KiB');
  });
});

t.test('a world that is another one each time leaves nothing behind', async (t) => {
  await withServing(t, async ({ side, good }) => {
    const { plane } = side;
    // Until it serves, not every statistic is there.
    await eventually(async () => (await side.get('/')) === 'a');
    const names = async () =>
      (await side.admin('/stats')).split('\n').map((line) => line.split(': ')[0]);
    const before = await names();
    for (let round = 0; round < 50; round += 1) {
      const others = [edsCluster(`flap-${round}`, ADS), staticCluster(`other-${round}`, 1)];
      plane.push('cluster', [...good.cluster, ...others]);
    }
    for (let round = 0; round < 5; round += 1) {
      const other = rdsListener(`flap-${round}`, { table: `table-${round}`, source: SOURCE });
      plane.push('listener', [...good.listener, other]);
      await plane.asked('route', `table-${round}`);
    }
    await plane.set('listener', good.listener);
    const last = plane.push('cluster', good.cluster);
    await plane.answer(last);
    await plane.dropped('endpoint', 'flap-49');
    await eventually(async () => (await names()).length === before.length).catch(() => undefined);
    t.same(await names(), before);
  });
});

t.test('responses for what was given up', async (t) => {
  await withServing(t, async ({ side, good, send }) => {
    const { plane } = side;
    await plane.set('listener', []);
    await plane.dropped('route', 'routes');
    const table = { name: 'routes', any: anyOf('route', routeTable('routes', { '/': 'xds' })) };
    t.notMatch(await send('route', [table]), /refused/, 'is acknowledged');
    plane.push('listener', good.listener);
    await plane.asked('route', 'routes');
    const again = { name: 'routes', any: anyOf('route', routeTable('routes', { '/': 'one' })) };
    await send('route', [again]);
    await eventually(async () => (await side.get('/')) === 'a');
  });
});
