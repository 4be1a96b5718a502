// The primary's resources: the last good version of each, from whatever source. An update is
// checked resource by resource; what passes replaces what was there and goes to the workers.
import type { Message } from '@bufbuild/protobuf';
import type {
  RejectedResource,
  Resource,
  ResourceKind,
  ResourceUpdate,
  UpdateOutcome,
} from '../model/resource.ts';
import { CondemnedVersions } from './condemned-versions.ts';
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
  /** What `takeBack` returns to: the version before, or the last one that had proved itself. */
  readonly previous: StoredResource | null;
}

/** A resource of which no version was ever accepted. */
export interface RefusedResource {
  readonly resource: Resource;
  readonly refused: RefusedUpdate;
}

/** An update that was refused while the last good version stays in use. */
export interface RefusedUpdate {
  readonly version: string;
  readonly details: string;
  readonly wallMs: number;
  /** What was refused; null: it could not be read. */
  readonly message: Message | null;
}

/** Clusters before the listeners that name them. */
const ORDER: readonly ResourceKind[] = [
  'bootstrap',
  'secret',
  'cluster',
  'endpoint',
  'http-filter',
  'network-filter',
  'listener-filter',
  'route',
  'scopes',
  'listener',
];

/** Resources by kind and name. */
export class ResourceStore {
  readonly #check: CheckResource;
  readonly #wallMs: () => number;
  readonly #stored = new Map<string, StoredResource>();
  /** Accepted versions that do not serve yet: something they need is not there. */
  readonly #warming = new Map<string, StoredResource>();
  /** How many of each kind wait: asked for with each of many that come. */
  readonly #waiting = new Map<ResourceKind, number>();
  /** Refused before there ever was a good version. */
  readonly #neverGood = new Map<string, RefusedResource>();
  readonly #condemned = new CondemnedVersions();
  /** Grows with every change of what is in use. */
  revision = 0;

  constructor(check: CheckResource, wallMs: () => number) {
    this.#check = check;
    this.#wallMs = wallMs;
  }

  /** Some worker has lived with a resource; until somebody knows, all of them count as good. */
  isProven: (resource: Resource) => boolean = () => true;

  /** Told what is in use of a name from now on; null: nothing is. */
  onInUse: (kind: ResourceKind, name: string, resource: Resource | null) => void = () => undefined;

  /** This content is refused from now on, until there is another one. */
  condemn(resource: Resource, reason: string): void {
    this.#condemned.add(resource, reason);
  }

  /** Why it was condemned; '' : it was not. */
  condemnation(resource: Resource): string {
    return this.#condemned.reason(resource);
  }

