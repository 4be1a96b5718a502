// What the order of routes means: a route that stands behind one which takes all of its requests is
// never reached, and two routes whose requests overlap may not change places unnoticed.

import type { RouteConfig } from '../../model/route.ts';
import type { PathMatchConfig, RouteMatchConfig } from '../../model/route-match.ts';
import { canonicalOf } from './canonical.ts';

const ALL_PPM = 1_000_000;
/** Conditions that a request must fulfil besides the path: lists of which all must hold. */
const LISTS = ['headers', 'queryParameters', 'cookies', 'dynamicMetadata', 'filterState'] as const;

/** By the index of each route that is never reached: the index of the one in front that is why. */
export function shadowedRoutes(routes: readonly RouteConfig[]): ReadonlyMap<number, number> {
  const shadowed = new Map<number, number>();
  for (const [index, route] of routes.entries()) {
    const by = routes.slice(0, index).findIndex((earlier) => covers(earlier.match, route.match));
    if (by >= 0) shadowed.set(index, by);
  }
  return shadowed;
}

/** True when every request that `inner` matches is matched by `outer`; false where that is unclear. */
export function covers(outer: RouteMatchConfig, inner: RouteMatchConfig): boolean {
  // The path first: it costs least and tells most routes apart.
  if (!coversPath(outer, inner)) return false;
  if ((outer.runtimeFractionPpm ?? ALL_PPM) < ALL_PPM) return false;
  if (outer.grpcOnly && !inner.grpcOnly) return false;
  if (outer.tlsContext !== null && !isSame(outer.tlsContext, inner.tlsContext)) {
    return false;
  }
  return LISTS.every((list) => isSubset(outer[list], inner[list]));
}

/** True when one request may match both; also where that is unclear. */
export function mayOverlap(left: RouteMatchConfig, right: RouteMatchConfig): boolean {
  const texts = [literalOf(left.path), literalOf(right.path)] as const;
  if (texts[0] === null || texts[1] === null) return true;
  const [a, b] = texts.map((text) => text?.toLowerCase() ?? '') as [string, string];
  if (left.path.kind === 'path' && right.path.kind === 'path') return a === b;
  if (left.path.kind === 'path') return a.startsWith(b);
  if (right.path.kind === 'path') return b.startsWith(a);
  return a.startsWith(b) || b.startsWith(a);
}

function coversPath(outer: RouteMatchConfig, inner: RouteMatchConfig): boolean {
  const [wide, narrow] = [literalOf(outer.path), literalOf(inner.path)];
  if (wide === null) return isSame(outer.path, inner.path);
  // CONNECT alone has no path, and every other path begins with a slash.
  const isAny = outer.path.kind === 'prefix' && (wide === '/' || wide === '');
  if (isAny) return inner.path.kind !== 'connect';
  if (narrow === null || (outer.caseSensitive && !inner.caseSensitive)) return false;
  const text = outer.caseSensitive ? narrow : narrow.toLowerCase();
  return coversText(outer.path.kind, wide, { kind: inner.path.kind, text });
}

function coversText(
  kind: PathMatchConfig['kind'],
  wide: string,
  narrow: { readonly kind: PathMatchConfig['kind']; readonly text: string },
): boolean {
  if (kind === 'path') return narrow.kind === 'path' && narrow.text === wide;
  if (kind === 'prefix') return narrow.text.startsWith(wide);
  const isEqual = narrow.kind !== 'prefix' && narrow.text === wide;
  return isEqual || narrow.text.startsWith(`${wide}/`);
}

/** null: the path is no plain text. */
function literalOf(path: PathMatchConfig): string | null {
  return 'text' in path ? path.text : null;
}

function isSubset(few: readonly unknown[], many: readonly unknown[]): boolean {
  return few.every((each) => many.some((other) => isSame(each, other)));
}

/** Conditions that nobody can look into are like no other. */
function isSame(left: unknown, right: unknown): boolean {
  const [a, b] = [canonicalOf(left), canonicalOf(right)];
  return !a.isOpaque && !b.isOpaque && JSON.stringify(a.json) === JSON.stringify(b.json);
}
