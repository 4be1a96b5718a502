// What access is decided by: a connection, and with HTTP a request on it.
import type { RequestHead } from '../../http/message.ts';
import type { StreamInfo } from '../../http/stream-info.ts';
import type { FilterMetadata } from '../../model/match-tree.ts';
import { withoutParameters } from '../../routing/path-matcher.ts';
import type { Route } from '../../routing/route-table.ts';

/** Who wants to do what; read while deciding, never kept. */
export interface RbacSubject {
  /** null: a connection, whatever it carries. */
  readonly head: RequestHead | null;
  readonly info: StreamInfo;
  /** The request's path without query and fragment; null: there is none. */
  readonly path: string | null;
  /** Of the matched route; null: none matched. */
  readonly routeMetadata: FilterMetadata | null;
}

/** A permission or a principal, compiled. Makes nothing, and never throws. */
export interface RbacPredicate {
  matches(subject: RbacSubject): boolean;
}

/**
 * The path of a request's target as Envoy shows it to RBAC, without query and fragment, and without
 * the parameters that its routes ignore: what was matched is what is decided on. null: CONNECT has
 * none.
 */
export function rbacPathOf({ path }: RequestHead, route: Route | null): string | null {
  if (path === '') return null;
  const bare = withoutQuery(path);
  return route?.ignoresPathParameters === true ? withoutParameters(bare) : bare;
}

function withoutQuery(path: string): string {
  for (let index = 0; index < path.length; index += 1) {
    const code = path.charCodeAt(index);
    if (code === QUESTION_MARK || code === NUMBER_SIGN) return path.slice(0, index);
  }
  return path;
}

const QUESTION_MARK = 0x3f;
const NUMBER_SIGN = 0x23;
