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
  type Answer,
  type DiscoveredResource,
  type DiscoverySource,
  type DiscoverySubscription,
  type DiscoveryUpdate,
} from '../../xds/discovery.ts';
import { expectResources } from '../loading-phase.ts';
import { takeSteps } from '../run-in-slices.ts';
import { contentHash, readDiscovered } from './discovered-message.ts';

/** A name stands in some 200 statistics and in many lines of the log: longer ones are an attack. */
const MAX_NAME_LENGTH = 16_384;
/** Of one that is refused. */
const SHOWN_NAME_LENGTH = 64;

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
  /** A version that failed before it could be submitted; null: it is no message of the type. */
  readonly noteRefused: (name: string, refused: RefusedVersion) => void;
  /** What else speaks against a resource that is right by itself; '' for nothing. */
  readonly conflictOf: (resource: Resource) => string;
  readonly submit: (update: ResourceUpdate) => UpdateOutcome;
  /** All refusals of an update as one text, in Envoy's words; at least one. */
  readonly refusalText: (refusals: readonly Refusal[]) => string;
  /** An update comes; what it answers is called when it was handed over. */
  readonly onBegin: () => () => void;
  /** An update was taken, good or bad; the source may be paused until it is in use. */
  readonly onTaken: () => void;
  /** All of an update was good, and something of it was new. */
  readonly onReloaded: () => void;
}

/** A version that cannot be used. */
export interface RefusedVersion {
  readonly version: string;
  readonly details: string;
  readonly message: Message | null;
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
  /** Some version of it is. */
  readonly isUsed: boolean;
}

/** What is found while an update is read. */
interface Reading {
  /** All that it has. */
  readonly names: Set<string>;
  readonly refusals: Refusal[];
  readonly version: string;
}

