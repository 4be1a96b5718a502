// What a stream says when, with requests and responses as octets.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import t from 'tap';
import {
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from '../../proxy/api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { DiscoveryServer } from '../../proxy/discovery-server/discovery-server.ts';
import { makeSnapshot, type Snapshot } from '../../proxy/discovery-server/snapshot.ts';
import { LayeredViews } from '../../proxy/discovery-server/views.ts';
import { resourceType, TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { UNWATCHED } from '../support/own-xds-server.ts';
import { served, snapshotOf } from '../support/xds-resources.ts';

/** A server with one aggregated stream in the state of the world. */
class Rig {
  readonly server: DiscoveryServer;
  /** `CDS a b` of each response since it was last looked at. */
  readonly #sent: string[] = [];
  readonly #nonces = new Map<string, string>();
  readonly #stream: ReturnType<DiscoveryServer['accept']>;
  hasRoom = true;
  nowMs = 0;
  /** Types that are not answered. */
  readonly silent = new Set<string>();

  constructor(snapshot: Snapshot, typeUrl = '') {
    this.server = new DiscoveryServer(
      { snapshotOf: () => snapshot },
      { observer: UNWATCHED, nowMs: () => this.nowMs, identifier: 'me' },
    );
    this.#stream = this.server.accept({
      ...{ peer: 'peer', isIncremental: false, typeUrl },
      send: (octets) => this.#take(octets),
    });
  }

  ask(kind: keyof typeof TYPE_URLS, names: readonly string[] = []): string {
    return this.say({ typeUrl: TYPE_URLS[kind], resourceNames: [...names] });
  }

  say(fields: Partial<DiscoveryRequest>): string {
    const { $typeName: _, ...rest } = fields as DiscoveryRequest;
    const request = create(DiscoveryRequestSchema, rest);
    return this.#stream.onMessage(toBinary(DiscoveryRequestSchema, request));
  }

  /** Answers the newest response of a type. */
  answer(kind: keyof typeof TYPE_URLS, names: readonly string[] = []): void {
    const typeUrl = TYPE_URLS[kind];
    const responseNonce = this.#nonces.get(typeUrl) ?? '';
    this.say({ typeUrl, resourceNames: [...names], responseNonce });
  }

  publish(snapshot: Snapshot): void {
    this.server.publish({ snapshotOf: () => snapshot });
  }

  drain(): void {
    this.hasRoom = true;
    this.#stream.onDrain();
  }

  sent(): readonly string[] {
    return this.#sent.splice(0);
  }

  #take(octets: Uint8Array): boolean {
    const { nonce, resources, typeUrl } = fromBinary(DiscoveryResponseSchema, octets);
    this.#nonces.set(typeUrl, nonce);
    this.#sent.push(`${resourceType(typeUrl).shortName} ${resources.length}`);
    return this.hasRoom;
  }
}

t.test('what leads to clusters follows them, whatever was asked for first', async (t) => {
  const rig = new Rig(snapshotOf());
  for (const kind of ['secret', 'route', 'listener', 'endpoint', 'cluster'] as const) {
    rig.ask(kind, kind === 'cluster' || kind === 'listener' ? [] : ['a']);
    rig.answer(kind, kind === 'cluster' || kind === 'listener' ? [] : ['a']);
  }
  rig.sent();
  rig.publish(
    snapshotOf('secret a', 'route a', 'listener a', 'endpoint a', 'cluster a', 'cluster b'),
  );
  t.same(rig.sent(), ['CDS 2', 'EDS 1', 'SDS 1']);
  rig.answer('cluster');
  t.same(rig.sent(), ['LDS 1', 'RDS 1']);
});

t.test('a cluster stays until nothing leads there any more', async (t) => {
  const rig = new Rig(snapshotOf('cluster old', 'route r'));
  rig.ask('cluster');
  rig.answer('cluster');
  rig.ask('route', ['r']);
  rig.answer('route', ['r']);
  rig.sent();
  rig.publish(snapshotOf('cluster new', 'route r 1'));
  t.same(rig.sent(), ['CDS 2'], 'the new one beside the old one');
  rig.answer('cluster');
  t.same(rig.sent(), ['RDS 1'], 'which can be used now');
  rig.answer('route', ['r']);
  t.same(rig.sent(), ['CDS 1'], 'nothing leads to the old one any more');
  rig.answer('cluster');
  rig.publish(snapshotOf('route r 1'));
  t.same(rig.sent(), ['CDS 0'], 'with no other change there is nothing to wait for');
});

