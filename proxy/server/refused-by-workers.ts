// What workers could not use of an update, put together.
import type { RejectedResource } from '../model/resource.ts';

/** A resource that some worker refused. */
export interface RefusedByWorkers extends RejectedResource {
  /**
   * Some worker may run on it all the same, or on half of it. False: an address that none of them
   * could bind has left all as they were.
   */
  readonly isHeld: boolean;
}

/** Each resource once; `refusals` has what each worker refused, empty lists included. */
export function refusedByWorkers(
  refusals: readonly (readonly RejectedResource[])[],
): readonly RefusedByWorkers[] {
  const found = new Map<string, { rejected: RejectedResource; workers: number }>();
  for (const rejected of refusals.flat()) {
    const key = `${rejected.kind}/${rejected.name}`;
    const workers = (found.get(key)?.workers ?? 0) + 1;
    found.set(key, { rejected, workers });
  }
  return [...found.values()].map(({ rejected, workers }) => {
    const isAddress = rejected.problems.every(({ path }) => path === 'address');
    return { ...rejected, isHeld: workers < refusals.length || !isAddress };
  });
}
