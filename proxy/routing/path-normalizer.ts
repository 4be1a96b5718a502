// Path normalisation before routing: it runs once, and everything behind it sees its result.
import { canonicalPath } from './canonical-path.ts';
import { unescapeSlashes } from './escaped-slashes.ts';

/** What becomes of a path. */
export interface NormalizedPath {
  /** Go on with it, refuse it (400) or redirect to it (307). */
  readonly kind: 'ok' | 'rejected' | 'redirect';
  /** As far as it was normalised: what logs show of a refused one. */
  readonly path: string;
}

/** The connection manager's options, in the order in which they act. */
export interface PathNormalizerOptions {
  readonly escapedSlashes: 'keep' | 'reject' | 'redirect' | 'forward';
  readonly normalizePath: boolean;
  readonly mergeSlashes: boolean;
}

const SLASHES = /\/{2,}/g;

/** Normalises an origin-form target with its query; the query is never touched. */
export function normalizePath(target: string, options: PathNormalizerOptions): NormalizedPath {
  if (target.includes('#')) return { kind: 'rejected', path: target };
  const queryStart = target.indexOf('?');
  const given = queryStart === -1 ? target : target.slice(0, queryStart);
  const unescaped = options.escapedSlashes === 'keep' ? given : unescapeSlashes(given);
  const hasEscaped = unescaped !== given;
  const query = queryStart === -1 ? '' : target.slice(queryStart);
  const isRejected = hasEscaped && options.escapedSlashes === 'reject';
  const canonical = options.normalizePath && !isRejected ? canonicalPath(unescaped) : unescaped;
  if (canonical === null || isRejected) return { kind: 'rejected', path: unescaped + query };
  const path = (options.mergeSlashes ? mergeSlashes(canonical) : canonical) + query;
  return { kind: hasEscaped && options.escapedSlashes === 'redirect' ? 'redirect' : 'ok', path };
}

/** Each run of slashes as one; Envoy leaves a path of slashes alone as two. */
function mergeSlashes(path: string): string {
  if (!path.includes('//')) return path;
  const merged = path.replace(SLASHES, '/');
  return merged === '/' ? '//' : merged;
}
