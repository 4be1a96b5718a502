// Picks from the hosts whose metadata is what the route's metadata_match asks for; where there are
// none, fallback policies say who serves.
import type {
  SubsetPolicyConfig,
  SubsetSelectorConfig,
  SubsetsConfig,
} from '../../../model/load-balancing.ts';
import { loadBalancingMetadata } from '../../../model/load-balancing.ts';
import type { LoadBalancerContext } from '../../cluster-manager.ts';
import type { Host } from '../../host.ts';
import type { HostSet } from '../../host-set.ts';
import type { BalancerOptions, LoadBalancer } from '../load-balancer.ts';
import type { LoadBalancerStats } from '../load-balancer-stats.ts';
import { LocalitySizes } from './locality-sizes.ts';
import { Subset } from './subset.ts';
import { SubsetIndex } from './subset-index.ts';
import { hasFields, type MetadataFields, wantedSubset } from './subset-key.ts';

/** Envoy's name for lists of what to try in turn. */
const FALLBACK_LIST = 'fallback_list';
const NOTHING: MetadataFields = Object.freeze({});

/** Makes the balancer inside a subset. */
export type InnerBalancer = (hostSet: HostSet, options: BalancerOptions) => LoadBalancer;

/** What a metadata_match leads to. */
interface Choice {
  /** null: nobody is like that. */
  readonly subset: Subset | null;
  /** The selector with just these keys; null: there is none. */
  readonly selector: SubsetSelectorConfig | null;
  /** The match without what the selector's fallback does not look at. */
  readonly reduced: MetadataFields;
}

/** See the file's head. */
export class SubsetBalancer implements LoadBalancer {
  readonly #config: SubsetsConfig;
  readonly #stats: LoadBalancerStats;
  readonly #index: SubsetIndex;
  readonly #any: Subset;
  readonly #default: Subset;
  /** Matches are values of routes: the same objects again and again. */
  readonly #choices = new WeakMap<MetadataFields, Choice>();

  /** `previous`: what served until now, for the counters of subsets. */
  constructor(
    hostSet: HostSet,
    options: BalancerOptions & { readonly config: SubsetPolicyConfig },
    parts: { readonly inner: InnerBalancer; readonly previous: LoadBalancer | null },
  ) {
    const { subsets, inner } = options.config;
    this.#config = subsets;
    this.#stats = options.stats;
    const sizes = new LocalitySizes(hostSet, subsets);
    const { weightOf: localityWeight } = sizes;
    const innerOptions = { ...options, config: inner, localityWeight };
    const make = (hosts: readonly Host[]): LoadBalancer => {
      const own = hosts.length === hostSet.hosts.length ? hostSet : hostSet.subset(hosts);
      return parts.inner(own, innerOptions);
    };
    this.#index = new SubsetIndex(hostSet, subsets, make);
    this.#any = new Subset(make);
    this.#default = new Subset(make);
    for (const host of hostSet.hosts) {
      this.#any.hosts.push(host);
      if (this.#isDefault(host)) this.#default.hosts.push(host);
    }
    this.#count(parts.previous instanceof SubsetBalancer ? parts.previous.#index : null);
  }

  pick(context: LoadBalancerContext): Host | null {
    const match = context.metadataMatch ?? NOTHING;
    const list = this.#config.triesFallbackList ? match[FALLBACK_LIST] : undefined;
    if (list === undefined) return this.#pick(match, context);
    return this.#pickFromList(match, Array.isArray(list) ? list : [], context);
  }

  #pick(match: MetadataFields, context: LoadBalancerContext): Host | null {
    const { subset, selector, reduced } = this.#choose(match);
    if (subset !== null) {
      this.#stats.subsetsSelected.inc();
      return subset.pick(context);
    }
    switch (selector?.fallback) {
      case 'none':
        return null;
      case 'any-endpoint':
        return this.#any.pick(context);
      case 'default-subset':
        return this.#default.pick(context);
      case 'keys-subset':
        return this.#pick(reduced, context);
      default:
        return this.#fallBack(context);
    }
  }

  /** The cluster's own fallback. */
  #fallBack(context: LoadBalancerContext): Host | null {
    const { fallback, panicModeAny } = this.#config;
    if (fallback === 'none') return null;
    const subset = fallback === 'any-endpoint' ? this.#any : this.#default;
    const found = subset.pick(context);
    if (found !== null) {
      this.#stats.subsetsFallback.inc();
      return found;
    }
    if (!panicModeAny) return null;
    const host = this.#any.pick(context);
    if (host !== null) this.#stats.subsetsFallbackPanic.inc();
    return host;
  }

  /** metadata_fallback_policy FALLBACK_LIST: the first of these that leads to a host. */
  #pickFromList(
    match: MetadataFields,
    list: readonly unknown[],
    context: LoadBalancerContext,
  ): Host | null {
    const { [FALLBACK_LIST]: _, ...plain } = match;
    if (list.length === 0) return this.#pick(plain, context);
    for (const each of list) {
      const host = this.#pick({ ...plain, ...(each as MetadataFields) }, context);
      if (host !== null) return host;
    }
    return null;
  }

  #choose(match: MetadataFields): Choice {
    const known = this.#choices.get(match);
    if (known !== undefined) return known;
    const selector = this.#selectorFor(match);
    const choice = {
      subset: selector === null ? null : this.#subsetFor(selector, match),
      selector,
      reduced: selector === null ? NOTHING : only(match, selector.fallbackKeys),
    };
    this.#choices.set(match, choice);
    return choice;
  }

  #subsetFor({ keys }: SubsetSelectorConfig, match: MetadataFields): Subset | null {
    const key = wantedSubset(keys, match);
    return key === null ? null : (this.#index.get(key) ?? null);
  }

  /** The keys of the match, all of them; or with redundant ones, the most keys that it has. */
  #selectorFor(match: MetadataFields): SubsetSelectorConfig | null {
    const count = Object.keys(match).length;
    let best: SubsetSelectorConfig | null = null;
    for (const selector of this.#config.selectors) {
      const { keys } = selector;
      if (keys.length > count || (best !== null && keys.length <= best.keys.length)) continue;
      if (keys.length < count && !this.#config.allowsRedundantKeys) continue;
      if (keys.every((key) => Object.hasOwn(match, key))) best = selector;
    }
    return best;
  }

  #isDefault({ endpoint }: Host): boolean {
    const { defaultSubset, listAsAny } = this.#config;
    return hasFields(loadBalancingMetadata(endpoint.metadata), defaultSubset, listAsAny);
  }

  #count(previous: SubsetIndex | null): void {
    const index = this.#index;
    this.#stats.subsetsActive.set(index.size);
    this.#stats.subsetsCreated.add(previous === null ? index.size : index.missingIn(previous));
    this.#stats.subsetsRemoved.add(previous?.missingIn(index) ?? 0);
    this.#stats.singleHostDuplicates().set(index.duplicates);
  }
}

function only(fields: MetadataFields, keys: readonly string[]): MetadataFields {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => keys.includes(key)));
}
