// Escaped slashes in a path: %2F and %5C, in either case.

/** All that counts as one. */
const ESCAPED_SLASH = /%(?:2f|5c)/gi;

/**
 * The path with each `%2F` and `%5C` as the character it stands for; what this brings forth is not
 * looked at again, so `%%2f` becomes `%/` and `%252f` stays. `path` has no query.
 */
export function unescapeSlashes(path: string): string {
  if (!path.includes('%')) return path;
  return path.replace(ESCAPED_SLASH, toSlash);
}

function toSlash(escaped: string): string {
  return escaped.charCodeAt(1) === 0x32 ? '/' : '\\';
}
