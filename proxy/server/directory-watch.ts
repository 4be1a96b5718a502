// Tells when something changes in a directory. Whatever happens counts, not only renames: a file
// that is written in place is whole in the end.
import { type FSWatcher, lstatSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger } from '../base/log.ts';

/**
 * What changes a file comes as several events: they are waited for this long. Longer serves the old
 * content longer; shorter reads files that are half written.
 */
const SETTLE_MS = 20;

/** Watches until it is closed. */
export class DirectoryWatch {
  readonly path: string;
  readonly #log: Logger;
  readonly #onChange: () => void;
  #watchers: FSWatcher[] = [];
  #settleTimer: NodeJS.Timeout | null = null;

  /** `onChange` is called when the changes of a moment are over; never inside this call. */
  constructor(path: string, log: Logger, onChange: () => void) {
    this.path = path;
    this.#log = log;
    this.#onChange = onChange;
    this.#begin();
  }

  close(): void {
    this.#end();
    if (this.#settleTimer !== null) clearTimeout(this.#settleTimer);
    this.#settleTimer = null;
  }

  #begin(): void {
    try {
      const paths = isLink(this.path) ? [this.path, dirname(this.path)] : [this.path];
      for (const path of paths) this.#watch(path);
    } catch (error) {
      this.#fail(error);
    }
  }

  #watch(path: string): void {
    const watcher = watch(path, { persistent: false }, () => this.#onEvent());
    watcher.on('error', (error) => this.#fail(error));
    this.#watchers.push(watcher);
  }

  #end(): void {
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
  }

  #onEvent(): void {
    this.#settleTimer ??= setTimeout(() => {
      this.#settleTimer = null;
      // A link that names the directory may lead to another one now.
      if (this.#watchers.length > 1) {
        this.#end();
        this.#begin();
      }
      this.#onChange();
    }, SETTLE_MS);
    this.#settleTimer.unref();
  }

  #fail(error: unknown): void {
    this.#end();
    const reason = error instanceof Error ? error.message : String(error);
    const what = `unable to add filesystem watch for ${this.path}: ${reason}`;
    this.#log.log('error', `${what}; its files stay as they were read`);
  }
}

function isLink(path: string): boolean {
  return lstatSync(path).isSymbolicLink();
}
