// How header values named metadata and filter state before there was one formatter for everything.
// Envoy still translates it in header values, and so do we.

const METADATA = /%(UPSTREAM|DYNAMIC)_METADATA\(\s*(\[(?:.|\r?\n)+?\]\s*)\)%/g;
const PER_REQUEST_STATE = /%PER_REQUEST_STATE\((.+?)\)%/g;

/**
 * `%UPSTREAM_METADATA(["ns", "key"])%` as `%UPSTREAM_METADATA(ns:key)%`, and
 * `%PER_REQUEST_STATE(key)%` as `%FILTER_STATE(key:PLAIN)%`. What is no list of texts stays.
 */
export function translateLegacyFormat(text: string): string {
  if (!text.includes('%')) return text;
  return text
    .replace(METADATA, (whole, kind: string, list: string) => {
      const path = pathOf(list);
      return path === null ? whole : `%${kind}_METADATA(${path})%`;
    })
    .replace(PER_REQUEST_STATE, '%FILTER_STATE($1:PLAIN)%');
}

function pathOf(json: string): string | null {
  let list: unknown;
  try {
    list = JSON.parse(json);
  } catch {
    // No JSON: the operator prints nothing, as in Envoy.
    return null;
  }
  if (!Array.isArray(list) || list.length === 0) return null;
  return list.every((key) => typeof key === 'string') ? list.join(':') : null;
}
