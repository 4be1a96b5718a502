// Watches the configuration file: written in place, replaced by a rename, or swapped as a mounted
// ConfigMap is. What changed is waited for until it is quiet; whether it can be used, a reload says.
import { statSync } from 'node:fs';
import type { Logger } from '../base/log.ts';
import { DirectoryWatch } from './directory-watch.ts';
import { linkDirectories } from './link-directories.ts';
import type { PrimaryService } from './primary-services.ts';

/** What a watch works with. */
export interface ConfigFileWatchParts {
  readonly path: string;
  /** Reads it again if it says something else than what was read last. */
  readonly reload: () => Promise<unknown>;
  readonly log: Logger;
}

/**
 * A file that is written in place is whole when it has not changed for so long. Longer serves the old
 * one longer; shorter reads halves, which are refused, and then read again.
 */
const QUIET_MS = 100;
/** Who never stops writing is read all the same. */
const MAX_WAIT_MS = 2_000;
/** A file that is replaced by removing and writing it is missing for a moment. */
const MISSING_MS = 2_000;

/** See the file's head. */
export class ConfigFileWatch implements PrimaryService {
  readonly #parts: ConfigFileWatchParts;
  #directories = '';
  #watches: DirectoryWatch[] = [];
  /** Of the file that was read last. */
  #identity: string;
  /** What waits for quiet; null: nothing changed. */
  #pending: { readonly sinceMs: number; readonly identity: string } | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;

  constructor(parts: ConfigFileWatchParts) {
    this.#parts = parts;
    this.#identity = identityOf(parts.path);
  }

  onServing(): void {
    this.#watch();
    // It may have changed since it was read.
    void this.#parts.reload();
  }

  stop(): void {
    this.#isStopped = true;
    for (const watch of this.#watches) watch.close();
    this.#watches = [];
    this.#clear();
  }

  /** Links may lead elsewhere now. */
  #watch(): void {
    const directories = linkDirectories(this.#parts.path);
    if (directories.join('\n') === this.#directories) return;
    this.#directories = directories.join('\n');
    for (const watch of this.#watches) watch.close();
    const { log } = this.#parts;
    this.#watches = directories.map(
      (directory) => new DirectoryWatch(directory, log, () => this.#onChange()),
    );
  }

  #onChange(): void {
    if (this.#isStopped) return;
    this.#watch();
    const identity = identityOf(this.#parts.path);
    if (this.#pending === null && identity === this.#identity) return;
    const sinceMs = this.#pending?.sinceMs ?? performance.now();
    this.#pending = { sinceMs, identity };
    // Whoever never stops is read when it is time; the next event is the next chance.
    if (performance.now() - sinceMs > MAX_WAIT_MS) this.#look();
    else this.#plan(identity === '' ? MISSING_MS : QUIET_MS);
  }

  #plan(afterMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), afterMs);
    this.#timer.unref();
  }

  /** It was quiet for a while, unless an event was lost. */
  #look(): void {
    const pending = this.#pending;
    this.#clear();
    if (pending === null) return;
    const identity = identityOf(this.#parts.path);
    if (identity !== pending.identity && performance.now() - pending.sinceMs < MAX_WAIT_MS) {
      this.#pending = { ...pending, identity };
      this.#plan(QUIET_MS);
      return;
    }
    this.#identity = identity;
    if (identity === '') this.#sayMissing();
    else void this.#parts.reload();
  }

  #clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#pending = null;
  }

  #sayMissing(): void {
    const { log, path } = this.#parts;
    log.log('warning', `${path} is gone: the configuration that was read last stays in use`);
  }
}

/** Another one for another content, '' for no file. */
function identityOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch {
    return '';
  }
}
