// A subscriber that writes down what it is told and refuses what the test wants refused.
import type {
  DiscoveryFailure,
  DiscoverySink,
  DiscoveryUpdate,
} from '../../proxy/xds/discovery.ts';

/** Strict about nothing: tests compare what it has. */
export class DiscoveryLog implements DiscoverySink {
  readonly updates: DiscoveryUpdate[] = [];
  readonly failures: DiscoveryFailure[] = [];
  /** Answer to the next updates. */
  refusal = '';
  onEach: (update: DiscoveryUpdate) => void = () => undefined;

  onUpdate(update: DiscoveryUpdate): string {
    this.updates.push(update);
    this.onEach(update);
    return this.refusal;
  }

  onFailure(failure: DiscoveryFailure): void {
    this.failures.push(failure);
  }

  get last(): DiscoveryUpdate {
    const update = this.updates.at(-1);
    if (update === undefined) throw new Error('nothing was told');
    return update;
  }

  /** Names of each update: `a b`, removed ones with a minus. */
  get told(): string[] {
    return this.updates.map(({ removed, resources }) =>
      [...resources.map(({ name }) => name), ...removed.map((name) => `-${name}`)].join(' '),
    );
  }
}
