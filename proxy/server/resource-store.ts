// The primary's resources: the last good version of each, from whatever source. An update is
// checked resource by resource; what passes replaces what was there and goes to the workers.
import type {
  RejectedResource,
  Resource,
  ResourceKind,
  ResourceUpdate,
  UpdateOutcome,
} from '../model/resource.ts';

/** Checks one resource by compiling it; both lists are empty for one that is flawless. */
export type CheckResource = (resource: Resource) => {
  readonly rejected: RejectedResource | null;
  readonly warned: RejectedResource | null;
};

/** A resource in use. */
export interface StoredResource {
  readonly resource: Resource;
  /** Wall-clock ms at which this version was accepted. */
  readonly acceptedMs: number;
  /** The newest refused update of this resource; null once a later one was accepted. */
  readonly refused: RefusedUpdate | null;
  /** What `takeBack` returns to. */
  readonly previous: StoredResource | null;
}

/** An update that was refused while the last good version stays in use. */
export interface RefusedUpdate {
  readonly version: string;
  readonly details: string;
  readonly wallMs: number;
}

/** Clusters before the listeners that name them. */
const ORDER: readonly ResourceKind[] = [
  'bootstrap',
  'secret',
  'cluster',
  'endpoint',
  'route',
  'listener',
];

/** Resources by kind and name. */
export class ResourceStore {
  readonly #check: CheckResource;
  readonly #wallMs: () => number;
  readonly #stored = new Map<string, StoredResource>();

  constructor(check: CheckResource, wallMs: () => number) {
    this.#check = check;
    this.#wallMs = wallMs;
  }

  /**
   * Takes over what passes the check. `accepted` is what workers must be told; refused resources
   * keep their last good version and are named in the outcome.
   */
  publish(update: ResourceUpdate): {
    readonly accepted: ResourceUpdate;
    readonly outcome: UpdateOutcome;
  } {
    const upserted: Resource[] = [];
    const rejected: RejectedResource[] = [];
    const warned: RejectedResource[] = [];
    for (const resource of inOrder(update.upserted)) {
      const problems = this.#check(resource);
      if (problems.warned !== null) warned.push(problems.warned);
      if (problems.rejected === null) {
        upserted.push(resource);
        this.#accept(resource);
      } else {
        rejected.push(problems.rejected);
        this.#refuse(resource, problems.rejected);
      }
    }
    const removed = update.removed.filter(({ kind, name }) => this.#stored.delete(key(kind, name)));
    return { accepted: { upserted, removed }, outcome: { rejected, warned } };
  }

  /** Returns to the version before the last accepted one: it passed the check and failed in use. */
  takeBack(kind: ResourceKind, name: string, details: string): void {
    const at = key(kind, name);
    const stored = this.#stored.get(at);
    if (stored === undefined) return;
    if (stored.previous === null) {
      this.#stored.delete(at);
      return;
    }
    const refused = { version: stored.resource.version, details, wallMs: this.#wallMs() };
    this.#stored.set(at, { ...stored.previous, refused });
  }

  /** Everything in use, in the order in which a worker must learn it. */
  all(): readonly Resource[] {
    return inOrder([...this.#stored.values()].map((stored) => stored.resource));
  }

  /** What is in use of one kind, by name. */
  ofKind(kind: ResourceKind): readonly StoredResource[] {
    return [...this.#stored.values()]
      .filter((stored) => stored.resource.kind === kind)
      .sort((left, right) => (left.resource.name < right.resource.name ? -1 : 1));
  }

  get(kind: ResourceKind, name: string): StoredResource | null {
    return this.#stored.get(key(kind, name)) ?? null;
  }

  #accept(resource: Resource): void {
    const at = key(resource.kind, resource.name);
    const replaced = this.#stored.get(at);
    // One step back is all that is ever taken.
    const previous = replaced === undefined ? null : { ...replaced, previous: null };
    this.#stored.set(at, { resource, acceptedMs: this.#wallMs(), refused: null, previous });
  }

  #refuse(resource: Resource, rejected: RejectedResource): void {
    const stored = this.#stored.get(key(resource.kind, resource.name));
    if (stored === undefined) return;
    const details = rejected.problems.map(({ path, reason }) => `${path}: ${reason}`).join('\n');
    const refused = { version: resource.version, details, wallMs: this.#wallMs() };
    this.#stored.set(key(resource.kind, resource.name), { ...stored, refused });
  }
}

function inOrder(resources: readonly Resource[]): readonly Resource[] {
  return [...resources].sort((left, right) => ORDER.indexOf(left.kind) - ORDER.indexOf(right.kind));
}

function key(kind: ResourceKind, name: string): string {
  return `${kind}/${name}`;
}
