// How a worker takes an update over: in the order in which one thing needs the other. What fails for
// a fault of ours is refused like what cannot be used; everything else of the update is in use.
import type { Logger } from '../base/log.ts';
import type {
  RejectedResource,
  Resource,
  ResourceKind,
  ResourceUpdate,
  UpdateOutcome,
} from '../model/resource.ts';
import { applyDiscovered, isDiscovered } from './apply-discovered.ts';
import type { Compiler } from './compiler.ts';
import { allowYoungHeapToGrow, expectResources } from './loading-phase.ts';
import { beginSlices, runInSlices } from './run-in-slices.ts';
import type { WorkerRuntime } from './worker-runtime.ts';

/** What an applier works with. */
export interface UpdateApplierParts {
  readonly compile: () => Compiler;
  readonly runtime: WorkerRuntime;
  /** Resolves when cells that were asked for are shared with all workers. */
  readonly cellsSettled: () => Promise<void>;
  readonly log: Logger;
}

/** One per worker. */
export class UpdateApplier {
  readonly #parts: UpdateApplierParts;

  constructor(parts: UpdateApplierParts) {
    this.#parts = parts;
  }

  /**
   * What others refer to comes before them. New clusters come before the listeners that name them,
   * removed ones go after; listeners go before others come that may want their addresses.
   */
  async apply({ upserted, removed }: ResourceUpdate): Promise<UpdateOutcome> {
    expectResources(upserted.length);
    const { cellsSettled, runtime } = this.#parts;
    const refused = await this.#each(ofKind('secret', upserted), (one) => this.#secret(one));
    const told = upserted.filter(({ kind }) => isDiscovered(kind));
    refused.push(...(await this.#each(told, (one) => this.#discovered(one))));
    refused.push(...(await this.#each(ofKind('cluster', upserted), (one) => this.#cluster(one))));
    // Their limits are those of all workers before the first request comes to them.
    await cellsSettled();
    for (const { name } of ofKind('listener', removed)) runtime.listeners.remove(name);
    const listeners = ofKind('listener', upserted);
    refused.push(...(await this.#each(listeners, (one) => this.#listener(one))));
    await cellsSettled();
    const gone = ofKind('cluster', removed).map(({ name }) => name);
    runtime.clusters.apply({ upserted: [], removed: gone });
    this.#forgetReferred(removed);
    // The first update is what the worker starts with.
    allowYoungHeapToGrow();
    return { rejected: refused, warned: [] };
  }

  async #each(
    resources: readonly Resource[],
    take: (resource: Resource) => RejectedResource | null | Promise<RejectedResource | null>,
  ): Promise<RejectedResource[]> {
    const refused: RejectedResource[] = [];
    const pause = beginSlices();
    for (const resource of resources) {
      try {
        const taken = take(resource);
        const rejected = taken instanceof Promise ? await taken : taken;
        if (rejected !== null) refused.push(rejected);
      } catch (error) {
        refused.push(this.#failed(resource, error));
      }
      const pausing = pause();
      if (pausing !== null) await pausing;
    }
    return refused;
  }

  #secret(resource: Resource): null {
    const { config } = this.#parts.compile().secret(resource);
    if (config !== null) this.#parts.runtime.secrets.set(resource.name, config);
    return null;
  }

  #discovered(resource: Resource): null {
    const { compile, runtime } = this.#parts;
    applyDiscovered(resource, compile(), runtime.discovered);
    return null;
  }

  #cluster(resource: Resource): RejectedResource | null {
    const { compile, runtime } = this.#parts;
    const { config, rejected } = compile().cluster(resource);
    if (config !== null) runtime.clusters.apply({ upserted: [config], removed: [] });
    return rejected;
  }

  async #listener(resource: Resource): Promise<RejectedResource | null> {
    const { compile, runtime } = this.#parts;
    await runInSlices(compile().prepare(resource));
    const { config, rejected } = compile().listener(resource);
    if (config === null) return rejected;
    const { error } = await runtime.listeners.apply(config);
    if (error === '') return null;
    const { name } = resource;
    return { kind: 'listener', name, problems: [{ path: 'address', reason: error }] };
  }

  #failed({ kind, name }: Resource, error: unknown): RejectedResource {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#parts.log.log('critical', `taking over ${kind} '${name}' failed: ${stack}`);
    const reason = `internal error: ${error instanceof Error ? error.message : String(error)}`;
    return { kind, name, problems: [{ path: '', reason }] };
  }

  #forgetReferred(removed: ResourceUpdate['removed']): void {
    const { runtime } = this.#parts;
    for (const { kind, name } of removed) {
      if (kind === 'secret') runtime.secrets.remove(name);
      if (isDiscovered(kind)) runtime.discovered.remove(kind, name);
    }
  }
}

function ofKind<T extends { readonly kind: ResourceKind }>(
  kind: ResourceKind,
  items: readonly T[],
): readonly T[] {
  return items.filter((item) => item.kind === kind);
}
