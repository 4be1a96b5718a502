// The cases that the protocol is known to go wrong in, over the whole proxy: what is answered to the
// server, and which upstream serves afterwards. test/differential/xds-cases.test.ts plays the same
// beside Envoy.
import t from 'tap';
import { adsBootstrap } from '../support/dynamic-bootstrap.ts';
import { DynamicSide, playToUs } from '../support/dynamic-twins.ts';
import { startEchoUpstream } from '../support/echo-upstream.ts';
import {
  halfOpenBootstrap,
  PROTOCOL_CASES,
  playCases,
  playHalfOpen,
  playSilence,
  silentBootstrap,
} from '../support/protocol-cases.ts';

/** By case, in the state of the world: what became of each response, and who served then. */
const EXPECTED: Readonly<Record<string, string>> = {
  start: 'a b',
  'a nonce that is stale when it is answered': 'taken taken a',
  'refused, then good: clusters': 'refused b taken',
  'refused, then good: endpoints': 'refused a taken b',
  'refused, then good: listeners': 'refused b taken',
  'refused, then good: routes': 'refused b taken b',
  'removed: a cluster': 'taken 503 b',
  'added again: a cluster': 'taken b',
  'removed: a listener': 'taken',
  'added again: a listener': 'taken taken',
  'removed and added again: endpoints': 'taken b taken a',
  'removed: routes': 'taken b taken b',
  'names that come twice: clusters': 'refused a',
  'names that come twice: listeners': 'refused a',
  'names that come twice: endpoints': 'taken a',
  'names that come twice: routes': 'taken a',
  'nothing at all': 'taken a taken a',
  'a type that is not known': 'taken a',
  'a resource of another type': 'refused a',
  'a resource that nobody asked for': 'taken taken a',
  'rubbish in a resource': 'refused a',
  'more than 4 MB': 'taken',
  'a response in drips': 'taken b',
  'every cluster is removed': 'taken 503 503',
  'every cluster is added again': 'taken taken a b',
  'a server that starts again with another version': 'a taken a',
};

/** Where names that come twice make the whole response unusable. */
const INCREMENTAL: Readonly<Record<string, string>> = {
  'names that come twice: clusters': 'refused b',
  'names that come twice: listeners': 'refused b',
  'names that come twice: endpoints': 'refused a',
  'names that come twice: routes': 'refused a',
  'a type that is not known': 'taken b',
};

/** `taken` and `refused` for answers; everything else as it is. */
function brief(result: unknown): string {
  if (Array.isArray(result)) return result.map(brief).join(' ').trim();
  const text = String(result);
  if (!text.includes(' nonce=')) return text;
  return text.includes(' refused 13 ') ? 'refused' : 'taken';
}

/** Served meanwhile, and what was counted. */
const SILENCE = [
  'static',
  [
    'cluster_manager.cds.init_fetch_timeout: 1',
    'cluster_manager.cds.update_attempt: 2',
    'cluster_manager.cds.update_failure: 0',
    'listener_manager.lds.init_fetch_timeout: 1',
    'listener_manager.lds.update_attempt: 2',
    'listener_manager.lds.update_failure: 0',
  ],
];

for (const isIncremental of [false, true]) {
  const variant = isIncremental ? 'incremental' : 'state of the world';
  t.test(`protocol cases, ${variant}`, async (t) => {
    const [a, b] = await Promise.all([startEchoUpstream('a'), startEchoUpstream('b')]);
    const side = await DynamicSide.listen('ours', isIncremental);
    t.teardown(async () => {
      side.close();
      await Promise.all([a.close(), b.close()]);
    });
    const bootstrap = adsBootstrap(side.relay.port, isIncremental);
    const outcomes = await playToUs(side, bootstrap, () =>
      playCases(side, { a: a.port, b: b.port }),
    );
    for (const title of Object.keys(PROTOCOL_CASES)) {
      const expected = (isIncremental ? INCREMENTAL[title] : undefined) ?? EXPECTED[title];
      t.equal(brief(outcomes[title]?.result), expected, title);
    }
  });
}

for (const [title, bootstrap, script, expected] of [
  ['a server that never answers', silentBootstrap, playSilence, SILENCE],
  ['a stream that is half open', halfOpenBootstrap, playHalfOpen, 'static'],
] as const) {
  t.test(title, async (t) => {
    const side = await DynamicSide.listen('ours', false);
    t.teardown(() => side.close());
    t.same(await playToUs(side, bootstrap(side.relay.port), script), expected);
  });
}
