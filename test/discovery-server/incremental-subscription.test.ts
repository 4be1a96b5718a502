import { create } from '@bufbuild/protobuf';
import t from 'tap';
import { DeltaDiscoveryRequestSchema } from '../../proxy/api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { IncrementalSubscription } from '../../proxy/discovery-server/incremental-subscription.ts';
import {
  makeSnapshot,
  NO_RESOURCES,
  type Snapshot,
} from '../../proxy/discovery-server/snapshot.ts';
import { MAX_UNANSWERED } from '../../proxy/discovery-server/subscription.ts';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { served, snapshotOf } from '../support/xds-resources.ts';

/** What a client says; all of it may be left out. */
interface Said {
  readonly add?: readonly string[];
  readonly drop?: readonly string[];
  readonly has?: Readonly<Record<string, string>>;
  readonly nonce?: string;
  readonly error?: string;
}

class Rig {
  readonly typeUrl = TYPE_URLS.cluster;
  readonly subscription: IncrementalSubscription;
  nonces = 0;
  snapshot: Snapshot = snapshotOf();

  constructor() {
    this.subscription = new IncrementalSubscription(this.typeUrl, () => `n${++this.nonces}`);
  }

  say({ add = [], drop = [], has = {}, nonce = '', error = '' }: Said) {
    const errorDetail = { $typeName: 'google.rpc.Status', code: 13, message: error } as never;
    return this.subscription.receive(
      create(DeltaDiscoveryRequestSchema, {
        ...{ resourceNamesSubscribe: [...add], resourceNamesUnsubscribe: [...drop] },
        ...{ initialResourceVersions: { ...has }, responseNonce: nonce },
        ...(error === '' ? {} : { errorDetail }),
      }),
    );
  }

  /** `a b -c`: in the response and removed by it; null: there is none. */
  sent(mayRemove = true, said: readonly string[] = [], renewed: readonly string[] = []) {
    const rules = { mayRemove, again: new Set(said), beats: new Set(renewed) };
    const type = this.snapshot.get(this.typeUrl) ?? NO_RESOURCES;
    const outgoing = this.subscription.next(type, rules);
    if (outgoing === null) return null;
    const { removedResources, resources } = outgoing.response;
    const names = resources.map(({ name, resource, ttl }) => {
      const time = ttl === undefined ? '' : `:${ttl.seconds}`;
      return resource === undefined ? `(${name}${time})` : `${name}${time}`;
    });
    return [...names, ...removedResources.map((name) => `-${name}`)].join(' ');
  }
}

t.test('a first request without names asks for everything', async (t) => {
  const rig = new Rig();
  rig.say({});
  t.equal(rig.sent(), '', 'nothing is an answer');
  t.equal(rig.sent(), null);
  rig.snapshot = snapshotOf('cluster a', 'cluster b');
  t.equal(rig.sent(), 'a b');
  rig.snapshot = snapshotOf('cluster a 1', 'cluster b');
  t.equal(rig.sent(), 'a');
  rig.snapshot = snapshotOf('cluster a 1');
  t.equal(rig.sent(), '-b');
  t.equal(rig.sent(), null);
});

t.test('what a client has is not sent again, what it should not have is removed', async (t) => {
  const rig = new Rig();
  rig.snapshot = snapshotOf('cluster a', 'cluster b');
  const { version } = served('cluster', 'a');
  rig.say({ has: { a: version, b: 'older', c: 'gone', d: '' } });
  t.equal(rig.sent(), 'b -c -d');
});

t.test('with all that there is, whoever asks for everything is answered', async (t) => {
  const rig = new Rig();
  rig.snapshot = snapshotOf('cluster a');
  rig.say({ add: ['*'], has: { a: served('cluster', 'a').version } });
  t.equal(rig.sent(), '');
  const named = new Rig();
  named.snapshot = snapshotOf('cluster a');
  named.say({ add: ['a'], has: { a: served('cluster', 'a').version, b: 'x' } });
  t.equal(named.sent(), null, 'nobody who asks for names waits for what it has');
});

