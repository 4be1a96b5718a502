// Gathers what changes in one turn, so that a burst costs workers one update.
import type { Resource, ResourceUpdate } from '../model/resource.ts';

/** Updates are sent in the order in which they were begun. */
export class UpdateBatch {
  readonly #apply: (update: ResourceUpdate) => Promise<void>;
  readonly #upserted = new Map<string, Resource>();
  readonly #removed = new Map<string, ResourceUpdate['removed'][number]>();
  /** What is gathered now; null: nothing is. */
  #pending: Promise<void> | null = null;
  #applied: Promise<unknown> = Promise.resolve();

  constructor(apply: (update: ResourceUpdate) => Promise<void>) {
    this.#apply = apply;
  }

  /** Resolves when it is applied. */
  add({ upserted, removed }: ResourceUpdate): Promise<void> {
    for (const resource of upserted) {
      const key = `${resource.kind}/${resource.name}`;
      this.#upserted.set(key, resource);
      this.#removed.delete(key);
    }
    for (const gone of removed) {
      const key = `${gone.kind}/${gone.name}`;
      this.#removed.set(key, gone);
      this.#upserted.delete(key);
    }
    this.#pending ??= this.#plan();
    return this.#pending;
  }

  /** Resolves when all that was added by now is applied. */
  async applied(): Promise<void> {
    await this.#pending;
    await this.#applied;
  }

  #plan(): Promise<void> {
    const planned = Promise.resolve().then(() => this.#begin());
    this.#applied = bothOf(this.#applied, planned);
    return planned;
  }

  /** Workers apply updates in the order in which they are sent: nobody has to wait here. */
  #begin(): Promise<void> {
    this.#pending = null;
    const update = { upserted: [...this.#upserted.values()], removed: [...this.#removed.values()] };
    this.#upserted.clear();
    this.#removed.clear();
    return this.#apply(update);
  }
}

/** Resolves with nothing: with what both resolve with, it would hold all that was ever planned. */
async function bothOf(left: Promise<unknown>, right: Promise<unknown>): Promise<void> {
  await Promise.all([left, right]);
}
