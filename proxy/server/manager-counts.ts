// Clusters and listeners that came, changed and went: `cluster_manager.*` and `listener_manager.*`
// as whoever decides counts them, once, however many workers there are.
import type { Resource, ResourceUpdate } from '../model/resource.ts';
import type { Counter, StatsScope } from '../stats/metrics.ts';
import type { RefusedByWorkers } from './refused-by-workers.ts';

/** Those of one kind. */
class KindCounts {
  readonly #added: Counter;
  readonly #modified: Counter;
  readonly #removed: Counter;
  /** Names that were counted as added, and not as removed since. */
  readonly #names = new Set<string>();

  constructor(scope: StatsScope, kind: 'cluster' | 'listener') {
    this.#added = scope.counter(`${kind}_added`);
    this.#modified = scope.counter(`${kind}_modified`);
    this.#removed = scope.counter(`${kind}_removed`);
  }

  take(name: string): void {
    const counter = this.#names.has(name) ? this.#modified : this.#added;
    counter.inc();
    this.#names.add(name);
  }

  drop(name: string): void {
    if (this.#names.delete(name)) this.#removed.inc();
  }

  /** Workers cannot use it: it is not there any more, and nobody took it away. */
  forget(name: string): void {
    this.#names.delete(name);
  }
}

/** One per process. */
export class ManagerCounts {
  readonly #clusters: KindCounts;
  readonly #listeners: KindCounts;
  readonly #createFailure: Counter;
  readonly #stopped: Counter;
  /** Listeners that were accepted and not yet bound, by name: one that cannot be is not counted. */
  readonly #unbound = new Map<string, Resource>();

  constructor(stats: StatsScope) {
    const clusters = stats.scope('cluster_manager');
    const listeners = stats.scope('listener_manager');
    this.#clusters = new KindCounts(clusters, 'cluster');
    this.#listeners = new KindCounts(listeners, 'listener');
    this.#createFailure = listeners.counter('listener_create_failure');
    this.#stopped = listeners.counter('listener_stopped');
    // Updates are applied as they come, never merged: these stay at 0.
    for (const name of ['cluster_updated_via_merge', 'update_merge_cancelled']) {
      clusters.counter(name);
    }
    clusters.counter('update_out_of_merge_window');
  }

  /** These passed every check, and what of them waits for something else. */
  onAccepted({ upserted, removed }: ResourceUpdate, warming: readonly Resource[]): void {
    for (const resource of upserted) {
      if (resource.kind === 'cluster') this.#clusters.take(resource.name);
      if (resource.kind === 'listener') this.#expect(resource);
    }
    for (const { kind, name } of warming) {
      if (kind === 'cluster') this.#clusters.take(name);
      if (kind !== 'listener') continue;
      this.#settle(name);
      this.#listeners.take(name);
    }
    for (const { kind, name } of removed) {
      if (kind === 'cluster') this.#clusters.drop(name);
      if (kind !== 'listener') continue;
      this.#settle(name);
      this.#listeners.drop(name);
    }
  }

  /** Workers have taken it over, but for what they refused. */
  onServing({ upserted }: ResourceUpdate, refused: readonly RefusedByWorkers[]): void {
    for (const resource of upserted) {
      const { kind, name } = resource;
      if (kind !== 'listener') continue;
      if (refused.some((one) => one.kind === kind && one.name === name)) {
        this.#createFailure.inc();
        if (this.#unbound.get(name) === resource) this.#unbound.delete(name);
      } else if (this.#unbound.get(name) === resource) {
        this.#settle(name);
      }
    }
  }

  /** It was taken back, and there was nothing before it. */
  onTakenOut({ kind, name }: Pick<Resource, 'kind' | 'name'>): void {
    if (kind === 'cluster') this.#clusters.forget(name);
    if (kind === 'listener') this.#listeners.forget(name);
  }

  /** So many listeners accept no more, and are there still. */
  onStopped(count: number): void {
    this.#stopped.add(count);
  }

  #expect(resource: Resource): void {
    // One that another version follows before workers answered was there, too.
    this.#settle(resource.name);
    this.#unbound.set(resource.name, resource);
  }

  #settle(name: string): void {
    if (this.#unbound.delete(name)) this.#listeners.take(name);
  }
}
