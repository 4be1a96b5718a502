// `--state-dir`: what servers told last lies there, so that a restart while they are away begins with
// it. Nothing here ever keeps a proxy from serving: what cannot be read or written is said and counted.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../../base/log.ts';
import type { Counter, Gauge, StatsScope } from '../../stats/metrics.ts';
import type { OpenSource } from '../../xds/discovery.ts';
import { resourceType, TYPE_URLS } from '../../xds/resource-types.ts';
import type { PrimaryService } from '../primary-services.ts';
import { DEFAULT_QUIET_MS, RememberingSource } from './remembering-source.ts';
import { SavedType } from './saved-type.ts';
import { decodeState, type ReadState, type StateOwner } from './state-file.ts';

/** What it works with. */
export interface StateDirectoryParts {
  readonly path: string;
  /** Of the bootstrap's node. */
  readonly node: { readonly id: string; readonly cluster: string };
  /** The root scope. */
  readonly stats: StatsScope;
  readonly log: Logger;
  readonly wallMs: () => number;
  /** See RememberingSourceParts; DEFAULT_QUIET_MS unless said. */
  readonly quietMs?: number;
}

/** Anybody else's rights on a directory: with one of them, keys would be read by others. */
const OTHERS = 0o077;
const MODE = 0o700;
/** What a process left behind that was ended while it wrote. */
const LEFTOVER = /\.state\.tmp-\d+(-end)?$/;
const LEFTOVER_MS = 3_600_000;
const HASH_DIGITS = 16;

/** One per process. */
export class StateDirectory implements PrimaryService {
  readonly #parts: StateDirectoryParts;
  readonly #types = new Map<string, SavedType>();
  /** Keys may lie there. */
  readonly #isPrivate: boolean;
  readonly #inUse: Gauge;
  readonly #age: Gauge;
  readonly #written: Counter;
  readonly #failed: Counter;
  readonly #ignored: Counter;
  /** The last failure that was said. */
  #failure = '';

  constructor(parts: StateDirectoryParts) {
    this.#parts = parts;
    const server = parts.stats.scope('server.');
    this.#inUse = server.gauge('state_in_use');
    this.#age = server.gauge('state_age_seconds');
    this.#written = server.counter('state_written');
    this.#failed = server.counter('state_write_failed');
    this.#ignored = server.counter('state_ignored');
    this.#isPrivate = this.#prepare();
  }

  /** The same server, whose answers are kept. `identity` says which server it is. */
  remember(server: OpenSource, identity: string): OpenSource {
    const source = hashOf(identity);
    return new RememberingSource({
      server,
      log: this.#parts.log,
      quietMs: this.#parts.quietMs ?? DEFAULT_QUIET_MS,
      typeOf: (typeUrl) => this.#type({ node: this.#nodeText(), source, typeUrl }),
    });
  }

  /** Brings gauges up to date. */
  beforeStats(): void {
    const borrowed = [...this.#types.values()].filter(({ borrowers }) => borrowers > 0);
    let inUse = 0;
    for (const { borrowers } of borrowed) inUse += borrowers;
    this.#inUse.set(inUse);
    const oldestMs = Math.min(...borrowed.map(({ foundMs }) => foundMs));
    this.#age.set(inUse === 0 ? 0 : this.#secondsSince(oldestMs));
  }

  stop(): void {
    for (const type of this.#types.values()) type.close();
  }

  #type(owner: StateOwner): SavedType | null {
    // Without a directory that only its owner reads, keys are not kept.
    if (owner.typeUrl === TYPE_URLS.secret && !this.#isPrivate) return null;
    const name = `${resourceType(owner.typeUrl).shortName.toLowerCase()}-${owner.source}.state`;
    const known = this.#types.get(name);
    if (known !== undefined) return known;
    const path = join(this.#parts.path, name);
    const type = new SavedType({
      ...{ path, owner, wallMs: this.#parts.wallMs },
      found: this.#find(path, owner),
      onWritten: (error) => this.#onWritten(error),
    });
    this.#types.set(name, type);
    return type;
  }

  #find(path: string, owner: StateOwner): Extract<ReadState, { readonly ok: true }> | null {
    const { log } = this.#parts;
    let bytes: Buffer;
    try {
      bytes = readFileSync(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#ignore(path, String(error));
      return null;
    }
    const read = decodeState(bytes, owner);
    if (!read.ok) {
      this.#ignore(path, read.reason);
      return null;
    }
    const { header, records } = read;
    const age = `${this.#secondsSince(header.savedMs)} s ago`;
    const what = `${records.length} of ${owner.typeUrl}, saved ${age}`;
    log.log('warning', `${what}, are in use until their server answers`);
    return read;
  }

  #ignore(path: string, reason: string): void {
    this.#ignored.inc();
    this.#parts.log.log('warning', `${path} is not used: ${reason}`);
  }

  /** Answers whether nobody else may look into it. */
  #prepare(): boolean {
    const { log, path } = this.#parts;
    try {
      mkdirSync(path, { recursive: true, mode: MODE });
      this.#removeLeftovers();
      const isPrivate = (statSync(path).mode & OTHERS) === 0;
      if (!isPrivate) {
        log.log('warning', `${path} can be entered by others: secrets are not kept (chmod 700)`);
      }
      return isPrivate;
    } catch (error) {
      this.#failed.inc();
      log.log('warning', `--state-dir: ${String(error)}`);
      return false;
    }
  }

  #removeLeftovers(): void {
    const { path, wallMs } = this.#parts;
    for (const name of readdirSync(path)) {
      const file = join(path, name);
      if (!LEFTOVER.test(name) || wallMs() - statSync(file).mtimeMs < LEFTOVER_MS) continue;
      rmSync(file, { force: true });
    }
  }

  #onWritten(error: Error | null): void {
    if (error === null) this.#written.inc();
    else this.#failed.inc();
    const failure = error === null ? '' : error.message;
    // Once for each reason, not once for each attempt.
    if (failure !== '' && failure !== this.#failure) {
      this.#parts.log.log('warning', `state cannot be saved, the proxy goes on: ${failure}`);
    }
    this.#failure = failure;
  }

  #nodeText(): string {
    const { cluster, id } = this.#parts.node;
    return `${id}\n${cluster}`;
  }

  #secondsSince(wallMs: number): number {
    return Math.max(0, Math.round((this.#parts.wallMs() - wallMs) / 1000));
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HASH_DIGITS);
}
