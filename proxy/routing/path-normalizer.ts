// Path normalisation before routing: it runs once, and everything behind it sees its result.
import { canonicalPath } from './canonical-path.ts';
import { unescapeSlashes } from './escaped-slashes.ts';

/** The path to go on with, a refusal (400), or the path to redirect to (307). */
export type NormalizedPath =
  | { readonly kind: 'ok'; readonly path: string }
  | { readonly kind: 'rejected' }
  | { readonly kind: 'redirect'; readonly path: string };

/** The connection manager's options, in the order in which they act. */
export interface PathNormalizerOptions {
  readonly escapedSlashes: 'keep' | 'reject' | 'redirect' | 'forward';
  readonly normalizePath: boolean;
  readonly mergeSlashes: boolean;
}

const REJECTED: NormalizedPath = Object.freeze({ kind: 'rejected' });
const SLASHES = /\/{2,}/g;

/** Normalises an origin-form target with its query; the query is never touched. */
export function normalizePath(target: string, options: PathNormalizerOptions): NormalizedPath {
  if (target.includes('#')) return REJECTED;
  const queryStart = target.indexOf('?');
  const given = queryStart === -1 ? target : target.slice(0, queryStart);
  const unescaped = options.escapedSlashes === 'keep' ? given : unescapeSlashes(given);
  const hasEscaped = unescaped !== given;
  if (hasEscaped && options.escapedSlashes === 'reject') return REJECTED;
  const canonical = options.normalizePath ? canonicalPath(unescaped) : unescaped;
  if (canonical === null) return REJECTED;
  const merged = options.mergeSlashes ? mergeSlashes(canonical) : canonical;
  const path = queryStart === -1 ? merged : merged + target.slice(queryStart);
  return { kind: hasEscaped && options.escapedSlashes === 'redirect' ? 'redirect' : 'ok', path };
}

/** Each run of slashes as one; Envoy leaves a path of slashes alone as two. */
function mergeSlashes(path: string): string {
  if (!path.includes('//')) return path;
  const merged = path.replace(SLASHES, '/');
  return merged === '/' ? '//' : merged;
}
