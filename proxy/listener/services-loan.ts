// What a listener and its filters take of the worker's services, so that all of it goes back when the
// listener's last connection is gone: no filter has to remember what it took.
import type { CellUser } from '../base/cells/shared-cells.ts';
import type { SharedCounter } from '../base/cells/shared-counter.ts';
import type { SharedInts } from '../base/cells/shared-ints.ts';
import type { SharedTokenBucket } from '../base/cells/shared-token-bucket.ts';
import type { WorkerServices } from '../filters/network-filter.ts';
import type { WatchedFileConfig, WatchedFiles, WatchedText } from '../model/watched-file.ts';

/** One per listener. */
export class ServicesLoan {
  readonly services: WorkerServices;
  readonly #cells: CellLoan;
  readonly #files: FileLoan;

  constructor(services: WorkerServices) {
    this.#cells = new CellLoan(services.cells);
    this.#files = new FileLoan(services.files);
    const stats = services.stats.scope('');
    this.services = { ...services, stats, cells: this.#cells, files: this.#files };
  }

  /** Once, when nobody counts or reads any more. */
  giveBack(): void {
    this.#cells.giveBack();
    this.#files.giveBack();
    this.services.stats.release();
  }
}

class CellLoan implements CellUser {
  readonly #lender: CellUser;
  /** One for each time it was taken. */
  readonly #keys: string[] = [];

  constructor(lender: CellUser) {
    this.#lender = lender;
  }

  get isShared(): boolean {
    return this.#lender.isShared;
  }

  nowMs(): number {
    return this.#lender.nowMs();
  }

  counter(key: string): SharedCounter {
    this.#keys.push(key);
    return this.#lender.counter(key);
  }

  ints(key: string, size: number): SharedInts {
    this.#keys.push(key);
    return this.#lender.ints(key, size);
  }

  bucket(key: string): SharedTokenBucket {
    this.#keys.push(key);
    return this.#lender.bucket(key);
  }

  release(key: string): void {
    const index = this.#keys.indexOf(key);
    if (index === -1) return;
    this.#keys.splice(index, 1);
    this.#lender.release(key);
  }

  giveBack(): void {
    for (const key of this.#keys) this.#lender.release(key);
    this.#keys.length = 0;
  }
}

class FileLoan implements WatchedFiles {
  readonly #lender: WatchedFiles;
  readonly #opened: WatchedText[] = [];

  constructor(lender: WatchedFiles) {
    this.#lender = lender;
  }

  open(file: WatchedFileConfig, initial: string): WatchedText {
    const text = this.#lender.open(file, initial);
    this.#opened.push(text);
    return text;
  }

  giveBack(): void {
    for (const text of this.#opened) text.close();
    this.#opened.length = 0;
  }
}