  /**
   * Takes over what passes the check. `accepted` is what workers must be told, `warming` what waits
   * for `promote`; refused resources keep their last good version and are named in the outcome.
   */
  publish(
    update: ResourceUpdate,
    mayServe: (resource: Resource) => boolean = () => true,
  ): {
    readonly accepted: ResourceUpdate;
    readonly warming: readonly Resource[];
    readonly outcome: UpdateOutcome;
  } {
    const upserted: Resource[] = [];
    const warming: Resource[] = [];
    const rejected: RejectedResource[] = [];
    const warned: RejectedResource[] = [];
    for (const resource of inOrder(update.upserted)) {
      const problems = this.#judge(resource);
      if (problems.warned !== null) warned.push(problems.warned);
      if (problems.rejected !== null) {
        rejected.push(problems.rejected);
        this.#refuse(resource, problems.rejected);
      } else if (mayServe(resource)) {
        upserted.push(resource);
        this.#stopWarming(key(resource.kind, resource.name));
        this.#accept(resource);
      } else {
        warming.push(resource);
        this.#warm(resource);
      }
    }
    const removed = update.removed.filter((gone) => this.#remove(gone));
    return { accepted: { upserted, removed }, warming, outcome: { rejected, warned } };
  }

  /** What a warming version needs is there: it is the one in use. Null: there is none (any more). */
  promote(kind: ResourceKind, name: string): Resource | null {
    const at = key(kind, name);
    const warm = this.#warming.get(at);
    if (warm === undefined) return null;
    this.#stopWarming(at);
    this.#accept(warm.resource);
    return warm.resource;
  }

  /** True when some version of that kind waits. */
  hasWarming(kind: ResourceKind): boolean {
    return this.countWarming(kind) > 0;
  }

  /** How many of that kind wait. */
  countWarming(kind: ResourceKind): number {
    return this.#waiting.get(kind) ?? 0;
  }

  /** What waits, by name. */
  warming(kind: ResourceKind): readonly StoredResource[] {
    return ofKind(this.#warming, kind);
  }

  /** The newest accepted version, whether it serves already or not. */
  newest(kind: ResourceKind, name: string): Resource | null {
    const at = key(kind, name);
    return (this.#warming.get(at) ?? this.#stored.get(at))?.resource ?? null;
  }

  /** Every resource of the bootstrap of which a version was accepted. */
  names(): readonly { readonly kind: ResourceKind; readonly name: string }[] {
    const known = new Map([...this.#stored, ...this.#warming]);
    return [...known.values()]
      .filter(({ resource }) => resource.isDynamic !== true)
      .map(({ resource: { kind, name } }) => ({ kind, name }));
  }

  /**
   * Returns to the version before the last accepted one, which passed the check and failed in use;
   * answers the one that is in use now, null when there is none.
   */
  takeBack(kind: ResourceKind, name: string, details: string): Resource | null {
    const at = key(kind, name);
    const stored = this.#stored.get(at);
    if (stored === undefined) return null;
    const { resource, previous } = stored;
    const { version, message } = resource;
    const refused = { version, details, wallMs: this.#wallMs(), message };
    this.revision += 1;
    if (previous === null) {
      this.#stored.delete(at);
      this.#neverGood.set(at, { resource, refused });
      this.onInUse(kind, name, null);
      return null;
    }
    this.#stored.set(at, { ...previous, refused });
    this.onInUse(kind, name, previous.resource);
    return previous.resource;
  }

  /** A version that failed a check before this store's own. */
  noteRefused(
    { kind, name }: Pick<Resource, 'kind' | 'name'>,
    refused: Omit<RefusedUpdate, 'wallMs'>,
  ): void {
    const { version, message } = refused;
    const stored = this.#stored.get(key(kind, name))?.resource ?? null;
    const about = message === null ? stored : { kind, name, version, message, isDynamic: true };
    if (about !== null) this.#note(about, { ...refused, wallMs: this.#wallMs() });
  }

  /** Everything in use, in the order in which a worker must learn it. */
  all(): readonly Resource[] {
    return inOrder([...this.#stored.values()].map((stored) => stored.resource));
  }

  /** What is in use of one kind, by name. */
  ofKind(kind: ResourceKind): readonly StoredResource[] {
    return ofKind(this.#stored, kind);
  }

  /** Refused ones of which there is no good version. */
  neverGood(kind: ResourceKind): readonly RefusedResource[] {
    return [...this.#neverGood.values()].filter(({ resource }) => resource.kind === kind);
  }

  get(kind: ResourceKind, name: string): StoredResource | null {
    return this.#stored.get(key(kind, name)) ?? null;
  }

  #accept(resource: Resource): void {
    const at = key(resource.kind, resource.name);
    const replaced = this.#stored.get(at);
    this.revision += 1;
    this.#neverGood.delete(at);
    const previous = replaced === undefined ? null : this.#fallback(replaced);
    this.#stored.set(at, { resource, acceptedMs: this.#wallMs(), refused: null, previous });
    this.onInUse(resource.kind, resource.name, resource);
  }

  /** Of what is replaced, to what one would return: one step back is all that is ever taken. */
  #fallback(replaced: StoredResource): StoredResource {
    const { previous, resource } = replaced;
    if (previous !== null && !this.isProven(resource)) return previous;
    return { ...replaced, previous: null };
  }

  #judge(resource: Resource): ReturnType<CheckResource> {
    const reason = this.#condemned.reason(resource);
    if (reason === '') return this.#check(resource);
    const { kind, name } = resource;
    return { rejected: { kind, name, problems: [{ path: '', reason }] }, warned: null };
  }

  #warm(resource: Resource): void {
    this.#neverGood.delete(key(resource.kind, resource.name));
    const stored = { resource, acceptedMs: this.#wallMs(), refused: null, previous: null };
    const at = key(resource.kind, resource.name);
    this.#stopWarming(at);
    this.#warming.set(at, stored);
    this.#waiting.set(resource.kind, this.countWarming(resource.kind) + 1);
  }

  /** False: it did not wait. */
  #stopWarming(at: string): boolean {
    const waited = this.#warming.get(at);
    if (waited === undefined) return false;
    const { kind } = waited.resource;
    this.#waiting.set(kind, this.countWarming(kind) - 1);
    return this.#warming.delete(at);
  }

  #remove({ kind, name }: ResourceUpdate['removed'][number]): boolean {
    const at = key(kind, name);
    this.#neverGood.delete(at);
    const wasWarming = this.#stopWarming(at);
    this.revision += 1;
    const wasStored = this.#stored.delete(at);
    if (wasStored) this.onInUse(kind, name, null);
    return wasStored || wasWarming;
  }

  #refuse(resource: Resource, rejected: RejectedResource): void {
    const details = rejected.problems
      .map(({ path, reason }) => (path === '' ? reason : `${path}: ${reason}`))
      .join('\n');
    const { version, message } = resource;
    this.#note(resource, { version, details, wallMs: this.#wallMs(), message });
  }

  #note(resource: Resource, refused: RefusedUpdate): void {
    const at = key(resource.kind, resource.name);
    const stored = this.#stored.get(at);
    if (stored !== undefined) this.#stored.set(at, { ...stored, refused });
    else if (!this.#warming.has(at)) this.#neverGood.set(at, { resource, refused });
  }
}

function ofKind(
  stored: ReadonlyMap<string, StoredResource>,
  kind: ResourceKind,
): readonly StoredResource[] {
  return [...stored.values()]
    .filter(({ resource }) => resource.kind === kind)
    .sort((left, right) => (left.resource.name < right.resource.name ? -1 : 1));
}

function inOrder(resources: readonly Resource[]): readonly Resource[] {
  return [...resources].sort((left, right) => ORDER.indexOf(left.kind) - ORDER.indexOf(right.kind));
}

function key(kind: ResourceKind, name: string): string {
  return `${kind}/${name}`;
}
