// Reading the bootstrap again, one time after the other: two signals in a row must not apply out of
// order.
import type { Logger } from '../base/log.ts';
import type { Configuration } from './configuration.ts';
import type { Publisher } from './publisher.ts';
import type { ServerStats } from './server-stats.ts';

/** What reloading works with. */
export interface ReloadsParts {
  readonly configuration: Configuration;
  readonly publisher: Publisher;
  readonly stats: ServerStats;
  readonly log: Logger;
  /** What was published serves. */
  readonly onReloaded: () => void;
}

/** One per process. */
export class Reloads {
  readonly #parts: ReloadsParts;
  #last: Promise<boolean> = Promise.resolve(true);

  constructor(parts: ReloadsParts) {
    this.#parts = parts;
  }

  /** False: the configuration is refused, and the last good one stays. */
  run(): Promise<boolean> {
    this.#last = this.#last
      .then(() => this.#run())
      .catch((error: unknown) => {
        // A bug of ours; what serves is whole, so it goes on serving.
        this.#parts.log.log('critical', `reloading failed: ${String(error)}`);
        return false;
      });
    return this.#last;
  }

  async #run(): Promise<boolean> {
    const { configuration, publisher, stats, log, onReloaded } = this.#parts;
    const update = await configuration.reload();
    if (update === null) {
      stats.reloadRejected.inc();
      return false;
    }
    await publisher.publish(update, configuration.version);
    onReloaded();
    stats.reloadSuccess.inc();
    log.log('info', 'configuration reloaded', {
      changed: update.upserted.length,
      removed: update.removed.length,
    });
    return true;
  }
}
