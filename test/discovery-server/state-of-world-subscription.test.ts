import { create } from '@bufbuild/protobuf';
import { type Any, anyUnpack } from '@bufbuild/protobuf/wkt';
import t from 'tap';
import {
  DiscoveryRequestSchema,
  ResourceSchema,
} from '../../proxy/api/gen/envoy/service/discovery/v3/discovery_pb.js';
import {
  makeSnapshot,
  NO_RESOURCES,
  type Snapshot,
} from '../../proxy/discovery-server/snapshot.ts';
import { StateOfWorldSubscription } from '../../proxy/discovery-server/state-of-world-subscription.ts';
import { MAX_UNANSWERED } from '../../proxy/discovery-server/subscription.ts';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { served, snapshotOf } from '../support/xds-resources.ts';

/** A subscription and its client, who say what they exchange in short. */
class Rig {
  readonly typeUrl: string;
  readonly subscription: StateOfWorldSubscription;
  nonces = 0;
  snapshot: Snapshot = snapshotOf();

  constructor(kind: keyof typeof TYPE_URLS) {
    this.typeUrl = TYPE_URLS[kind];
    this.subscription = new StateOfWorldSubscription(this.typeUrl, () => `n${++this.nonces}`);
  }

  ask(names: readonly string[], nonce = '', error = '') {
    const errorDetail = { $typeName: 'google.rpc.Status', code: 13, message: error } as never;
    return this.subscription.receive(
      create(DiscoveryRequestSchema, {
        ...{ typeUrl: this.typeUrl, resourceNames: [...names], responseNonce: nonce },
        ...(error === '' ? {} : { errorDetail }),
      }),
    );
  }

  /** Names in the response that is due, sorted; null: there is none. */
  sent(
    rules: Partial<Record<'again' | 'beats', readonly string[]>> & { mayRemove?: boolean } = {},
  ) {
    const type = this.snapshot.get(this.typeUrl) ?? NO_RESOURCES;
    const { mayRemove = true, again = [], beats = [] } = rules;
    const sets = { again: new Set(again), beats: new Set(beats) };
    const outgoing = this.subscription.next(type, { mayRemove, ...sets });
    if (outgoing === null) return null;
    const { push, response } = outgoing;
    if (response.nonce !== push.nonce || response.resources.length !== push.count) return 'wrong';
    const contents = new Map([...type.resources].map(([name, { content }]) => [content, name]));
    const renewed = push.isHeartbeat ? 'renewed ' : '';
    return renewed + response.resources.map((any) => contents.get(any) ?? nameIn(any)).join(' ');
  }
}

/** Of one with a time to live. */
function nameIn(any: Any): string {
  const wrapper = anyUnpack(any, ResourceSchema);
  return wrapper === undefined ? 'old' : `${wrapper.name}:${wrapper.ttl?.seconds}`;
}

t.test('an empty first list asks for everything, whatever there is', async (t) => {
  const rig = new Rig('cluster');
  rig.ask([]);
  t.equal(rig.sent(), '', 'nothing is an answer');
  t.equal(rig.sent(), null, 'and is said once');
  rig.snapshot = snapshotOf('cluster b', 'cluster a');
  t.equal(rig.sent(), 'a b');
  rig.snapshot = snapshotOf('cluster b', 'cluster a');
  t.equal(rig.sent(), null, 'the same content is the same');
  rig.snapshot = snapshotOf('cluster a 1', 'cluster b');
  t.equal(rig.sent(), 'a b', 'all of it, for what is missing would be gone');
  rig.snapshot = snapshotOf('cluster a 1');
  t.equal(rig.sent(), 'a');
});

t.test('after names an empty list asks for nothing', async (t) => {
  const rig = new Rig('cluster');
  rig.snapshot = snapshotOf('cluster a', 'cluster b');
  rig.ask(['a']);
  t.equal(rig.sent(), 'a');
  t.equal(rig.ask([], 'n1').isChange, true);
  t.equal(rig.sent(), null);
  rig.snapshot = snapshotOf('cluster a 1');
  t.equal(rig.sent(), null);
  rig.ask(['*'], 'n1');
  t.equal(rig.sent(), 'a', 'the star asks for everything again');
});

t.test('of named resources only what changed is sent', async (t) => {
  const rig = new Rig('route');
  rig.snapshot = snapshotOf('route a', 'route b', 'route c');
  rig.ask(['a', 'b', 'x']);
  t.equal(rig.sent(), 'a b', 'what does not exist is left out');
  rig.snapshot = snapshotOf('route a', 'route b 1', 'route c 1');
  t.equal(rig.sent(), 'b');
  rig.ask(['a', 'b', 'c', 'x'], 'n2');
  t.equal(rig.sent(), 'c', 'a name that is new');
  rig.ask(['a', 'b', 'c', 'x', 'y'], 'n3');
  t.equal(rig.sent(), '', 'one that does not exist: nobody need wait for it');
  rig.snapshot = snapshotOf('route a', 'route b 1', 'route c 1', 'route x');
  t.equal(rig.sent(), 'x', 'until it does');
  rig.snapshot = snapshotOf('route b 1', 'route c 1', 'route x');
  t.equal(rig.sent(), null, 'what is gone cannot be said');
  rig.ask(['b'], 'n5');
  rig.ask(['b', 'c'], 'n5');
  t.equal(rig.sent(), 'c', 'who asks for it again gets it again');
  t.equal(rig.sent({ again: ['b', 'a'] }), 'b', 'what has to be said again');
});

