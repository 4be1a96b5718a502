// Requests that wait for a connection: first come, first served, and any of them may leave early.
import type { StreamWaiter } from '../conn-pool.ts';

class Entry {
  readonly waiter: StreamWaiter;
  previous: Entry | null = null;
  next: Entry | null = null;

  constructor(waiter: StreamWaiter) {
    this.waiter = waiter;
  }
}

/** A FIFO with removal in constant time; a limit is the caller's business. */
export class PendingQueue {
  readonly #entries = new Map<StreamWaiter, Entry>();
  #first: Entry | null = null;
  #last: Entry | null = null;

  get size(): number {
    return this.#entries.size;
  }

  /** Queues a waiter that is not queued yet. */
  push(waiter: StreamWaiter): void {
    const entry = new Entry(waiter);
    entry.previous = this.#last;
    if (this.#last === null) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
    this.#entries.set(waiter, entry);
  }

  /** Takes the oldest out; null when there is none. */
  shift(): StreamWaiter | null {
    const entry = this.#first;
    if (entry === null) return null;
    this.#unlink(entry);
    return entry.waiter;
  }

  /** Takes `waiter` out; false when it is not queued. */
  remove(waiter: StreamWaiter): boolean {
    const entry = this.#entries.get(waiter);
    if (entry === undefined) return false;
    this.#unlink(entry);
    return true;
  }

  #unlink(entry: Entry): void {
    this.#entries.delete(entry.waiter);
    if (entry.previous === null) this.#first = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next === null) this.#last = entry.previous;
    else entry.next.previous = entry.previous;
  }
}
