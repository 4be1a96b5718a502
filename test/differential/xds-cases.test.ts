// The cases of test/support/protocol-cases.ts beside Envoy: what both ask, answer and serve is alike.
import t from 'tap';
import { adsBootstrap } from '../support/dynamic-bootstrap.ts';
import { withDynamicTwins } from '../support/dynamic-twins.ts';
import { startEchoUpstream } from '../support/echo-upstream.ts';
import { alike } from '../support/played-plane.ts';
import {
  halfOpenBootstrap,
  PROTOCOL_CASES,
  playCases,
  playHalfOpen,
  playSilence,
  silentBootstrap,
} from '../support/protocol-cases.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

for (const isIncremental of [false, true]) {
  const variant = isIncremental ? 'incremental' : 'state of the world';
  t.test(`protocol cases beside Envoy, ${variant}`, { skip: withoutEnvoy }, async (t) => {
    const [a, b] = await Promise.all([startEchoUpstream('a'), startEchoUpstream('b')]);
    t.teardown(() => Promise.all([a.close(), b.close()]));
    const { ours, envoy } = await withDynamicTwins({
      isIncremental,
      bootstrap: (port) => adsBootstrap(port, isIncremental),
      script: (side) => playCases(side, { a: a.port, b: b.port }),
    });
    for (const title of Object.keys(PROTOCOL_CASES)) {
      t.same(alike(ours[title]), alike(envoy[title]), title);
    }
  });
}

for (const [title, bootstrap, script] of [
  ['a server that never answers', silentBootstrap, playSilence],
  ['a stream that is half open', halfOpenBootstrap, playHalfOpen],
] as const) {
  t.test(`${title}, beside Envoy`, { skip: withoutEnvoy }, async (t) => {
    const { ours, envoy } = await withDynamicTwins({ bootstrap, script });
    t.same(ours, envoy);
  });
}