t.test('secrets are waited for, not said to be missing', async (t) => {
  const rig = new Rig('secret');
  rig.ask(['s']);
  t.equal(rig.sent(), null);
  rig.snapshot = snapshotOf('secret s');
  t.equal(rig.sent(), 's');
});

t.test('answers are told apart from questions, and old ones from new ones', async (t) => {
  const rig = new Rig('route');
  rig.snapshot = snapshotOf('route a');
  t.match(rig.ask(['a']), { answered: null, isChange: true });
  rig.sent();
  t.match(rig.ask(['a'], 'n1'), { answered: { nonce: 'n1' }, error: '', isChange: false });
  t.match(rig.ask(['a'], 'n1'), { answered: null, isChange: false }, 'it is answered once');
  rig.snapshot = snapshotOf('route a 1');
  rig.sent();
  rig.snapshot = snapshotOf('route a 2');
  rig.sent();
  t.match(
    rig.ask(['a', 'b'], 'n2', 'bad'),
    { answered: { nonce: 'n2' }, error: 'bad', isChange: false },
    'what a stale request asks for will be said again',
  );
  t.match(rig.ask(['a', 'b'], 'n3'), { answered: { nonce: 'n3' }, error: '', isChange: true });
  t.equal(rig.subscription.unanswered, 0);
  t.equal(rig.ask(['a'], 'nonsense').answered, null);
});

t.test('what a stale request gave up is lost, and said again when it is asked for', async (t) => {
  const rig = new Rig('route');
  rig.snapshot = snapshotOf('route a', 'route b');
  rig.ask(['a', 'b']);
  t.equal(rig.sent(), 'a b');
  rig.snapshot = snapshotOf('route a', 'route b 1');
  t.equal(rig.sent(), 'b');
  rig.ask(['b'], 'n1');
  t.equal(rig.sent(), null, 'a stale request is not answered');
  rig.ask(['a', 'b'], 'n2');
  t.equal(rig.sent(), 'a');
});

t.test('a refused version is not sent again, a good one is', async (t) => {
  const rig = new Rig('cluster');
  rig.snapshot = snapshotOf('cluster a');
  rig.ask([]);
  rig.sent();
  t.equal(rig.ask([], 'n1', 'no').error, 'no');
  t.equal(rig.sent(), null);
  rig.snapshot = snapshotOf('cluster a 1');
  t.equal(rig.sent(), 'a');
});

t.test('who does not answer is sent nothing more, and the latest in the end', async (t) => {
  const rig = new Rig('cluster');
  rig.ask([]);
  for (let content = 0; content < MAX_UNANSWERED; content += 1) {
    rig.snapshot = snapshotOf(`cluster a ${content}`);
    t.equal(rig.sent(), 'a');
  }
  rig.snapshot = snapshotOf('cluster b');
  t.equal(rig.sent(), null);
  rig.ask([], `n${MAX_UNANSWERED}`);
  t.equal(rig.sent(), 'b');
});

t.test('what is gone can be kept for a while', async (t) => {
  const rig = new Rig('cluster');
  rig.snapshot = snapshotOf('cluster a');
  rig.ask([]);
  rig.sent();
  rig.snapshot = snapshotOf('cluster b');
  t.equal(rig.sent({ mayRemove: false }), 'b old');
  t.equal(rig.subscription.isHoldingBack, true);
  t.equal(rig.sent({ mayRemove: false }), null);
  t.equal(rig.sent(), 'b');
  t.equal(rig.subscription.isHoldingBack, false);
});

t.test('what ends without a word is said again', async (t) => {
  const rig = new Rig('cluster');
  rig.snapshot = makeSnapshot([served('cluster', 'a'), { ...served('cluster', 'b'), ttlMs: 9000 }]);
  rig.ask([]);
  t.equal(rig.sent({ beats: ['b'] }), 'a b:9', 'it was not known');
  t.equal(rig.sent({ beats: ['b'] }), 'renewed a b:9', 'a response has all of it');
  t.equal(rig.sent(), null);
  const endpoints = new Rig('endpoint');
  endpoints.snapshot = makeSnapshot(
    ['a', 'b'].map((name) => ({ ...served('endpoint', name), ttlMs: 9000 })),
  );
  endpoints.ask(['a']);
  t.equal(endpoints.sent({ beats: ['a', 'b'] }), 'a:9');
  t.equal(endpoints.sent({ beats: ['a', 'b'] }), 'renewed a:9', 'only what is asked for');
});
