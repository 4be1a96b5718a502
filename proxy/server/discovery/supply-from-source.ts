// Supplies one resource by its name out of a source.
import type { Message } from '@bufbuild/protobuf';
import type { ConfigSourceConfig } from '../../model/config-source.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import type {
  DiscoverySource,
  DiscoverySubscription,
  DiscoveryUpdate,
} from '../../xds/discovery.ts';
import type { Supply, SupplySink } from '../need-keeper.ts';
import { contentHash, readDiscovered } from './discovered-message.ts';

/** What is supplied, and to whom. */
export interface SourceSupplyParts {
  readonly typeUrl: string;
  readonly name: string;
  readonly from: ConfigSourceConfig;
  readonly sourceOf: (config: ConfigSourceConfig) => DiscoverySource;
  readonly stats: StatsScope | null;
  readonly sink: SupplySink<Message>;
  /** Why another resource than the one that was asked for is refused. */
  readonly unexpected: (name: string) => string;
}

/** Until it is closed. What the source withdraws stays in use, as in Envoy. */
export class SourceSupply implements Supply {
  readonly #parts: SourceSupplyParts;
  readonly #subscription: DiscoverySubscription;
  /** Of the version in use. */
  #hash = '';

  constructor(parts: SourceSupplyParts) {
    this.#parts = parts;
    const { typeUrl, name, from, stats } = parts;
    const request = { typeUrl, names: new Set([name]), fetchTimeoutMs: from.fetchTimeoutMs, stats };
    this.#subscription = parts.sourceOf(from).subscribe(request, {
      onUpdate: (update) => this.#onUpdate(update),
      onFailure: (failure) => {
        // A server that cannot be reached is waited for until the time is over.
        if (failure !== 'connection') parts.sink.onGivenUp(REASONS[failure]);
      },
    });
  }

  refuse(reason: string): void {
    this.#hash = '';
    this.#subscription.refuse([this.#parts.name], reason);
  }

  close(): void {
    this.#subscription.close();
  }

  #onUpdate({ resources }: DiscoveryUpdate): string {
    const { name, typeUrl, sink, unexpected } = this.#parts;
    const [resource] = resources;
    if (resource === undefined) {
      sink.onGivenUp('its source does not have it');
      return '';
    }
    if (resource.name !== name) return unexpected(resource.name);
    const hash = contentHash(resource.content);
    if (hash === this.#hash) return '';
    const read = readDiscovered(resource.content, typeUrl);
    const refusal = read.ok ? sink.onValue(read.message, resource.version) : read.error;
    if (refusal === '') this.#hash = hash;
    // As in Envoy, nobody waits for a better one.
    else sink.onGivenUp(refusal);
    return refusal;
  }
}

const REASONS = {
  rejected: 'what its server sent is refused',
  'fetch-timeout': 'initial_fetch_timeout is over',
} as const;
