// filter_enabled and shadow_enabled of policies: whether a request is subject to one.
import { type Fraction, isDrawn, type Random } from '../../base/random.ts';

/** The two shares of requests. */
export interface PolicyShares {
  readonly filterEnabled: Fraction | null;
  readonly shadowEnabled: Fraction | null;
}

/** `shadow`: it is looked at and counted, and nothing comes of it. */
export type PolicyMode = 'off' | 'shadow' | 'enforced';

/** Draws the mode for one request; without `filterEnabled` the policy is enforced for all. */
export function drawPolicyMode(
  { filterEnabled, shadowEnabled }: PolicyShares,
  random: Random,
): PolicyMode {
  if (filterEnabled === null || isDrawn(random, filterEnabled)) return 'enforced';
  return shadowEnabled !== null && isDrawn(random, shadowEnabled) ? 'shadow' : 'off';
}
