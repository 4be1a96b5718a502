// Bounds how fast connections come to a filter chain, of all workers together; those beyond the rate
// are closed.
import {
  type LocalRateLimit,
  LocalRateLimitSchema,
} from '../../api/gen/envoy/extensions/filters/network/local_ratelimit/v3/local_rate_limit_pb.js';
import type { BucketRate, SharedTokenBucket } from '../../base/cells/shared-token-bucket.ts';
import { compileRuntimeFlag } from '../../config/compile/runtime-values.ts';
import { compileTokenBucket } from '../../config/compile/token-bucket.ts';
import type { CompileContext } from '../../model/extension.ts';
import type { Live } from '../../model/runtime.ts';
import type { Counter } from '../../stats/metrics.ts';
import { ADMIT, type ConnectionGateDefinition, DENY } from '../network-filter.ts';

/** extensions.filters.network.local_ratelimit.v3.LocalRateLimit */
interface LocalRateLimitConfig {
  readonly statPrefix: string;
  /** Filters with the same key have one bucket. */
  readonly key: string;
  readonly rate: BucketRate;
  /** Read for each connection. */
  readonly enabled: Live<boolean>;
}

/** envoy.filters.network.local_ratelimit */
export const networkLocalRateLimitDefinition: ConnectionGateDefinition<
  LocalRateLimit,
  LocalRateLimitConfig
> = {
  name: 'envoy.filters.network.local_ratelimit',
  schema: LocalRateLimitSchema,
  isTerminal: false,
  support: {
    [LocalRateLimitSchema.typeName]: {
      stat_prefix: 'honoured',
      token_bucket: 'honoured',
      runtime_enabled: 'honoured',
      share_key: 'honoured',
    },
  },
  compile,
  gateFactory: (config, { cells, stats }) => {
    const { key, statPrefix } = config;
    const bucket = cells.bucket(key);
    const refused = stats.scope(`local_rate_limit.${statPrefix}`).counter('rate_limited');
    const gate = {
      onConnection: () => (isAdmitted({ config, bucket, refused }, cells.nowMs()) ? ADMIT : DENY),
    } as const;
    return { createGate: () => gate };
  },
};

function compile(message: LocalRateLimit, context: CompileContext): LocalRateLimitConfig | null {
  const { tokenBucket, shareKey, statPrefix } = message;
  if (tokenBucket === undefined) return null;
  const rate = compileTokenBucket(tokenBucket, context.at('token_bucket'));
  if (rate === null) return null;
  // As Envoy: buckets that differ are not shared.
  const shared = `${shareKey}/${rate.maxTokens}/${rate.tokensPerMs}`;
  const owner = shareKey === '' ? context.place : `shared/${shared}`;
  const key = `network_local_ratelimit/${owner}`;
  const enabled = compileRuntimeFlag(message.runtimeEnabled, context);
  return Object.freeze({ statPrefix, key, rate, enabled });
}

/** What the connections of a chain share. */
interface LimitedChain {
  readonly config: LocalRateLimitConfig;
  readonly bucket: SharedTokenBucket;
  readonly refused: Counter;
}

function isAdmitted({ config, bucket, refused }: LimitedChain, nowMs: number): boolean {
  if (!config.enabled.value || bucket.consume(1, nowMs, config.rate)) return true;
  refused.inc();
  return false;
}
