// A large update as several small ones, in an order in which each can follow the one before: what
// others name comes before them and goes after them, and addresses are free before somebody else
// wants them.
import type { Resource, ResourceUpdate } from '../model/resource.ts';

/** Resources in one: taking over so many takes a few milliseconds. */
const AT_ONCE = 50;

/** The same as `update`, one after the other; a single empty one when nothing changes. */
export function* portionsOf({ upserted, removed }: ResourceUpdate): Generator<ResourceUpdate> {
  const isListener = ({ kind }: Pick<Resource, 'kind'>): boolean => kind === 'listener';
  const others = upserted.filter((resource) => !isListener(resource));
  const listeners = upserted.filter(isListener);
  for (const each of slices(others)) yield { upserted: each, removed: [] };
  let leaving = removed.filter(isListener);
  for (const each of slices(listeners)) {
    yield { upserted: each, removed: leaving };
    leaving = [];
  }
  const gone = [...leaving, ...removed.filter((each) => !isListener(each))];
  if (gone.length > 0 || upserted.length === 0) yield { upserted: [], removed: gone };
}

function* slices(resources: readonly Resource[]): Generator<readonly Resource[]> {
  for (let first = 0; first < resources.length; first += AT_ONCE) {
    yield resources.slice(first, first + AT_ONCE);
  }
}
