// The process's signals as commands. Envoy's meanings, except that SIGTERM and SIGINT drain first
// and SIGHUP reads the configuration file again.

/** What signals ask for. */
export interface SignalHandler {
  /** SIGTERM or SIGINT for the first time. */
  onTerminate(signal: NodeJS.Signals): void;
  /** Any SIGTERM or SIGINT after that. */
  onTerminateAgain(signal: NodeJS.Signals): void;
  /** SIGHUP */
  onReload(): void;
  /** SIGUSR1 */
  onReopenLogs(): void;
  /** SIGUSR2 */
  onReplaceWorkers(): void;
}

/** Listens to signals until `stop`. */
export class ProcessSignals {
  readonly #handler: SignalHandler;
  readonly #listeners: readonly (readonly [NodeJS.Signals, () => void])[];
  #terminating = false;

  constructor(handler: SignalHandler) {
    this.#handler = handler;
    this.#listeners = [
      ['SIGTERM', () => this.#onTerminate('SIGTERM')],
      ['SIGINT', () => this.#onTerminate('SIGINT')],
      ['SIGHUP', () => handler.onReload()],
      ['SIGUSR1', () => handler.onReopenLogs()],
      ['SIGUSR2', () => handler.onReplaceWorkers()],
    ];
    for (const [signal, listener] of this.#listeners) process.on(signal, listener);
  }

  stop(): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
  }

  #onTerminate(signal: NodeJS.Signals): void {
    if (this.#terminating) {
      this.#handler.onTerminateAgain(signal);
      return;
    }
    this.#terminating = true;
    this.#handler.onTerminate(signal);
  }
}