/** See the file's head. */
export class Collection {
  readonly #parts: CollectionParts;
  readonly #known = new Map<string, Known>();
  #subscription: DiscoverySubscription | null = null;
  /** An update that takes long; null: there is none. */
  #taking: Promise<void> | null = null;
  #whenHeard: (() => void)[] = [];
  #isHeard = false;
  /** Of the last update of which something is in use; as in Envoy, whatever else it held. */
  version = '';
  /** The source said what there is; false: it is not known whether there is anything. */
  isTold = false;

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
      isRefused: (name) => (this.#known.get(name)?.refusal ?? '') !== '',
    });
    return new Promise((resolve) => {
      this.#whenHeard.push(resolve);
      if (this.#isHeard) this.#heard();
    });
  }

  /** It was in use, and is of no use after all. */
  refuse(name: string, reason: string): void {
    const known = this.#known.get(name);
    if (known === undefined) return;
    this.#known.set(name, { ...known, refusal: reason });
    this.#subscription?.refuse([name], this.#parts.refusalText([{ name, reason }]));
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

  /** One after the other, though a time to live may end in the midst of a long one. */
  #onUpdate(update: DiscoveryUpdate): Answer {
    const before = this.#taking;
    const take = () => takeSteps(this.#take(update));
    const answer = before === null ? take() : before.then(take);
    if (typeof answer === 'string') return answer;
    const taking: Promise<void> = answer.then(
      () => this.#onTaken(taking),
      () => this.#onTaken(taking),
    );
    this.#taking = taking;
    return answer;
  }

  #onTaken(taking: Promise<void>): void {
    if (this.#taking === taking) this.#taking = null;
  }

  *#take(update: DiscoveryUpdate): Generator<void, string> {
    expectResources(update.resources.length);
    const { refusalText, onBegin, onReloaded, onTaken } = this.#parts;
    const end = onBegin();
    const refusals: Refusal[] = [];
    const names = new Set<string>();
    const upserted: Resource[] = [];
    for (const discovered of update.resources) {
      const resource = this.#read(discovered, { names, refusals, version: update.version });
      if (resource !== null) upserted.push(resource);
      yield;
    }
    let changed = this.#remove(update, names);
    let used = 0;
    for (const resource of upserted) {
      if (this.#subscription === null) break;
      if (this.#submit(resource, refusals)) used += 1;
      yield;
    }
    changed += used;
    const text = refusals.length === 0 ? '' : refusalText(refusals);
    if (changed > 0) this.version = update.version;
    if (used > 0 && text === '') onReloaded();
    end();
    onTaken();
    this.isTold = true;
    this.#heard();
    return text;
  }

  /** null: there is nothing new in it. */
  #read(discovered: DiscoveredResource, { names, refusals, version }: Reading): Resource | null {
    const { isStatic, kind, log } = this.#parts;
    const { name } = discovered;
    if (names.has(name)) {
      // The first one of them is in use.
      refusals.push({ name, reason: `duplicate ${kind} ${name} found` });
      return null;
    }
    names.add(name);
    if (name.length > MAX_NAME_LENGTH) {
      const reason = `name: value length must be at most ${MAX_NAME_LENGTH} characters`;
      refusals.push({ name: `${name.slice(0, SHOWN_NAME_LENGTH)}...`, reason });
      return null;
    }
    if (isStatic(name)) {
      log.log('debug', `${kind} '${name}' stands in the bootstrap: it stays as it is`);
      return null;
    }
    return this.#readOne(discovered, version, refusals);
  }

  /** What goes makes room for what comes; answers how many were in use. */
  #remove({ isWhole, removed }: DiscoveryUpdate, names: ReadonlySet<string>): number {
    const gone = isWhole
      ? [...this.#known.keys()].filter((name) => !names.has(name))
      : removed.filter((name) => this.#known.has(name));
    const lost = gone.filter((name) => this.#known.get(name)?.isUsed === true).length;
    for (const name of gone) this.#known.delete(name);
    const { submit, kind } = this.#parts;
    if (gone.length > 0) submit({ upserted: [], removed: gone.map((name) => ({ kind, name })) });
    return lost;
  }

  /** null: it is what it was, or it is refused. */
  #readOne(
    { name, content, version: own }: DiscoveredResource,
    version: string,
    refusals: Refusal[],
  ): Resource | null {
    const hash = contentHash(content);
    const known = this.#known.get(name);
    // What was refused may be right now: the address that was taken is free.
    if (known?.hash === hash && known.refusal === '') return null;
    const { typeUrl, kind, nameOf, noteRefused } = this.#parts;
    const read = readDiscovered(content, typeUrl);
    const { message } = read;
    const isUsed = known?.isUsed === true;
    this.#known.set(name, { hash, refusal: read.ok ? '' : read.error, isUsed });
    if (!read.ok) {
      refusals.push({ name, reason: read.error });
      noteRefused(name, { version: own || version, details: read.error, message });
      return null;
    }
    const named = name === '' ? nameOf(read.message) : name;
    return { kind, name: named, version: own || version, message: read.message, isDynamic: true };
  }

  /** True: it is in use, or will be once it is warm. */
  #submit(resource: Resource, refusals: Refusal[]): boolean {
    const { name } = resource;
    const reason = this.#submitOne(resource);
    if (reason !== '') refusals.push({ name, reason });
    this.#conclude(name, reason);
    return reason === '';
  }

  #submitOne(resource: Resource): string {
    const { submit, conflictOf, noteRefused } = this.#parts;
    const { name, version, message } = resource;
    const conflict = conflictOf(resource);
    if (conflict !== '') {
      noteRefused(name, { version, details: conflict, message });
      return conflict;
    }
    const [rejected] = submit({ upserted: [resource], removed: [] }).rejected;
    return rejected === undefined ? '' : textOf(rejected);
  }

  #conclude(name: string, refusal: string): void {
    const known = this.#known.get(name);
    if (known === undefined) return;
    this.#known.set(name, { ...known, refusal, isUsed: known.isUsed || refusal === '' });
  }
}

function textOf({ problems }: RejectedResource): string {
  return problems
    .map(({ path, reason }) => (path === '' ? reason : `${path}: ${reason}`))
    .join('; ');
}
