// Runs cases on both proxies and asserts that they are alike, but for the deliberate differences.
import { type AnyTwinCase, type Outcome, runOnBoth, type Twins } from '../support/with-twins.ts';
import { DELIBERATE_DIFFERENCES } from './deliberate-differences.ts';

/** The part of tap that is needed. */
export interface Assertions {
  same(found: unknown, wanted: unknown, title: string): boolean;
  notSame(found: unknown, unwanted: unknown, title: string): boolean;
  equal(found: unknown, wanted: unknown, title: string): boolean;
}

/** Asserts case by case; `seen` says what of an outcome counts. */
export async function compareCases(
  t: Assertions,
  twins: Twins,
  cases: readonly AnyTwinCase[],
  seen: (outcome: Outcome) => Outcome = (outcome) => outcome,
): Promise<void> {
  const outcomes = await runOnBoth(twins, cases);
  for (const [index, { title }] of cases.entries()) {
    const [ours, envoy] = (outcomes[index] as readonly [Outcome, Outcome]).map(seen) as [
      Outcome,
      Outcome,
    ];
    const difference = DELIBERATE_DIFFERENCES.get(title);
    const said = withoutReasons(ours, envoy);
    if (difference === undefined) {
      t.same(said, withoutReasons(envoy, envoy), title);
      continue;
    }
    t.notSame(said, withoutReasons(envoy, envoy), `${title}: still a difference`);
    t.equal(summary(ours), difference.ours, `${title}: ours`);
    t.equal(summary(envoy), difference.envoy, `${title}: Envoy's`);
  }
}

/**
 * The outcome without the words of its GOAWAYs, which are for people. Where Envoy closes without
 * one, Outrigger's is left out: it says in any case what the connection ends for (RFC 9113 §5.4.1).
 */
function withoutReasons(outcome: Outcome, envoy: Outcome): Outcome {
  const isGoaway = (text: string) => text.startsWith('HTTP/2 GOAWAY');
  const isSilent = envoy.ending === 'closed' && !envoy.responses.some(isGoaway);
  const responses = outcome.responses.flatMap((text) => {
    if (!isGoaway(text)) return [text];
    return isSilent ? [] : [text.replace(/^(HTTP\/2 GOAWAY \d+ \w+).*/, '$1')];
  });
  return { ...outcome, responses };
}

/** `200, 400 closed; 1 upstream`: statuses, what became of the connection, requests upstream. */
function summary({ responses, ending, upstream }: Outcome): string {
  const statuses = responses.map((text) => text.split(/[ \n]/)[1]);
  return `${statuses.join(', ')} ${ending}; ${upstream.length} upstream`;
}
