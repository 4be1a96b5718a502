// Query parameters as routes read them: raw, the first of each name, nothing decoded.
import { matchesValue } from '../model/match-value.ts';
import type { QueryParameterMatchConfig } from '../model/route-match.ts';

/** Raw value of the first parameter with this name, '' for one without `=`; null: there is none. */
export function queryParameter(target: string, name: string): string | null {
  let start = target.indexOf('?') + 1;
  if (start === 0) return null;
  while (start < target.length) {
    const ampersand = target.indexOf('&', start);
    const end = ampersand === -1 ? target.length : ampersand;
    const equals = target.indexOf('=', start);
    const nameEnd = equals === -1 || equals > end ? end : equals;
    if (nameEnd - start === name.length && target.startsWith(name, start)) {
      return nameEnd === end ? '' : target.slice(nameEnd + 1, end);
    }
    start = end + 1;
  }
  return null;
}

/** True when a target fulfils a condition on one of its parameters. */
export function matchesQueryParameter(config: QueryParameterMatchConfig, target: string): boolean {
  const value = queryParameter(target, config.name);
  if (config.match.kind === 'present') return (value !== null) === config.match.expected;
  return value !== null && matchesValue(config.match, value);
}
