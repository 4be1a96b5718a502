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
  /** Of what a reload would read now; '' when that cannot be told. */
  readonly sourceVersion: () => string;
  /** What was published serves. */
  readonly onReloaded: () => void;
}

/** One per process. */
export class Reloads {
  readonly #parts: ReloadsParts;
  #last: Promise<boolean> = Promise.resolve(true);
  /** Of what was read last, good or bad. */
  #triedVersion: string;

  constructor(parts: ReloadsParts) {
    this.#parts = parts;
    this.#triedVersion = parts.configuration.version;
  }

  /** False: the configuration is refused, and the last good one stays. */
  run(): Promise<boolean> {
    return this.#inTurn(() => this.#run());
  }

  /** The same, unless it says what it said when it was read last. */
  runIfChanged(): Promise<boolean> {
    return this.#inTurn(async () => {
      const version = this.#parts.sourceVersion();
      return version === '' || version === this.#triedVersion ? true : this.#run();
    });
  }

  #inTurn(action: () => Promise<boolean>): Promise<boolean> {
    this.#last = this.#last.then(action).catch((error: unknown) => {
      // A bug of ours; what serves is whole, so it goes on serving.
      this.#parts.log.log('critical', `reloading failed: ${String(error)}`);
      return false;
    });
    return this.#last;
  }

  async #run(): Promise<boolean> {
    const { configuration, publisher, stats, log, onReloaded, sourceVersion } = this.#parts;
    // Before it is read: what changes meanwhile is another version.
    this.#triedVersion = sourceVersion();
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
