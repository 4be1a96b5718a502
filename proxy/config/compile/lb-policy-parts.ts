// What both forms of a load balancing policy have in common: the cluster's fields of old and the
// extensions.
import type { RuntimeDouble } from '../../api/gen/envoy/config/core/v3/base_pb.js';
import { LocalityLbConfig_ZoneAwareLbConfig_LocalityBasis as LocalityBasis } from '../../api/gen/envoy/extensions/load_balancing_policies/common/v3/common_pb.js';
import type { Percent } from '../../api/gen/envoy/type/v3/percent_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type {
  ConsistentHashingConfig,
  LeastRequestConfig,
  LocalityRulesConfig,
  MaglevConfig,
  RingHashConfig,
  SlowStartConfig,
} from '../../model/load-balancing.ts';
import type { RuntimeValues } from '../../model/runtime.ts';
import { type DurationField, durationMs } from './field-values.ts';
import { liveRecord, withLive } from './live-value.ts';
import { runtimeInteger } from './runtime-values.ts';

/** Envoy cluster.v3.Cluster.LeastRequestLbConfig.choice_count. */
export const DEFAULT_CHOICE_COUNT = 2;
/** Envoy cluster.v3.Cluster.LeastRequestLbConfig.active_request_bias: 0 ignores active requests. */
export const DEFAULT_ACTIVE_REQUEST_BIAS = 1;
/** Envoy cluster.v3.Cluster.CommonLbConfig.ZoneAwareLbConfig, which holds where nothing else is said. */
export const DEFAULT_LOCALITY = Object.freeze({
  kind: 'zone-aware' as const,
  routingEnabledPercent: 100,
  minClusterSize: 6,
  failsOnPanic: false,
  forcedLocalMinSize: null,
  basis: 'hosts' as const,
});
/** Envoy ZoneAwareLbConfig.ForceLocalZone.min_size. */
const DEFAULT_FORCED_MIN_SIZE = 1;
const ZONE_KEYS = 'upstream.zone_routing';
const NOT_WRITTEN: ZoneAwareFields = { failTrafficOnPanic: false };

const DEFAULT_MINIMUM_RING_SIZE = 1024;
const MAX_RING_SIZE = 8_388_608;
const DEFAULT_TABLE_SIZE = 65_537;
const DEFAULT_MIN_WEIGHT_PERCENT = 10;
const DEFAULT_AGGRESSION = 1;

/** The choice of locality_config_specifier, which both forms have. */
interface LocalityChoice {
  readonly case: string | undefined;
  readonly value?: unknown;
}

/** Fields of both forms of a ZoneAwareLbConfig. */
interface ZoneAwareFields {
  readonly routingEnabled?: Percent | undefined;
  readonly minClusterSize?: bigint | undefined;
  readonly failTrafficOnPanic: boolean;
  /** Only the extension has these. */
  readonly forceLocalityDirectRouting?: boolean;
  readonly forceLocalZone?: { readonly minSize?: number | undefined } | undefined;
  readonly localityBasis?: LocalityBasis;
}

/** How localities share traffic. */
export function compileLocalityRules(
  choice: LocalityChoice | undefined,
  context: CompileContext,
): LocalityRulesConfig {
  if (choice?.case === 'localityWeightedLbConfig') return { kind: 'weighted' };
  const fields =
    choice?.case === 'zoneAwareLbConfig' ? (choice.value as ZoneAwareFields) : NOT_WRITTEN;
  const { runtime } = context.environment;
  const enabled = fields.routingEnabled?.value ?? DEFAULT_LOCALITY.routingEnabledPercent;
  const minSize = Number(fields.minClusterSize ?? DEFAULT_LOCALITY.minClusterSize);
  return liveRecord(runtime, () => ({
    kind: 'zone-aware',
    routingEnabledPercent: runtimeInteger(runtime, `${ZONE_KEYS}.enabled`, enabled),
    minClusterSize: runtimeInteger(runtime, `${ZONE_KEYS}.min_cluster_size`, minSize),
    failsOnPanic: fields.failTrafficOnPanic,
    forcedLocalMinSize: forcedLocalMinSize(fields, runtime),
    basis: fields.localityBasis === LocalityBasis.HEALTHY_HOSTS_WEIGHT ? 'weight' : 'hosts',
  }));
}

/** null: the own zone is not forced. */
function forcedLocalMinSize(fields: ZoneAwareFields, runtime: RuntimeValues): number | null {
  const forced = fields.forceLocalZone;
  if (forced === undefined && fields.forceLocalityDirectRouting !== true) return null;
  const minSize = forced?.minSize ?? DEFAULT_FORCED_MIN_SIZE;
  return runtimeInteger(runtime, `${ZONE_KEYS}.force_local_zone.min_size`, minSize);
}

