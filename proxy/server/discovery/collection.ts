// What a source says there is of one kind (CDS, LDS): what is new of it goes to the publisher, and
// the source hears what cannot be used. What is good of an update is in use whatever the rest is.
import type { Message } from '@bufbuild/protobuf';
import type { Logger } from '../../base/log.ts';
import type { ConfigSourceConfig } from '../../model/config-source.ts';
import type {
  RejectedResource,
  Resource,
  ResourceUpdate,
  UpdateOutcome,
} from '../../model/resource.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import {
  ALL_NAMES,
  type DiscoveredResource,
  type DiscoverySource,
  type DiscoverySubscription,
  type DiscoveryUpdate,
} from '../../xds/discovery.ts';
import { contentHash, readDiscovered } from './discovered-message.ts';

/** What a collection works with. */
export interface CollectionParts {
  readonly kind: 'cluster' | 'listener';
  readonly typeUrl: string;
  readonly config: ConfigSourceConfig;
  readonly source: DiscoverySource;
  /** `cluster_manager.cds`, `listener_manager.lds` */
  readonly stats: StatsScope;
  readonly log: Logger;
  /** It stands in the bootstrap, which no source may overrule. */
  readonly isStatic: (name: string) => boolean;
  /** The name of a resource that has none; '' when it cannot be told. */
  readonly nameOf: (message: Message) => string;
  /** What else speaks against a resource that is right by itself; '' for nothing. */
  readonly conflictOf: (resource: Resource) => string;
  readonly submit: (update: ResourceUpdate) => UpdateOutcome;
  /** All refusals of an update as one text, in Envoy's words; at least one. */
  readonly refusalText: (refusals: readonly Refusal[]) => string;
  /** An update was taken, good or bad; the source may be paused until it is in use. */
  readonly onTaken: () => void;
}

/** Why a resource is refused. */
export interface Refusal {
  readonly name: string;
  readonly reason: string;
}

interface Known {
  readonly hash: string;
  /** '' : it is in use. */
  readonly refusal: string;
}

/** See the file's head. */
export class Collection {
  readonly #parts: CollectionParts;
  readonly #known = new Map<string, Known>();
  #subscription: DiscoverySubscription | null = null;
  #whenHeard: (() => void)[] = [];
  #isHeard = false;
  /** Of the last update that was accepted as a whole. */
  version = '';

  constructor(parts: CollectionParts) {
    this.#parts = parts;
  }

  /** Asks; resolves when the first answer was taken, or will not come in time. */
  start(): Promise<void> {
    const { source, typeUrl, config, stats } = this.#parts;
    const { fetchTimeoutMs } = config;
    const request = { typeUrl, names: new Set([ALL_NAMES]), fetchTimeoutMs, stats };
    this.#subscription = source.subscribe(request, {
      onUpdate: (update) => this.#onUpdate(update),
      onFailure: (failure) => {
        // A server that cannot be reached is waited for until the time is over.
        if (failure !== 'connection') this.#heard();
      },
    });
    return new Promise((resolve) => {
      this.#whenHeard.push(resolve);
      if (this.#isHeard) this.#heard();
    });
  }

  stop(): void {
    this.#subscription?.close();
    this.#subscription = null;
    this.#heard();
  }

  #heard(): void {
    this.#isHeard = true;
    const told = this.#whenHeard;
    this.#whenHeard = [];
    for (const tell of told) tell();
  }

  #onUpdate(update: DiscoveryUpdate): string {
    const refusals: Refusal[] = [];
    const { upserted, names } = this.#read(update, refusals);
    const gone = update.isWhole
      ? [...this.#known.keys()].filter((name) => !names.has(name))
      : update.removed.filter((name) => this.#known.has(name));
    for (const name of gone) this.#known.delete(name);
    this.#submit(upserted, gone, refusals);
    const { refusalText, onTaken } = this.#parts;
    const text = refusals.length === 0 ? '' : refusalText(refusals);
    if (text === '') this.version = update.version;
    onTaken();
    this.#heard();
    return text;
  }

  /** What is new of an update; `names` are all that it has. */
  #read(
    { resources, version }: DiscoveryUpdate,
    refusals: Refusal[],
  ): { readonly upserted: readonly Resource[]; readonly names: ReadonlySet<string> } {
    const { isStatic, kind, log } = this.#parts;
    const names = new Set<string>();
    const upserted: Resource[] = [];
    for (const discovered of resources) {
      const { name } = discovered;
      if (names.has(name)) {
        // The first one of them is in use.
        refusals.push({ name, reason: `duplicate ${kind} ${name} found` });
        continue;
      }
      names.add(name);
      if (isStatic(name)) {
        log.log('debug', `${kind} '${name}' stands in the bootstrap: it stays as it is`);
        continue;
      }
      const resource = this.#readOne(discovered, version, refusals);
      if (resource !== null) upserted.push(resource);
    }
    return { upserted, names };
  }

  /** null: it is what it was, or it is refused. */
  #readOne(
    { name, content, version: own }: DiscoveredResource,
    version: string,
    refusals: Refusal[],
  ): Resource | null {
    const hash = contentHash(content);
    const known = this.#known.get(name);
    if (known?.hash === hash) {
      if (known.refusal !== '') refusals.push({ name, reason: known.refusal });
      return null;
    }
    const { typeUrl, kind, nameOf } = this.#parts;
    const read = readDiscovered(content, typeUrl);
    this.#known.set(name, { hash, refusal: read.ok ? '' : read.error });
    if (!read.ok) {
      refusals.push({ name, reason: read.error });
      return null;
    }
    const { message } = read;
    const named = name === '' ? nameOf(message) : name;
    return { kind, name: named, version: own || version, message, isDynamic: true };
  }

  #submit(upserted: readonly Resource[], gone: readonly string[], refusals: Refusal[]): void {
    const { submit, kind, conflictOf } = this.#parts;
    // What goes makes room for what comes.
    if (gone.length > 0) submit({ upserted: [], removed: gone.map((name) => ({ kind, name })) });
    for (const resource of upserted) {
      const { name } = resource;
      const conflict = conflictOf(resource);
      const [rejected] =
        conflict === '' ? submit({ upserted: [resource], removed: [] }).rejected : [];
      const reason = rejected === undefined ? conflict : textOf(rejected);
      if (reason !== '') this.#refuse(name, reason, refusals);
    }
  }

  #refuse(name: string, reason: string, refusals: Refusal[]): void {
    refusals.push({ name, reason });
    const known = this.#known.get(name);
    if (known !== undefined) this.#known.set(name, { ...known, refusal: reason });
  }
}

function textOf({ problems }: RejectedResource): string {
  return problems
    .map(({ path, reason }) => (path === '' ? reason : `${path}: ${reason}`))
    .join('; ');
}
