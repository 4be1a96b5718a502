// The upstream side of a worker over fakes: connections in memory, one-letter codec, own time.
import { privateCells } from '../../proxy/base/cells/shared-cells.ts';
import { SILENT_LOG } from '../../proxy/base/log.ts';
import type { TurnTarget } from '../../proxy/http/codec.ts';
import { StatsStore } from '../../proxy/stats/store.ts';
import { SecretHub } from '../../proxy/tls/secret-hub.ts';
import type { UpstreamContext } from '../../proxy/upstream/upstream-context.ts';
import { FAKE_CODECS } from './fake-client-codec.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeConnector } from './fake-connector.ts';
import { seededRandom } from './seeded-random.ts';
import { testTlsServices } from './tls-services.ts';

/** What a test holds on to. */
export interface UpstreamFixture {
  readonly clock: FakeClock;
  readonly connector: FakeConnector;
  readonly stats: StatsStore;
  readonly context: UpstreamContext;
  /** Value of a counter or gauge; fails on an unknown name. */
  stat(name: string): number;
  /** Calls whoever wanted to be called at the end of the turn. */
  endTurn(): void;
}

/** A fresh fixture. */
export function upstreamFixture(seed = 1): UpstreamFixture {
  const clock = new FakeClock();
  const connector = new FakeConnector();
  const stats = new StatsStore(null);
  const random = seededRandom(seed);
  const turn: TurnTarget[] = [];
  const context: UpstreamContext = {
    clock,
    timers: clock.timers,
    random,
    connector,
    codecs: FAKE_CODECS,
    codecServices: {
      nowMs: () => clock.nowMs(),
      timers: clock.timers,
      random,
      flushLater: (target) => turn.push(target),
    },
    stats,
    healthReports: null,
    cells: privateCells(() => clock.nowMs()),
    secrets: new SecretHub(),
    tls: testTlsServices(),
    streaks: { onStreak: () => undefined },
    log: SILENT_LOG.logger('upstream'),
  };
  const stat = (name: string): number => {
    const { counters, gauges } = stats.snapshot();
    const value = counters[name] ?? gauges[name];
    if (value === undefined) throw new Error(`no counter or gauge is called ${name}`);
    return value;
  };
  const endTurn = (): void => {
    for (const target of turn.splice(0)) target.flush();
  };
  return { clock, connector, stats, context, stat, endTurn };
}
