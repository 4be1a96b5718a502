// Layers of the runtime that servers tell (RTDS): asked for before clusters and listeners, which
// read the runtime, and followed from then on.
import type { Runtime } from '../../api/gen/envoy/service/runtime/v3/rtds_pb.js';
import { compileRuntime } from '../../config/compile/runtime-layers.ts';
import { ProblemSink } from '../../config/schema/compile-context.ts';
import type { ConfigSourceConfig } from '../../model/config-source.ts';
import type { CompileEnvironment } from '../../model/extension.ts';
import type { RtdsLayerConfig, RuntimeEntry, RuntimeLayerConfig } from '../../model/runtime.ts';
import type { StatsScope } from '../../stats/metrics.ts';
import type {
  DiscoveredResource,
  DiscoverySource,
  DiscoverySubscription,
  DiscoveryUpdate,
} from '../../xds/discovery.ts';
import { TYPE_URLS } from '../../xds/resource-types.ts';
import type { PrimaryService } from '../primary-services.ts';
import { readDiscovered } from './discovered-message.ts';

/** What they work with. */
export interface RtdsLayersParts {
  /** Of the bootstrap; those that no server tells are left alone. */
  readonly layers: readonly RuntimeLayerConfig[];
  readonly sourceOf: (config: ConfigSourceConfig) => DiscoverySource;
  readonly environment: CompileEnvironment;
  /** `runtime.`, where all of them count, as in Envoy. */
  readonly stats: StatsScope;
  /** All that the layer of this name has from now on. */
  readonly onLayer: (name: string, entries: ReadonlyMap<string, RuntimeEntry>) => void;
}

/** One per process. */
export class RtdsLayers implements PrimaryService {
  readonly #parts: RtdsLayersParts;
  readonly #subscriptions: DiscoverySubscription[] = [];

  constructor(parts: RtdsLayersParts) {
    this.#parts = parts;
  }

  /** Asks for all; resolves when each was answered, well or not, or will not be in time. */
  async behindPrimaryClusters(): Promise<void> {
    const { layers } = this.#parts;
    await Promise.all(
      layers.flatMap(({ name, rtds }) => (rtds === undefined ? [] : [this.#ask(name, rtds)])),
    );
  }

  stop(): void {
    for (const subscription of this.#subscriptions.splice(0)) subscription.close();
  }

  #ask(layer: string, { name, source }: RtdsLayerConfig): Promise<void> {
    const { sourceOf, stats } = this.#parts;
    const { fetchTimeoutMs } = source;
    const request = { typeUrl: TYPE_URLS.runtime, names: new Set([name]), fetchTimeoutMs, stats };
    return new Promise((resolve) => {
      const subscription = sourceOf(source).subscribe(request, {
        onUpdate: (update) => {
          const refusal = this.#take(layer, name, update);
          resolve();
          return refusal;
        },
        onFailure: (failure) => {
          // A server that cannot be reached is waited for until the time is over.
          if (failure !== 'connection') resolve();
        },
      });
      this.#subscriptions.push(subscription);
    });
  }

  /** Envoy's words where it has them. */
  #take(layer: string, name: string, { resources, removed }: DiscoveryUpdate): string {
    const [resource] = resources;
    if (resources.length + removed.length !== 1) {
      return `Unexpected RTDS resource length, number of added recources ${resources.length}, number of removed recources ${removed.length}`;
    }
    if (resource !== undefined) return this.#read(layer, name, resource);
    if (removed[0] !== name) {
      return `Unexpected removal of unknown RTDS runtime layer ${removed[0]}, expected ${name}`;
    }
    this.#parts.onLayer(layer, new Map());
    return '';
  }

  #read(layer: string, name: string, { content }: DiscoveredResource): string {
    const read = readDiscovered(content, TYPE_URLS.runtime);
    if (!read.ok) return read.error;
    const runtime = read.message as Runtime;
    if (runtime.name !== name) {
      return `Unexpected RTDS runtime (expecting ${name}): ${runtime.name}`;
    }
    const sink = new ProblemSink(this.#parts.environment, `runtime/${name}`);
    const entries = compileRuntime(runtime, sink.context());
    if (entries === null) return sink.rejections.map(({ reason }) => reason).join('; ');
    this.#parts.onLayer(layer, entries);
    return '';
  }
}
