// Subsets of a cluster's hosts: lb_subset_config and subset.v3.Subset, which have the same fields.
import type { JsonObject } from '@bufbuild/protobuf';
import type { CompileContext } from '../../model/extension.ts';
import type { SubsetSelectorConfig, SubsetsConfig } from '../../model/load-balancing.ts';

/** Fields of both forms; the numbers of enum values are the same in both. */
interface SubsetsFields {
  readonly fallbackPolicy: number;
  readonly defaultSubset?: JsonObject | undefined;
  readonly subsetSelectors: readonly SelectorFields[];
  readonly localityWeightAware: boolean;
  readonly scaleLocalityWeight: boolean;
  readonly panicModeAny: boolean;
  readonly listAsAny: boolean;
  readonly metadataFallbackPolicy: number;
  /** Only the extension has it. */
  readonly allowRedundantKeys?: boolean;
}

interface SelectorFields {
  readonly keys: readonly string[];
  readonly singleHostPerSubset: boolean;
  readonly fallbackPolicy: number;
  readonly fallbackKeysSubset: readonly string[];
}

const FALLBACKS = ['none', 'any-endpoint', 'default-subset'] as const;
const SELECTOR_FALLBACKS = [
  'not-defined',
  'none',
  'any-endpoint',
  'default-subset',
  'keys-subset',
] as const;

/** Compiles the fields of both messages. */
export function compileSubsets(message: SubsetsFields, context: CompileContext): SubsetsConfig {
  return {
    fallback: FALLBACKS[message.fallbackPolicy] ?? 'none',
    defaultSubset: structuredClone(message.defaultSubset ?? {}),
    selectors: message.subsetSelectors.map((selector, index) =>
      compileSelector(selector, context.at(`subset_selectors[${index}]`)),
    ),
    allowsRedundantKeys: message.allowRedundantKeys ?? false,
    isLocalityWeightAware: message.localityWeightAware,
    scalesLocalityWeight: message.scaleLocalityWeight,
    panicModeAny: message.panicModeAny,
    listAsAny: message.listAsAny,
    triesFallbackList: message.metadataFallbackPolicy === 1,
  };
}

function compileSelector(message: SelectorFields, context: CompileContext): SubsetSelectorConfig {
  const keys = [...new Set(message.keys)].sort();
  const fallbackKeys = [...new Set(message.fallbackKeysSubset)].sort();
  const fallback = SELECTOR_FALLBACKS[message.fallbackPolicy] ?? 'not-defined';
  const field = 'fallback_keys_subset';
  if (fallback !== 'keys-subset') {
    if (fallbackKeys.length > 0) {
      context.reject(field, `${field} can be set only for KEYS_SUBSET fallback_policy`);
    }
  } else if (fallbackKeys.length === 0) {
    context.reject(field, `${field} cannot be empty`);
  } else if (!fallbackKeys.every((key) => keys.includes(key))) {
    context.reject(field, `${field} must be a subset of selector keys`);
  } else if (fallbackKeys.length === keys.length) {
    context.reject(field, `${field} cannot be equal to keys`);
  }
  if (message.singleHostPerSubset && keys.length !== 1) {
    const rule = 'single_host_per_subset requires exactly one key';
    context.reject('keys', `subset_lb selector: ${rule}, there are ${keys.length}`);
  }
  return { keys, singleHostPerSubset: message.singleHostPerSubset, fallback, fallbackKeys };
}
