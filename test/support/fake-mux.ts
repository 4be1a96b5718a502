// A mux with time that passes when a test says so and a server without sockets.
import { create } from '@bufbuild/protobuf';
import { NodeSchema } from '../../proxy/api/gen/envoy/config/core/v3/base_pb.js';
import type { LogLevel } from '../../proxy/base/log.ts';
import { StatsStore } from '../../proxy/stats/store.ts';
import {
  ALL_NAMES,
  type DiscoverySubscription,
  type OpenSource,
} from '../../proxy/xds/discovery.ts';
import { type MuxParts, openMux } from '../../proxy/xds/mux.ts';
import { AGGREGATED_METHODS } from '../../proxy/xds/resource-types.ts';
import { DiscoveryLog } from './discovery-log.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeXdsServer } from './fake-xds-server.ts';
import { seededRandom } from './seeded-random.ts';

/** See the file's head. */
export class FakeMux {
  readonly clock = new FakeClock();
  readonly server = new FakeXdsServer();
  readonly stats = new StatsStore(null);
  readonly lines: string[] = [];
  readonly mux: OpenSource;

  constructor(changes: Partial<MuxParts> = {}) {
    const isIncremental = changes.isIncremental ?? false;
    this.mux = openMux({
      servers: [this.server],
      method: AGGREGATED_METHODS[isIncremental ? 'incremental' : 'stateOfWorld'],
      backOff: { baseMs: 500, maxMs: 30_000 },
      clock: this.clock,
      timers: this.clock.timers,
      random: seededRandom(1),
      log: {
        enabled: () => true,
        log: (level: LogLevel, message: string) => this.lines.push(`${level} ${message}`),
      },
      isIncremental,
      node: create(NodeSchema, { id: 'node', cluster: 'test' }),
      saysNodeOnce: true,
      rate: null,
      stats: this.stats,
      ...changes,
    });
  }

  /** Subscribes and says what it was told; no names: everything. */
  watch(typeUrl: string, names: readonly string[] = [ALL_NAMES], fetchTimeoutMs = 0): Watcher {
    const log = new DiscoveryLog();
    const request = { typeUrl, names: new Set(names), fetchTimeoutMs };
    const stats = this.stats.scope('watch');
    const subscription = this.mux.subscribe({ ...request, stats }, log);
    return Object.assign(log, { subscription });
  }

  counter(name: string): number {
    return this.stats.snapshot().counters[name] ?? -1;
  }

  gauge(name: string): number {
    return this.stats.snapshot().gauges[name] ?? -1;
  }
}

/** A log that knows its subscription. */
export type Watcher = DiscoveryLog & { readonly subscription: DiscoverySubscription };

/** Lets everything happen that was planned for the end of the turn. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
