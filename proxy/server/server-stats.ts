// `server.*`: what the process as a whole counts and measures.

import type { ServerState } from '../admin/backend.ts';
import type { Counter, Gauge, Histogram, StatsScope } from '../stats/metrics.ts';

/** Envoy's numbers of server_info.state. */
const STATE_NUMBERS: Readonly<Record<ServerState, number>> = {
  LIVE: 0,
  DRAINING: 1,
  PRE_INITIALIZING: 2,
  INITIALIZING: 3,
};

/** What Envoy says where there is no certificate: less would alarm somebody. */
const NEVER_EXPIRES = 2 ** 32 - 1;

/** Cells that Envoy has and that stay 0 here: scrapers and dashboards look for them. */
const ZERO_GAUGES = [
  'seconds_until_first_ocsp_response_expiring',
  'stats_recent_lookups',
  'compilation_settings.fips_mode',
  'version',
];
const ZERO_COUNTERS = [
  'debug_assertion_failures',
  'envoy_bug_failures',
  'envoy_notifications',
  'static_unknown_fields',
  'dynamic_unknown_fields',
  'wip_protos',
  'dropped_stat_flushes',
  'main_thread.watchdog_mega_miss',
  'main_thread.watchdog_miss',
];
/** The same outside of `server.` */
const ZERO_ROOT_COUNTERS = [
  'main_thread.watchdog_mega_miss',
  'main_thread.watchdog_miss',
  'workers.watchdog_mega_miss',
  'workers.watchdog_miss',
];

/** What is measured when somebody asks. */
export interface Measured {
  readonly state: ServerState;
  readonly uptimeMs: number;
  /** Of processes that served before this one. */
  readonly parentConnections: number;
  /** Whole days until the first certificate in use expires; null: there is none. */
  readonly daysUntilExpiry: number | null;
}

/** The cells; gauges that are measured are brought up to date by `refresh`. */
export class ServerStats {
  readonly initializationTimeMs: Histogram;
  /** Workers that died and were replaced; Envoy has no such thing. */
  readonly workerDeaths: Counter;
  /** Reloads of the configuration file, and those that were refused. */
  readonly reloadSuccess: Counter;
  readonly reloadRejected: Counter;
  /** Versions of resources that were accepted, and that workers could not use or died over. */
  readonly resourcesTakenBack: Counter;
  readonly #daysUntilExpiry: Gauge;
  readonly #uptime: Gauge;
  readonly #parentConnections: Gauge;
  readonly #live: Gauge;
  readonly #state: Gauge;
  readonly #memoryAllocated: Gauge;
  readonly #memoryHeapSize: Gauge;
  readonly #memoryPhysicalSize: Gauge;

  constructor(root: StatsScope, concurrency: number, restartEpoch: number) {
    const server = root.scope('server.');
    for (const name of ZERO_GAUGES) server.gauge(name);
    for (const name of ZERO_COUNTERS) server.counter(name);
    for (const name of ZERO_ROOT_COUNTERS) root.counter(name);
    for (let index = 0; index < concurrency; index += 1) {
      server.counter(`worker_${index}.watchdog_mega_miss`);
      server.counter(`worker_${index}.watchdog_miss`);
    }
    this.#daysUntilExpiry = server.gauge('days_until_first_cert_expiring');
    server.gauge('concurrency').set(concurrency);
    server.gauge('hot_restart_epoch').set(restartEpoch);
    this.initializationTimeMs = server.histogram('initialization_time_ms', 'ms');
    this.workerDeaths = server.counter('worker_deaths');
    this.reloadSuccess = server.counter('config_reload_success');
    this.reloadRejected = server.counter('config_reload_rejected');
    // As Envoy, 1 for a process that follows nobody.
    server.gauge('hot_restart_generation').set(restartEpoch + 1);
    this.#parentConnections = server.gauge('parent_connections');
    this.resourcesTakenBack = server.counter('resources_taken_back');
    this.#uptime = server.gauge('uptime');
    this.#live = server.gauge('live');
    this.#state = server.gauge('state');
    this.#memoryAllocated = server.gauge('memory_allocated');
    this.#memoryHeapSize = server.gauge('memory_heap_size');
    this.#memoryPhysicalSize = server.gauge('memory_physical_size');
  }

  /** Measures what is measured; called before statistics are read. */
  refresh({ state, uptimeMs, parentConnections, daysUntilExpiry }: Measured): void {
    const memory = process.memoryUsage();
    this.#parentConnections.set(parentConnections);
    this.#uptime.set(Math.floor(uptimeMs / 1000));
    this.#daysUntilExpiry.set(daysUntilExpiry ?? NEVER_EXPIRES);
    this.#live.set(state === 'LIVE' ? 1 : 0);
    this.#state.set(STATE_NUMBERS[state]);
    this.#memoryAllocated.set(memory.heapUsed + memory.external);
    this.#memoryHeapSize.set(memory.heapTotal + memory.external);
    this.#memoryPhysicalSize.set(memory.rss);
  }
}