t.test('names come and go', async (t) => {
  const rig = new Rig();
  rig.snapshot = snapshotOf('cluster a', 'cluster b');
  rig.say({ add: ['a', 'x'] });
  t.equal(rig.sent(), 'a -x', 'what does not exist need not be waited for');
  t.equal(rig.sent(), null);
  rig.snapshot = snapshotOf('cluster a', 'cluster b', 'cluster x');
  t.equal(rig.sent(), 'x');
  rig.say({ add: ['b'], drop: ['a'] });
  t.equal(rig.sent(), 'b');
  rig.snapshot = snapshotOf('cluster a 1', 'cluster b', 'cluster x');
  t.equal(rig.sent(), null, 'nobody wants it any more');
  rig.say({ add: ['b'] });
  t.equal(rig.sent(), 'b', 'who asks again gets it again');
  t.equal(rig.sent(true, ['b', 'a']), 'b', 'what has to be said again');
});

t.test('the wildcard is one name among others', async (t) => {
  const rig = new Rig();
  rig.snapshot = snapshotOf('cluster a', 'cluster b');
  rig.say({ add: ['a'] });
  t.equal(rig.sent(), 'a');
  rig.say({ add: ['*'] });
  t.equal(rig.sent(), 'b');
  rig.say({ drop: ['a'] });
  t.equal(rig.sent(), 'a', 'it is wanted all the same, and its client forgot it');
  rig.say({ add: ['b'], drop: ['*'] });
  t.equal(rig.sent(), 'b');
  rig.snapshot = snapshotOf('cluster a 1', 'cluster b 1');
  t.equal(rig.sent(), 'b');
});

t.test('answers belong to responses', async (t) => {
  const rig = new Rig();
  rig.say({});
  rig.sent();
  rig.snapshot = snapshotOf('cluster a');
  rig.sent();
  t.match(rig.say({ nonce: 'n1' }), { answered: { nonce: 'n1' }, error: '', isChange: false });
  const refusal = rig.say({ nonce: 'n2', error: 'bad', add: ['z'] });
  t.match(refusal, { answered: { nonce: 'n2' }, error: 'bad', isChange: true });
  t.equal(rig.say({ nonce: 'n9' }).answered, null);
  t.equal(rig.sent(), '-z', 'what was refused is not sent again');
});

t.test('who does not answer is sent nothing more', async (t) => {
  const rig = new Rig();
  rig.say({});
  for (let content = 0; content < MAX_UNANSWERED; content += 1) {
    rig.snapshot = snapshotOf(`cluster a ${content}`);
    rig.sent();
  }
  rig.snapshot = snapshotOf('cluster a 100');
  t.equal(rig.sent(), null);
  rig.say({ nonce: 'n1' });
  t.equal(rig.sent(), 'a');
});

t.test('removals can be kept back', async (t) => {
  const rig = new Rig();
  rig.snapshot = snapshotOf('cluster a');
  rig.say({});
  rig.sent();
  rig.snapshot = snapshotOf('cluster b');
  t.equal(rig.sent(false), 'b');
  t.equal(rig.subscription.isHoldingBack, true);
  t.equal(rig.sent(false), null);
  t.equal(rig.sent(), '-a');
});

t.test('what ends without a word is named again, without its content', async (t) => {
  const rig = new Rig();
  rig.snapshot = makeSnapshot([served('cluster', 'a'), { ...served('cluster', 'b'), ttlMs: 9000 }]);
  rig.say({});
  t.equal(rig.sent(true, [], ['b']), 'a b:9', 'it was not known');
  t.equal(rig.sent(true, [], ['b']), '(b:9)');
  t.equal(rig.sent(), null);
  rig.snapshot = makeSnapshot([{ ...served('cluster', 'b', 1), ttlMs: 9000 }]);
  t.equal(rig.sent(true, [], ['b']), 'b:9 -a', 'what changed is said whole');
  t.equal(rig.sent(true, ['b'], ['b']), 'b:9', 'and so is what has to be said again');
});
