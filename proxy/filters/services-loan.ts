// What a listener and its filters take of the worker's services, so that all of it goes back when the
// listener's last connection is gone: no filter has to remember what it took.
import type { CellUser } from '../base/cells/shared-cells.ts';
import type { SharedCounter } from '../base/cells/shared-counter.ts';
import type { SharedInts } from '../base/cells/shared-ints.ts';
import type { SharedTokenBucket } from '../base/cells/shared-token-bucket.ts';
import type { DiscoveredRef } from '../model/config-source.ts';
import type { WatchedFileConfig, WatchedFiles, WatchedText } from '../model/watched-file.ts';
import type { DiscoveredConfig, DiscoveredConfigs, DiscoveredSlot } from './discovered-configs.ts';
import type { WorkerServices } from './network-filter.ts';

/** One per listener, and per route table that is replaced by itself. */
export class ServicesLoan {
  readonly services: WorkerServices;
  readonly #cells: CellLoan;
  readonly #files: FileLoan;
  readonly #discovered: DiscoveredLoan;

  constructor(services: WorkerServices) {
    this.#cells = new CellLoan(services.cells);
    this.#files = new FileLoan(services.files);
    const stats = services.stats.scope('');
    this.#discovered = new DiscoveredLoan(services.discovered);
    this.services = {
      ...services,
      stats,
      cells: this.#cells,
      files: this.#files,
      discovered: this.#discovered,
    };
  }

  /** Once, when nobody counts or reads any more. */
  giveBack(): void {
    this.#cells.giveBack();
    this.#files.giveBack();
    this.#discovered.giveBack();
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

class DiscoveredLoan implements DiscoveredConfigs {
  readonly #lender: DiscoveredConfigs;
  readonly #opened = new Set<DiscoveredSlot>();

  constructor(lender: DiscoveredConfigs) {
    this.#lender = lender;
  }

  open<C extends DiscoveredConfig>(ref: DiscoveredRef, onChange: () => void): DiscoveredSlot<C> {
    const slot = this.#lender.open<C>(ref, onChange);
    this.#opened.add(slot);
    return {
      get value(): C | null {
        return slot.value;
      },
      close: () => {
        slot.close();
        this.#opened.delete(slot);
      },
    };
  }

  giveBack(): void {
    for (const slot of this.#opened) slot.close();
    this.#opened.clear();
  }
}
