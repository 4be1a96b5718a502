// Who goes on when something that was waited for is there: whoever refers to it, and whoever refers
// to those. Nobody else is looked at, however many wait for something of their own.
import type { Resource, ResourceKind } from '../model/resource.ts';
import type { ResourceStore } from './resource-store.ts';

/** Kinds that wait for what they need. */
export const WARMING_KINDS = ['cluster', 'network-filter', 'listener'] as const;
/** One of those. */
export type WarmingKind = (typeof WARMING_KINDS)[number];

/** Versions of that kind wait for what they need. */
export function canWarm(kind: ResourceKind): kind is WarmingKind {
  return (WARMING_KINDS as readonly string[]).includes(kind);
}

/** Kinds that nobody refers to. */
const LAST: readonly string[] = ['cluster', 'listener'] satisfies ResourceKind[];

/** What promotions work with. */
export interface PromotionParts {
  readonly store: Pick<ResourceStore, 'countWarming' | 'newest' | 'promote'>;
  /** All that it needs is there. */
  readonly mayServe: (resource: Resource) => boolean;
  /** Who refers to a configuration that is told by name. */
  readonly usersOf: (key: string) => Iterable<string>;
  /** It is the version in use from now on. */
  readonly onPromoted: (resource: Resource) => void;
}

/** What a version that does not serve yet refers to others as. */
const NEXT = ' next';

/** How a resource is called that refers to others; `isNext`: its version that does not serve yet. */
export function userOf({ kind, name }: Pick<Resource, 'kind' | 'name'>, isNext = false): string {
  return isNext ? `${kind}/${name}${NEXT}` : `${kind}/${name}`;
}

/** In short steps; `users` are called as by `userOf`. */
export function* promoteUsers(
  users: Iterable<string>,
  parts: PromotionParts,
): Generator<void, void> {
  const seen = new Set(users);
  // Grows while it is gone through.
  for (const user of seen) {
    const at = user.indexOf('/');
    const [kind, name] = [user.slice(0, at) as ResourceKind, user.slice(at + 1)];
    if (canWarm(kind)) {
      promote(kind, name, parts);
      // Or the name ends like that.
      if (name.endsWith(NEXT)) promote(kind, name.slice(0, -NEXT.length), parts);
    }
    if (!LAST.includes(kind)) addUsersOf(name, seen, parts);
    yield;
  }
}

function promote(kind: WarmingKind, name: string, parts: PromotionParts): void {
  const { store, mayServe, onPromoted } = parts;
  if (store.countWarming(kind) === 0) return;
  const newest = store.newest(kind, name);
  if (newest === null || !mayServe(newest)) return;
  const promoted = store.promote(kind, name);
  if (promoted !== null) onPromoted(promoted);
}

function addUsersOf(name: string, seen: Set<string>, { usersOf }: PromotionParts): void {
  for (const user of usersOf(name)) seen.add(user);
  if (!name.endsWith(NEXT)) return;
  for (const user of usersOf(name.slice(0, -NEXT.length))) seen.add(user);
}
