// Supplies the configuration of a filter by its name (ECDS), to all chains that want it by that name.
import type { Message } from '@bufbuild/protobuf';
import type { TypedExtensionConfig } from '../../api/gen/envoy/config/core/v3/extension_pb.js';
import { typeIn } from '../../config/schema/open-any.ts';
import { EXTENSIONS } from '../../filters/extensions.ts';
import type { FilterKind, FilterRef } from '../../model/config-source.ts';
import { FILTER_KINDS, misfit } from '../../model/discovered-filter.ts';
import type { ExtensionDefinition } from '../../model/extension.ts';
import type { Counter } from '../../stats/metrics.ts';
import { TYPE_URLS } from '../../xds/resource-types.ts';
import type { KeeperSink, Need, Supply } from '../need-keeper.ts';
import { type ConfigSupplyParts, SourceSupply } from './supply-from-source.ts';

const DEFINITIONS: Readonly<Record<FilterKind, readonly ExtensionDefinition[]>> = {
  'http-filter': EXTENSIONS.httpFilters,
  'network-filter': EXTENSIONS.networkFilters,
  'listener-filter': EXTENSIONS.listenerFilters,
};

/** See the file's head. */
export class FilterSupply implements Supply {
  readonly #supply: SourceSupply;
  /** How every chain refers to it. */
  readonly #refs: () => readonly FilterRef[];
  /** Those that were looked at when they came. */
  readonly #known = new WeakSet<Need>();
  readonly #reloads: Counter;
  readonly #failures: Counter;
  readonly #conflicts: Counter;
  /** Full name of the type in use; '' : none is. */
  #typeName = '';
  /** Of the version before it. */
  #typeNameBefore = '';

  constructor(
    ref: FilterRef,
    sink: KeeperSink<Message>,
    parts: ConfigSupplyParts & { readonly refs: () => readonly FilterRef[] },
  ) {
    const { name, kind, source } = ref;
    const scope = parts.stats.scope(`extension_config_discovery.${FILTER_KINDS[kind]}.${name}`);
    this.#refs = parts.refs;
    this.#known.add(ref);
    this.#reloads = scope.counter('config_reload');
    this.#failures = scope.counter('config_fail');
    this.#conflicts = scope.counter('config_conflict');
    this.#supply = new SourceSupply({
      ...{ typeUrl: TYPE_URLS.extension, name, from: source, stats: scope },
      sourceOf: parts.sourceOf,
      onUnusable: parts.onUnusable,
      sink: {
        onValue: (message, version) => {
          const refusal = sink.onValue(message, version);
          if (refusal === '') this.#onUsed(message as TypedExtensionConfig);
          return refusal;
        },
        onGivenUp: (reason) => sink.onGivenUp(reason),
      },
      precheck: (message) => this.#misfit(message as TypedExtensionConfig),
      unexpected: (other) => `Unexpected resource name in ExtensionConfigDS response: ${other}`,
      onRemoved: () => {
        this.#typeName = '';
        this.#typeNameBefore = '';
        this.#reloads.inc();
        sink.onWithdrawn();
      },
      onFailed: () => this.#failures.inc(),
    });
  }

  /** The version before the last one is in use again. */
  refuse(reason: string): void {
    this.#typeName = this.#typeNameBefore;
    this.#failures.inc();
    this.#supply.refuse(reason);
  }

  close(): void {
    this.#supply.close();
  }

  /** Envoy: what is in use is not applied where it does not fit. */
  join(need: Need): void {
    if (this.#known.has(need)) return;
    this.#known.add(need);
    if (this.#typeName === '') return;
    if (misfitAt(this.#typeName, need as FilterRef) !== '') this.#conflicts.inc();
  }

  #onUsed({ typedConfig }: TypedExtensionConfig): void {
    this.#typeNameBefore = this.#typeName;
    this.#typeName = typeIn(typedConfig);
    this.#reloads.inc();
  }

  /** It has to fit wherever it is wanted: otherwise it is used nowhere. */
  #misfit({ typedConfig }: TypedExtensionConfig): string {
    if (typedConfig === undefined) return '';
    const typeName = typeIn(typedConfig);
    for (const ref of this.#refs()) {
      const reason = misfitAt(typeName, ref);
      if (reason !== '') return reason;
    }
    return '';
  }
}

function misfitAt(typeName: string, ref: FilterRef): string {
  const found = DEFINITIONS[ref.kind].find(({ schema }) => schema.typeName === typeName);
  return misfit(typeName, found ?? null, ref);
}
