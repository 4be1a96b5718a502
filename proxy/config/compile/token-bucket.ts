// type.v3.TokenBucket: a limit of so many at once and so many over time.
import type { TokenBucket } from '../../api/gen/envoy/type/v3/token_bucket_pb.js';
import type { BucketRate } from '../../base/cells/shared-token-bucket.ts';
import type { CompileContext } from '../../model/extension.ts';
import { durationMs } from './field-values.ts';

/** Envoy's limit for buckets that limit rates. */
const MIN_FILL_INTERVAL_MS = 50;

/** How the bucket of `what` fills; null when it may not fill like that. */
export function compileTokenBucket(
  message: TokenBucket,
  context: CompileContext,
  what = 'local rate limit',
): BucketRate | null {
  const { maxTokens, tokensPerFill, fillInterval } = message;
  const intervalMs = durationMs(context, { path: 'fill_interval', value: fillInterval }, 0);
  if (intervalMs < MIN_FILL_INTERVAL_MS) {
    context.reject(
      'fill_interval',
      `${what} token bucket fill timer must be >= 50ms: make it longer, with more tokens_per_fill`,
    );
    return null;
  }
  return Object.freeze({ maxTokens, tokensPerMs: (tokensPerFill ?? 1) / intervalMs });
}
