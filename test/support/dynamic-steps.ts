// Steps of a changing configuration, played to Outrigger and to Envoy: each has to come to the same.
import type { Test } from 'tap';
import { adsBootstrap } from './dynamic-bootstrap.ts';
import { type DynamicSide, withDynamicTwins } from './dynamic-twins.ts';
import { startEchoUpstream } from './echo-upstream.ts';
import { alike } from './played-plane.ts';

/** Ports of two upstreams, which answer with their names. */
export type StepPorts = Readonly<Record<'a' | 'b', number>>;

/** What came of it, for comparison. */
export type DynamicStep = (side: DynamicSide, ports: StepPorts) => Promise<unknown>;

/** Plays all steps in their order; compares what came of each, and what was asked of the server. */
export async function playSteps(
  t: Test,
  steps: Readonly<Record<string, DynamicStep>>,
): Promise<void> {
  const [a, b] = await Promise.all([startEchoUpstream('a'), startEchoUpstream('b')]);
  t.teardown(() => Promise.all([a.close(), b.close()]));
  const { ours, envoy } = await withDynamicTwins({
    bootstrap: (port) => adsBootstrap(port),
    script: async (side) => {
      const outcomes: Record<string, unknown> = {};
      for (const [title, play] of Object.entries(steps)) {
        const result = await play(side, { a: a.port, b: b.port }).catch((error: Error) => {
          throw new Error(`${side.name}: ${title}: ${error.message}`, { cause: error });
        });
        outcomes[title] = { result, requests: side.plane.requests() };
      }
      return outcomes;
    },
  });
  for (const title of Object.keys(steps)) t.same(alike(ours[title]), alike(envoy[title]), title);
}
