// The host and port of a URL, the way Envoy's CSRF filter reads them.

/** Scheme, userinfo, host (an IPv6 address in brackets), port, and what follows. */
const ABSOLUTE_URL =
  /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@\s]*@)?((?:\[[0-9a-f:.]+(?:%[^\]]*)?\]|[0-9a-z._-]+)(?::(\d{1,5}))?)(?:[/?]\S*)?$/i;
const MAX_PORT = 65_535;

/** As written, the port included when it is; what is no absolute URL comes back whole. */
export function hostAndPort(url: string): string {
  const parts = ABSOLUTE_URL.exec(url);
  return parts === null || Number(parts[2] ?? 0) > MAX_PORT ? url : (parts[1] as string);
}
