// The first process of a line, for those that follow it: it starts them, so that whoever watches the
// proxy sees one process from beginning to end; passes on signals; and ends as the last one ends.

import type { FromSuccessor, Launch, Successor, ToSuccessor } from './messages.ts';
import { type FromOffspring, Offspring } from './offspring.ts';

/** One per process that has no ancestor. */
export class Lineage {
  /** Serves now; null: this process does. */
  #current: Offspring | null = null;
  /** Started and not adopted yet. */
  #heir: Offspring | null = null;
  /** Served before, and end what they have begun. */
  readonly #retiring = new Set<Offspring>();
  /** The process that serves has ended, and with it the line. */
  onEnded: ((status: number) => void) | null = null;
  /** One that served before has ended, and no other one is left. */
  onAllRetired: (() => void) | null = null;

  /** True once another process serves. */
  get hasSuccessor(): boolean {
    return this.#current !== null;
  }

  /** True while some process that served before ends what it has begun. */
  get isRetiring(): boolean {
    return this.#retiring.size > 0;
  }

  /** Starts a process that is to follow this one. */
  launch(launch: Launch): Successor {
    const heir = this.#start(launch);
    const successor: Successor = {
      send: (message, handle) => this.#toHeir(heir, message, handle ?? null),
      kill: () => this.#kill(heir),
      adopt: () => this.#adopt(heir),
      onMessage: null,
      onEnded: null,
    };
    heir.onMessage = (message) => successor.onMessage?.(message as FromSuccessor);
    heir.onEnded = (reason) => successor.onEnded?.(reason);
    return successor;
  }

  /** Passes a signal on to who serves; `toAll`: to those that are ending as well. */
  signal(signal: NodeJS.Signals, toAll: boolean): void {
    this.#current?.signal(signal);
    if (!toAll) return;
    for (const child of this.#retiring) child.signal(signal);
  }

  /** The line ends: nobody is to follow any more. */
  forgetHeir(): void {
    this.#heir?.signal('SIGKILL');
  }

  #start(launch: Launch): Offspring {
    const heir = new Offspring(launch);
    this.#heir = heir;
    return heir;
  }

  #kill(heir: Offspring): void {
    heir.signal('SIGKILL');
    if (this.#heir === heir) this.#heir = null;
  }

  /** What is left to say to one that was followed itself meanwhile, its own successor hears. */
  #toHeir(heir: Offspring, message: ToSuccessor, handle: object | null): Promise<void> {
    return (this.#heir === heir ? heir : this.#current)?.send(message, handle) ?? Promise.resolve();
  }

  #adopt(heir: Offspring): void {
    const before = this.#current;
    if (before !== null) this.#retiring.add(before);
    this.#current = heir;
    if (this.#heir === heir) this.#heir = null;
    heir.onMessage = (message, handle) => this.#onMessage(heir, message, handle);
    heir.onEnded = (_reason, status) => this.#onEnded(heir, status);
  }

  #onEnded(child: Offspring, status: number): void {
    const wasRetiring = this.#retiring.delete(child);
    if (wasRetiring && this.#retiring.size === 0) this.onAllRetired?.();
    if (child === this.#current) this.onEnded?.(status);
  }

  /** From a process that served, or serves: it hands over in its turn. */
  #onMessage(child: Offspring, message: FromOffspring, handle: object | null): void {
    switch (message.kind) {
      case 'launch':
        this.#launchFor(child, message.launch);
        return;
      case 'for-successor':
        void this.#relay(message.message, handle);
        return;
      case 'adopt-successor':
        if (this.#heir !== null) this.#adopt(this.#heir);
        return;
      case 'kill-successor':
        if (this.#heir !== null) this.#kill(this.#heir);
        return;
      default:
        return;
    }
  }

  #launchFor(child: Offspring, launch: Launch): void {
    const heir = this.#start(launch);
    heir.onMessage = (message) =>
      void child.send({ kind: 'from-successor', message: message as FromSuccessor });
    heir.onEnded = (reason) => void child.send({ kind: 'successor-ended', reason });
  }

  async #relay(message: ToSuccessor, handle: object | null): Promise<void> {
    await (this.#heir ?? this.#current)?.send(message, handle);
    // What it is given is its own: this process keeps no copy.
    (handle as { close?: () => void } | null)?.close?.();
  }
}
