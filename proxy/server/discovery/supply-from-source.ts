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

/** What supplies are made of. */
export interface ConfigSupplyParts {
  readonly sourceOf: (config: ConfigSourceConfig) => DiscoverySource;
  /** The root scope. */
  readonly stats: StatsScope;
  readonly onUnusable: RefusalNote;
  /** Whether a route table can be used as it is, and who tells more of its virtual hosts. */
  readonly checkRoutes: (message: Message) => CheckedRoutes;
}

/** null in `vhds`: the table has all of them itself. */
export type CheckedRoutes =
  | { readonly ok: true; readonly vhds: ConfigSourceConfig | null }
  | { readonly ok: false; readonly error: string };

/** Takes note of a refused version. */
export type RefusalNote = (details: string, version: string) => void;

/** What is supplied, and to whom. */
export interface SourceSupplyParts {
  readonly typeUrl: string;
  readonly name: string;
  readonly from: ConfigSourceConfig;
  readonly sourceOf: (config: ConfigSourceConfig) => DiscoverySource;
  /** Its own: released with it. */
  readonly stats: StatsScope | null;
  readonly sink: SupplySink<Message>;
  /** Why another resource than the one that was asked for is refused. */
  readonly unexpected: (name: string) => string;
  /** Looks at what came before anybody else does; answers why it is refused. Absent: nobody looks. */
  readonly precheck?: (message: Message) => string;
  /** The source says that there is none; absent: what was there stays in use. */
  readonly onRemoved?: () => void;
  /** An update came without it; absent: nobody counts that. */
  readonly onAbsent?: () => void;
  /** Something that came was refused, or nothing came; absent: nobody counts it. */
  readonly onFailed?: () => void;
  /** A version was refused without the sink; absent: nobody remembers. */
  readonly onUnusable?: RefusalNote;
}

/** Until it is closed. */
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
        parts.onFailed?.();
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
    this.#parts.stats?.release();
  }

  #onUpdate({ resources, removed }: DiscoveryUpdate): string {
    const { name, typeUrl, sink, unexpected, precheck } = this.#parts;
    const [resource] = resources;
    if (resource === undefined) {
      this.#onAbsent(removed.includes(name));
      return '';
    }
    if (resource.name !== name) return this.#refuse(unexpected(resource.name));
    const hash = contentHash(resource.content);
    if (hash === this.#hash) return '';
    const read = readDiscovered(resource.content, typeUrl, precheck);
    const refusal = read.ok ? sink.onValue(read.message, resource.version) : read.error;
    if (!read.ok) this.#parts.onUnusable?.(read.error, resource.version);
    if (refusal !== '') return this.#refuse(refusal);
    this.#hash = hash;
    return '';
  }

  /** As in Envoy, nobody waits for a better one. */
  #refuse(reason: string): string {
    this.#parts.onFailed?.();
    this.#parts.sink.onGivenUp(reason);
    return reason;
  }

  #onAbsent(isRemoved: boolean): void {
    const { sink, onAbsent, onRemoved } = this.#parts;
    onAbsent?.();
    if (isRemoved && onRemoved !== undefined) {
      this.#hash = '';
      onRemoved();
    }
    sink.onGivenUp('its source does not have it');
  }
}

/** Why nothing came, for the log. */
export const REASONS = {
  rejected: 'what its server sent is refused',
  'fetch-timeout': 'initial_fetch_timeout is over',
} as const;
