// Who gets what of an update. Costs as much as the update is large, however many watches there are.
import { ALL_NAMES } from './discovery.ts';
import { type ResourceType, wantedName } from './resource-types.ts';
import type { ReceivedResource, ReceivedUpdate } from './type-machine.ts';
import type { Watch } from './watch.ts';

/** What one watch gets. */
export interface Parcel {
  readonly resources: ReceivedResource[];
  readonly removed: string[];
}

/** The watches of one type. */
export interface WatchIndex {
  readonly type: ResourceType;
  readonly watches: ReadonlySet<Watch>;
  /** Who wants a name. */
  readonly byName: ReadonlyMap<string, ReadonlySet<Watch>>;
}

/**
 * A parcel for each watch that is to be told: wildcards and, of a whole, everybody are told even
 * that there is nothing; others only what concerns them.
 */
export function makeParcels(update: ReceivedUpdate, index: WatchIndex): Map<Watch, Parcel> {
  const { isWhole, removed, resources } = update;
  const parcels = new Map<Watch, Parcel>();
  if (isWhole || index.type.isNamespaced)
    for (const watch of index.watches) parcelOf(parcels, watch);
  const everything = index.byName.get(ALL_NAMES);
  // Clusters and listeners have no other watches, and are many.
  if (everything === undefined || index.byName.size > 1) addNamed(parcels, update, index);
  for (const watch of everything ?? []) {
    parcels.set(watch, { resources: [...resources], removed: [...removed] });
  }
  return parcels;
}

function addNamed(
  parcels: Map<Watch, Parcel>,
  { removed, resources }: ReceivedUpdate,
  index: WatchIndex,
): void {
  for (const [name, found] of firstByName(resources)) {
    for (const watch of named(index, name)) parcelOf(parcels, watch).resources.push(found);
  }
  for (const name of removed) {
    for (const watch of named(index, name)) parcelOf(parcels, watch).removed.push(name);
  }
}

/** Of a name that came twice the first counts, as in Envoy. */
function firstByName(resources: readonly ReceivedResource[]): Map<string, ReceivedResource> {
  const found = new Map<string, ReceivedResource>();
  for (const resource of resources) {
    if (!found.has(resource.name)) found.set(resource.name, resource);
  }
  return found;
}

const NOBODY: ReadonlySet<Watch> = new Set();

function named({ byName, type }: WatchIndex, name: string): ReadonlySet<Watch> {
  return byName.get(wantedName(type, name)) ?? NOBODY;
}

function parcelOf(parcels: Map<Watch, Parcel>, watch: Watch): Parcel {
  let parcel = parcels.get(watch);
  if (parcel === undefined) {
    parcel = { resources: [], removed: [] };
    parcels.set(watch, parcel);
  }
  return parcel;
}
