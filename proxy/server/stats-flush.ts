// Ends histogram intervals, and remembers what each worker counted in case it dies.
import type { Primary } from './primary.ts';
import type { PrimaryService } from './primary-services.ts';
import { runInSlices } from './run-in-slices.ts';

/** Bootstrap.stats_flush_interval */
export class StatsFlush implements PrimaryService {
  readonly #primary: Pick<Primary, 'configuration' | 'stats' | 'workforce' | 'options'>;
  #timer: NodeJS.Timeout | null = null;

  constructor(primary: Pick<Primary, 'configuration' | 'stats' | 'workforce' | 'options'>) {
    this.#primary = primary;
  }

  onServing(): void {
    const { statsFlushIntervalMs } = this.#primary.configuration.bootstrap;
    this.#timer = setInterval(() => this.#flush(), statsFlushIntervalMs).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #flush(): void {
    const { stats, workforce, options } = this.#primary;
    void runInSlices(stats.flushInterval());
    if (options.concurrency === 1) return;
    for (const peer of workforce.living()) void peer.ask('stats');
  }
}
