// Who is served what: everybody the same, and some clients more or other things. Layers lie on each
// other: what all have, what those of a cluster have, what one node has.
import type { Node } from '../api/gen/envoy/config/core/v3/base_pb.js';
import type { Views } from './discovery-server.ts';
import { makeSnapshot, type ServedResource, type Snapshot } from './snapshot.ts';

/** Resources by whom they are for. */
export interface Layers {
  readonly all: readonly ServedResource[];
  /** By Node.cluster. */
  readonly byCluster: ReadonlyMap<string, readonly ServedResource[]>;
  /** By Node.id. */
  readonly byNode: ReadonlyMap<string, readonly ServedResource[]>;
}

/** Clients with the same layers share a snapshot, which is made when the first one asks. */
export class LayeredViews implements Views {
  readonly #layers: Layers;
  readonly #made = new Map<string, Snapshot>();

  constructor(layers: Layers) {
    this.#layers = layers;
  }

  snapshotOf(node: Node | null): Snapshot {
    const { all, byCluster, byNode } = this.#layers;
    const ofCluster = byCluster.get(node?.cluster ?? '');
    const ofNode = byNode.get(node?.id ?? '');
    const key = JSON.stringify([
      ofCluster === undefined ? null : node?.cluster,
      ofNode === undefined ? null : node?.id,
    ]);
    let snapshot = this.#made.get(key);
    if (snapshot === undefined) {
      snapshot = makeSnapshot([...all, ...(ofCluster ?? []), ...(ofNode ?? [])]);
      this.#made.set(key, snapshot);
    }
    return snapshot;
  }
}
