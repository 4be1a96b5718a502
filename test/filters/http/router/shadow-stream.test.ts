import t from 'tap';
import { RouterRig } from '../../../support/router-rig.ts';

const LIMIT = 1000;

function mirrored(): RouterRig {
  const request_mirror_policies = [{ cluster: 'm' }];
  const clusters = [{}, { name: 'm', observabilityName: 'm' }];
  return new RouterRig({ action: { request_mirror_policies, timeout: '2s' }, clusters });
}

/** The copy and the request itself. */
function both(rig: RouterRig) {
  const copy = rig.attempts.find(({ cluster }) => cluster === 'm');
  const main = rig.attempts.find(({ cluster }) => cluster === 'c');
  if (copy === undefined || main === undefined) throw new Error('one of them is missing');
  return { copy, main };
}

t.test('a copy is fed as the content comes, and its answer is nobody’s', async (t) => {
  const rig = mirrored().begin(false);
  const { copy, main } = both(rig);
  copy.connect();
  main.connect();
  rig.data('one ').data('two', true);
  t.equal(copy.content, 'one two');
  t.equal(main.content, 'one two');
  copy.respond(503, [], false).data('rubbish', true);
  t.same(rig.client, []);
  main.respond(200);
  t.same(rig.client, ['200']);
  t.equal(rig.count('upstream_rq_503', 'm'), 1);
  t.equal(copy.head?.authority, 'h.test-shadow');
});

t.test('a slow mirror holds nobody back, and is given up at the limit', async (t) => {
  const rig = mirrored().begin(false);
  const { copy, main } = both(rig);
  main.connect();
  copy.connect().isSlow = true;
  rig.data('first');
  rig.data('x'.repeat(LIMIT));
  t.equal(copy.content, 'first', 'the rest waits');
  t.equal(rig.clientPauses, 0);
  rig.data('y');
  t.equal(copy.resetBy, 'local-reset');
  t.equal(rig.count('retry_or_shadow_abandoned'), 1);
  rig.data('z', true);
  t.equal(main.content.length, 5 + LIMIT + 2);
  main.respond(200);
  t.same(rig.client, ['200']);
  t.equal(rig.clock.timers.armedCount, 0);
});

t.test('what waited for a slow mirror goes out in order', async (t) => {
  const rig = mirrored().begin(false);
  const { copy } = both(rig);
  copy.connect().isSlow = true;
  for (const text of ['a', 'b', 'c']) rig.data(text);
  rig.data('d', true);
  t.equal(copy.content, 'a');
  t.notOk(copy.isComplete);
  copy.drain();
  t.equal(copy.content, 'abcd');
  t.ok(copy.isComplete);
});

t.test('a mirror that never gets a connection keeps no more than the limit', async (t) => {
  const rig = mirrored().begin(false);
  const { copy, main } = both(rig);
  main.connect();
  for (let index = 0; index < 100; index += 1) rig.data('x'.repeat(1024));
  t.ok(copy.isCancelled || rig.count('retry_or_shadow_abandoned') === 1, 'it was given up');
  t.equal(main.content.length, 102_400);
});

t.test(
  'a copy goes on without its request, if that is complete, for the route’s timeout',
  async (t) => {
    const rig = mirrored().begin(false).data('all', true);
    const { copy, main } = both(rig);
    main.connect().respond(200);
    rig.stream.onStreamEnd();
    copy.connect();
    t.equal(copy.content, 'all');
    rig.clock.advance(2100);
    t.equal(copy.resetBy, 'local-reset');
    t.equal(rig.count('upstream_rq_timeout', 'm'), 1);
    t.equal(rig.count('upstream_rq_504', 'm'), 1);
    t.equal(rig.clock.timers.armedCount, 0);
  },
);

t.test('a copy of a request that is cut is cut', async (t) => {
  const rig = mirrored().begin(false).data('half');
  const { copy } = both(rig);
  copy.connect();
  rig.stream.onStreamEnd();
  t.equal(copy.resetBy, 'local-reset');
  t.equal(rig.clock.timers.armedCount, 0);
});