t.test('clusters that cannot be used are not waited for for ever', async (t) => {
  const rig = new Rig(snapshotOf('route r'));
  rig.ask('cluster');
  rig.answer('cluster');
  rig.ask('route', ['r']);
  rig.answer('route', ['r']);
  rig.sent();
  rig.publish(snapshotOf('cluster a', 'route r 1'));
  rig.nowMs = 1900;
  rig.server.tick();
  t.same(rig.sent(), ['CDS 1']);
  rig.nowMs = 2000;
  rig.server.tick();
  t.same(rig.sent(), ['RDS 1']);
});

t.test('endpoints of a cluster that changed are said again', async (t) => {
  const reference = { typeUrl: TYPE_URLS.endpoint, name: 'a' };
  const withContent = (content: number) =>
    makeSnapshot([
      served('cluster', 'a', content, [reference]),
      served('cluster', 'b'),
      served('endpoint', 'a'),
      served('endpoint', 'b'),
    ]);
  const rig = new Rig(withContent(0));
  rig.ask('cluster');
  rig.answer('cluster');
  rig.ask('endpoint', ['a', 'b']);
  rig.answer('endpoint', ['a', 'b']);
  rig.sent();
  rig.publish(withContent(1));
  t.same(rig.sent(), ['CDS 2', 'EDS 1'], 'for it waits until it hears of them');
});

t.test('a client that does not read gets the latest when it does', async (t) => {
  const rig = new Rig(snapshotOf('cluster a', 'listener a'));
  rig.hasRoom = false;
  rig.ask('cluster');
  rig.answer('cluster');
  rig.ask('listener');
  t.same(rig.sent(), ['CDS 1']);
  rig.publish(snapshotOf('cluster a', 'listener a 1'));
  rig.publish(snapshotOf('cluster a', 'listener a 2', 'listener b'));
  t.same(rig.sent(), []);
  rig.drain();
  t.same(rig.sent(), ['LDS 2']);
});

t.test('requests that make no sense end the stream', async (t) => {
  const rig = new Rig(snapshotOf());
  t.equal(rig.say({}), 'type URL is required for ADS');
  const single = new Rig(snapshotOf('route a'), TYPE_URLS.route);
  t.equal(single.say({ resourceNames: ['a'] }), '', 'the stream says the type');
  t.match(single.ask('cluster'), /^this stream is for .*RouteConfiguration, not for .*Cluster$/);
  const greedy = new Rig(snapshotOf());
  const refusals = Array.from({ length: 100 }, (_, index) => greedy.say({ typeUrl: `t/${index}` }));
  t.ok(refusals.includes('too many types on one stream'));
});

t.test('layers lie on each other for those whom they are for', async (t) => {
  const views = new LayeredViews({
    all: [served('cluster', 'a'), served('cluster', 'b')],
    byCluster: new Map([['edge', [served('cluster', 'a', 1)]]]),
    byNode: new Map([['e1', [served('cluster', 'a', 2), served('cluster', 'c')]]]),
  });
  const seen = (id: string, cluster: string) => {
    const node = id === '' ? null : ({ id, cluster } as never);
    return [...(views.snapshotOf(node).get(TYPE_URLS.cluster)?.resources.values() ?? [])];
  };
  const version = (content: number) => served('cluster', 'a', content).version;
  t.match(seen('', ''), [{ version: version(0) }, { name: 'b' }]);
  t.match(seen('x', 'edge'), [{ version: version(1) }, { name: 'b' }]);
  t.match(seen('e1', 'edge'), [{ version: version(2) }, { name: 'b' }, { name: 'c' }]);
  t.equal(
    views.snapshotOf({ id: 'x', cluster: 'y' } as never),
    views.snapshotOf(null),
    'those who see the same share it',
  );
});

t.test('what ends without a word is renewed three times as often', async (t) => {
  const rig = new Rig(
    makeSnapshot([{ ...served('cluster', 'a'), ttlMs: 9000 }, served('listener', 'l')]),
  );
  for (const kind of ['cluster', 'listener'] as const) {
    rig.ask(kind);
    rig.answer(kind);
  }
  rig.sent();
  for (const [nowMs, sent] of [
    [2900, []],
    [3000, ['CDS 1']],
    [3100, []],
  ] as const) {
    rig.nowMs = nowMs;
    rig.server.tick();
    t.same(rig.sent(), sent, `${nowMs} ms`);
  }
  rig.answer('cluster');
  rig.nowMs = 6000;
  rig.publish(snapshotOf('listener l 1'));
  t.same(rig.sent(), ['LDS 1']);
  rig.answer('listener');
  t.same(rig.sent(), ['CDS 0'], 'it does not keep clusters that are gone');
});