/** Fields of both forms of a SlowStartConfig. */
interface SlowStartFields {
  readonly slowStartWindow?: DurationField['value'];
  readonly aggression?: RuntimeDouble | undefined;
  readonly minWeightPercent?: Percent | undefined;
}

/** How a new host gets its share little by little; null: at once. */
export function compileSlowStart(
  fields: SlowStartFields | undefined,
  context: CompileContext,
): SlowStartConfig | null {
  if (fields === undefined) return null;
  const path = 'slow_start_config.slow_start_window';
  const windowMs = durationMs(context, { path, value: fields.slowStartWindow }, 0);
  if (windowMs === 0) return null;
  return liveRecord(context.environment.runtime, () => ({
    windowMs,
    aggression: Math.max(0, runtimeDouble(fields.aggression, context) ?? DEFAULT_AGGRESSION),
    minWeightPercent: fields.minWeightPercent?.value ?? DEFAULT_MIN_WEIGHT_PERCENT,
  }));
}

/** LEAST_REQUEST with Envoy's defaults; `scansAll`: FULL_SCAN. */
export function leastRequest(
  fields:
    | {
        readonly choiceCount?: number | undefined;
        readonly activeRequestBias?: RuntimeDouble | undefined;
      }
    | undefined,
  rest: Pick<LeastRequestConfig, 'locality' | 'slowStart'> & { readonly scansAll: boolean },
  context: CompileContext,
): LeastRequestConfig {
  const written = runtimeDouble(fields?.activeRequestBias, context) ?? 0;
  if (written < 0) {
    context.reject('active_request_bias', `must not be negative, is ${written}`);
  }
  const { locality, slowStart, scansAll } = rest;
  const choiceCount = scansAll ? 0 : (fields?.choiceCount ?? DEFAULT_CHOICE_COUNT);
  const config = { kind: 'least-request' as const, choiceCount, locality, slowStart };
  const bias = (): number => {
    const now = runtimeDouble(fields?.activeRequestBias, context) ?? DEFAULT_ACTIVE_REQUEST_BIAS;
    // As Envoy: the runtime cannot make it negative.
    return now < 0 ? DEFAULT_ACTIVE_REQUEST_BIAS : now;
  };
  return withLive(config, context.environment.runtime, ['activeRequestBias', bias]);
}

/** Options of consistent hashing. */
export function compileConsistentHashing(
  fields:
    | {
        readonly useHostnameForHashing: boolean;
        readonly hashBalanceFactor?: number | undefined;
      }
    | undefined,
  { isLocalityWeighted }: Pick<ConsistentHashingConfig, 'isLocalityWeighted'>,
): ConsistentHashingConfig {
  return {
    usesHostname: fields?.useHostnameForHashing ?? false,
    balanceFactorPercent: fields?.hashBalanceFactor ?? 0,
    isLocalityWeighted,
  };
}

/** RING_HASH with Envoy's defaults. */
export function ringHash(
  fields:
    | {
        readonly minimumRingSize?: bigint | undefined;
        readonly maximumRingSize?: bigint | undefined;
      }
    | undefined,
  options: { readonly usesMurmur: boolean; readonly hashing: ConsistentHashingConfig },
  context: CompileContext,
): RingHashConfig {
  const minimumRingSize = Number(fields?.minimumRingSize ?? DEFAULT_MINIMUM_RING_SIZE);
  const maximumRingSize = Number(fields?.maximumRingSize ?? MAX_RING_SIZE);
  if (minimumRingSize > maximumRingSize) {
    const sizes = `minimum_ring_size (${minimumRingSize}) > maximum_ring_size (${maximumRingSize})`;
    context.reject('minimum_ring_size', `ring hash: ${sizes}`);
  }
  return {
    kind: 'ring-hash',
    minimumRingSize,
    maximumRingSize,
    hashFunction: options.usesMurmur ? 'murmur-hash-2' : 'xx-hash',
    consistent: options.hashing,
  };
}

/** MAGLEV with Envoy's defaults. */
export function maglev(
  fields: { readonly tableSize?: bigint | undefined } | undefined,
  consistent: ConsistentHashingConfig,
  context: CompileContext,
): MaglevConfig {
  const tableSize = Number(fields?.tableSize ?? DEFAULT_TABLE_SIZE);
  if (!isPrime(tableSize)) {
    context.reject('table_size', 'The table size of maglev must be prime number');
  }
  return { kind: 'maglev', tableSize, consistent };
}

function isPrime(number: number): boolean {
  if (number < 2) return false;
  for (let divisor = 2; divisor * divisor <= number; divisor += 1) {
    if (number % divisor === 0) return false;
  }
  return true;
}

function runtimeDouble(message: RuntimeDouble | undefined, context: CompileContext): number | null {
  if (message === undefined) return null;
  const value = Number(context.environment.runtime.get(message.runtimeKey) ?? Number.NaN);
  return Number.isFinite(value) ? value : message.defaultValue;
}
