// What an HTTP/2 codec needs around it, in a test's hands: time, chance, the end of a turn, cells.
import type { CodecServices, TurnTarget } from '../../proxy/http/codec.ts';
import type { GaugeCell, H2Counters } from '../../proxy/http/h2/counters.ts';
import { FakeClock } from './fake-clock.ts';
import { seededRandom } from './seeded-random.ts';

/** Services whose turns end when a test says so. */
export class FakeServices implements CodecServices {
  readonly clock: FakeClock;
  readonly random;
  #queue: TurnTarget[] = [];

  constructor(seed = 1) {
    this.clock = new FakeClock();
    this.random = seededRandom(seed);
  }

  get timers(): FakeClock['timers'] {
    return this.clock.timers;
  }

  nowMs(): number {
    return this.clock.nowMs();
  }

  flushLater(target: TurnTarget): void {
    this.#queue.push(target);
  }

  /** Ends the turn, and those that its end begins. */
  endTurn(): void {
    while (this.#queue.length > 0) {
      const queue = this.#queue;
      this.#queue = [];
      for (const target of queue) target.flush();
    }
  }
}

/** A cell that fails below 0. */
export class FakeCell implements GaugeCell {
  value = 0;

  inc(): void {
    this.value += 1;
  }

  add(amount: number): void {
    this.value += amount;
  }

  dec(): void {
    this.sub(1);
  }

  sub(amount: number): void {
    this.value -= amount;
    if (this.value < 0) throw new Error('a gauge fell below 0');
  }
}

/** Counters that a test can read. */
export type FakeH2Counters = { readonly [K in keyof H2Counters]: FakeCell };

/** A set of cells, all 0. */
export function fakeH2Counters(): FakeH2Counters {
  const names: readonly (keyof H2Counters)[] = [
    'droppedHeadersWithUnderscores',
    'requestsRejectedWithUnderscoresInHeaders',
    'goawaySent',
    'headerListSizeTooLarge',
    'headerOverflow',
    'headersCbNoStream',
    'inboundEmptyFramesFlood',
    'inboundPriorityFramesFlood',
    'inboundWindowUpdateFramesFlood',
    'keepaliveTimeout',
    'outboundControlFlood',
    'outboundFlood',
    'rxMessagingError',
    'rxReset',
    'trailers',
    'txFlushTimeout',
    'txReset',
    'streamRefusedErrors',
    'streamsActive',
    'pendingSendBytes',
    'deferredStreamClose',
    'outboundFramesActive',
    'outboundControlFramesActive',
  ];
  return Object.fromEntries(names.map((name) => [name, new FakeCell()])) as FakeH2Counters;
}

/** Values of the cells that are not 0. */
export function nonZero(counters: FakeH2Counters): Record<string, number> {
  const entries = Object.entries(counters).map(([name, cell]) => [name, cell.value] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== 0));
}
