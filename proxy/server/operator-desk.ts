// What operators change by the admin interface while the proxy runs: values of the runtime, failed
// health, levels of logs. It holds until they change it again, also for the process after this one.
import type { Logger, LogLevel } from '../base/log.ts';
import type { Health } from './health.ts';
import type { RuntimeDesk } from './runtime-desk.ts';
import type { AdjustableLog } from './worker.ts';
import type { Workforce } from './workforce.ts';

/** A change, or all of them together; absent: as it was. Plain JSON. */
export interface OperatorChange {
  /** Keys of the admin layer and their texts; '' takes a key away. */
  readonly runtime?: readonly (readonly [key: string, text: string])[];
  /** `/healthcheck/fail` and `/healthcheck/ok` */
  readonly isHealthFailed?: boolean;
  /** By component. */
  readonly logLevels?: Readonly<Record<string, LogLevel>>;
}

/** Who does what is asked for. */
export interface OperatorDeskPlace {
  readonly primary: {
    readonly health: Health;
    readonly runtime: RuntimeDesk;
    readonly workforce: Workforce;
    readonly log: Logger;
  };
  readonly log: AdjustableLog;
}

/** One per process that has a primary. */
export class OperatorDesk {
  readonly #place: OperatorDeskPlace;
  readonly #runtime = new Map<string, string>();
  #isHealthFailed = false;
  #logLevels: Readonly<Record<string, LogLevel>> = {};
  /** Hears each change, behind its effect. */
  onChange: ((change: OperatorChange) => void) | null = null;

  constructor(place: OperatorDeskPlace) {
    this.#place = place;
  }

  /** `/runtime_modify`; false: there is no layer for it. */
  modifyRuntime(changes: readonly (readonly [key: string, text: string])[]): boolean {
    if (!this.#place.primary.runtime.modify(changes)) return false;
    for (const [key, text] of changes) {
      if (text === '') this.#runtime.delete(key);
      else this.#runtime.set(key, text);
    }
    this.onChange?.({ runtime: changes });
    return true;
  }

  setHealthFailed(isFailed: boolean): void {
    const { health, workforce } = this.#place.primary;
    this.#isHealthFailed = isFailed;
    health.setFailed(isFailed);
    workforce.broadcast({ kind: 'fail-health-check', failed: isFailed });
    this.onChange?.({ isHealthFailed: isFailed });
  }

  setLogLevels(levels: Readonly<Record<string, LogLevel>>): void {
    this.#logLevels = { ...this.#logLevels, ...levels };
    this.#place.log.setLevels(levels);
    this.#place.primary.workforce.setLogLevels(levels);
    this.onChange?.({ logLevels: levels });
  }

  /** All that is changed now: what the next process begins with. */
  all(): OperatorChange {
    return {
      runtime: [...this.#runtime],
      isHealthFailed: this.#isHealthFailed,
      logLevels: this.#logLevels,
    };
  }

  /** What was changed in the process before this one; what it does not say stays as it is. */
  take({ runtime = [], isHealthFailed, logLevels = {} }: OperatorChange): void {
    if (Object.keys(logLevels).length > 0) this.setLogLevels(logLevels);
    if (isHealthFailed !== undefined && isHealthFailed !== this.#isHealthFailed) {
      this.setHealthFailed(isHealthFailed);
    }
    if (runtime.length === 0 || this.modifyRuntime(runtime)) return;
    const keys = runtime.map(([key]) => key).join(', ');
    this.#place.primary.log.log(
      'warning',
      `what /runtime_modify changed before the upgrade has no effect, there is no admin layer: ${keys}`,
    );
  }
}
