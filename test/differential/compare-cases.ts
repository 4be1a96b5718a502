// Runs cases on both proxies and asserts that they are alike, but for the deliberate differences.
import { type AnyTwinCase, type Outcome, runOnBoth, type Twins } from '../support/with-twins.ts';
import { DELIBERATE_DIFFERENCES } from './deliberate-differences.ts';

/** The part of tap that is needed. */
export interface Assertions {
  same(found: unknown, wanted: unknown, title: string): boolean;
  notSame(found: unknown, unwanted: unknown, title: string): boolean;
  equal(found: unknown, wanted: unknown, title: string): boolean;
}

/** Asserts case by case. */
export async function compareCases(
  t: Assertions,
  twins: Twins,
  cases: readonly AnyTwinCase[],
): Promise<void> {
  const outcomes = await runOnBoth(twins, cases);
  for (const [index, { title }] of cases.entries()) {
    const [ours, envoy] = outcomes[index] as readonly [Outcome, Outcome];
    const difference = DELIBERATE_DIFFERENCES.get(title);
    if (difference === undefined) {
      t.same(ours, envoy, title);
      continue;
    }
    t.notSame(ours, envoy, `${title}: still a difference`);
    t.equal(summary(ours), difference.ours, `${title}: ours`);
    t.equal(summary(envoy), difference.envoy, `${title}: Envoy's`);
  }
}

/** `200, 400 closed; 1 upstream`: statuses, what became of the connection, requests upstream. */
function summary({ responses, ending, upstream }: Outcome): string {
  const statuses = responses.map((text) => text.split(' ')[1]);
  return `${statuses.join(', ')} ${ending}; ${upstream.length} upstream`;
}
