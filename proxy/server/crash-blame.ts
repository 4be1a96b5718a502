// Finds the resource that ends workers. Whatever no worker has survived yet is suspect when a worker
// dies over it; what was in the hands of two of them is to blame.
import type { Resource, ResourceUpdate } from '../model/resource.ts';

/**
 * A worker that lives so long after it took a resource over was not ended by it. Longer blames what
 * is innocent for other deaths, shorter misses what harms with the first requests.
 */
export const PROVEN_MS = 1_000;

/** As many as this are remembered: more do not come between two deaths. */
const MAX_SUSPECTS = 100_000;

interface Suspect {
  readonly resource: Resource;
  deaths: number;
}

/** How a worker that begins is told of resources. */
export interface ReplayPlan {
  /** At once. */
  readonly together: readonly Resource[];
  /** Behind them, each by itself. */
  readonly alone: readonly Resource[];
}

/** One per process. */
export class CrashBlame {
  readonly #proven = new WeakSet<Resource>();
  readonly #suspects = new Map<string, Suspect>();

  /** A worker lives on with these. */
  prove(resources: readonly Resource[]): void {
    for (const resource of resources) {
      this.#proven.add(resource);
      const key = keyOf(resource);
      if (this.#suspects.get(key)?.resource === resource) this.#suspects.delete(key);
    }
  }

  /** Some worker has lived with it. */
  isProven(resource: Resource): boolean {
    return this.#proven.has(resource);
  }

  /** What is suspect is told alone, so that the next death says which it was. */
  plan(resources: readonly Resource[]): ReplayPlan {
    if (this.#suspects.size === 0) return { together: resources, alone: [] };
    const together: Resource[] = [];
    const alone: Resource[] = [];
    for (const resource of resources) {
      const suspect = this.#suspects.get(keyOf(resource));
      if (suspect?.resource === resource) alone.push(resource);
      else together.push(resource);
    }
    return { together, alone };
  }

  /** A worker died with these in its hands; answers those that are to blame. */
  onDeath({ resources, isEachAlone }: Held): readonly Resource[] {
    const blamed: Resource[] = [];
    for (const resource of resources) {
      if (this.#proven.has(resource)) continue;
      const suspect = this.#suspect(resource);
      suspect.deaths += 1;
      if (suspect.deaths >= 2) blamed.push(resource);
    }
    // Any of several that came together: the next worker is told them one by one.
    if (blamed.length > 1 && !isEachAlone) return [];
    for (const resource of blamed) this.#suspects.delete(keyOf(resource));
    return blamed;
  }

  #suspect(resource: Resource): Suspect {
    const key = keyOf(resource);
    const known = this.#suspects.get(key);
    if (known?.resource === resource) return known;
    if (this.#suspects.size >= MAX_SUSPECTS) this.#suspects.clear();
    const suspect = { resource, deaths: 0 };
    this.#suspects.set(key, suspect);
    return suspect;
  }
}

/** What a worker had in its hands when it died. */
export interface Held {
  readonly resources: readonly Resource[];
  /** True: it was taking them over; false: it had done so a moment before. */
  readonly isApplying: boolean;
  /** Each came as an update of its own. */
  readonly isEachAlone: boolean;
}

/** What one worker was told to take over, and whether it is through with it. */
export class UpdatesInHand {
  readonly #begun = new Map<number, readonly Resource[]>();
  #recent: { readonly resources: readonly Resource[]; readonly endedMs: number }[] = [];

  /** An update was sent. */
  begin(id: number, { upserted }: ResourceUpdate): void {
    this.#begun.set(id, upserted);
  }

  /** The worker answered; what it took over. */
  end(id: number, nowMs: number): readonly Resource[] {
    const resources = this.#begun.get(id) ?? [];
    this.#begun.delete(id);
    this.#forget(nowMs);
    if (resources.length > 0) this.#recent.push({ resources, endedMs: nowMs });
    return resources;
  }

  /** What it was working on, or else what it had just begun to use. */
  held(nowMs: number): Held {
    // It applies them in their order.
    for (const resources of this.#begun.values()) {
      const isEachAlone = resources.length === 1;
      if (resources.length > 0) return { resources, isApplying: true, isEachAlone };
    }
    this.#forget(nowMs);
    const updates = this.#recent.map(({ resources }) => resources);
    const isEachAlone = updates.every(({ length }) => length === 1);
    return { resources: updates.flat(), isApplying: false, isEachAlone };
  }

  #forget(nowMs: number): void {
    this.#recent = this.#recent.filter(({ endedMs }) => nowMs - endedMs < PROVEN_MS);
  }
}

function keyOf({ kind, name }: Resource): string {
  return `${kind}/${name}`;
}
