// Which Referer fields are passed on, as Envoy judges them.

/** A URL with a host, at most with an empty user and without a fragment. */
const ABSOLUTE =
  /^[a-z][a-z0-9+.-]*:\/\/@?(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?(?:[/?][!-~]*)?$/i;
/** Anything without a scheme: no colon in front of the first slash or question mark. */
const RELATIVE = /^(?![^/?]*:)[!-~]*$/;
const MAX_PORT = 65535;

/** True for an absolute URL or a relative reference without user information and fragment. */
export function isCleanReferer(referer: string): boolean {
  if (referer.includes('#')) return false;
  if (RELATIVE.test(referer)) return true;
  const match = ABSOLUTE.exec(referer);
  return match !== null && Number(match[1] ?? 0) <= MAX_PORT;
}
