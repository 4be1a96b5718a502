// What the primary does beside serving resources: each thing is a service that takes part in the
// start, where it must, and ends with the process.

/** One thing that exists once per process. */
export interface PrimaryService {
  /** Before any cluster is looked for; what is awaited holds the start. */
  beforeClusters?(): Promise<void>;
  /**
   * Behind the clusters of the bootstrap whose hosts no server tells, and before all others: servers
   * can be reached. What is awaited holds the start.
   */
  behindPrimaryClusters?(): Promise<void>;
  /** Behind the clusters, before any listener is told to workers. */
  beforeListeners?(): Promise<void>;
  /** All workers serve. */
  onServing?(): void;
  /** Statistics are about to be read: what is measured is brought up to date. */
  beforeStats?(): void;
  /** The process ends; called whether it ever served or not. */
  stop(): void;
}

/** All services of a primary, in the order in which they start; they end in the reverse. */
export class PrimaryServices {
  readonly #all: PrimaryService[] = [];

  add(...services: readonly PrimaryService[]): void {
    this.#all.push(...services);
  }

  async beforeClusters(): Promise<void> {
    for (const service of this.#all) await service.beforeClusters?.();
  }

  async behindPrimaryClusters(): Promise<void> {
    await Promise.all(this.#all.map((service) => service.behindPrimaryClusters?.()));
  }

  async beforeListeners(): Promise<void> {
    for (const service of this.#all) await service.beforeListeners?.();
  }

  onServing(): void {
    for (const service of this.#all) service.onServing?.();
  }

  beforeStats(): void {
    for (const service of this.#all) service.beforeStats?.();
  }

  stop(): void {
    for (const service of this.#all.toReversed()) service.stop();
  }
}
