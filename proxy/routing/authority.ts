// The authority of a request: what options of the connection manager take off it.

/** Options strip_trailing_host_dot, strip_matching_host_port and strip_any_host_port. */
export interface AuthorityOptions {
  readonly stripTrailingHostDot: boolean;
  readonly stripHostPort: 'no' | 'matching' | 'any';
}

/** Applies the options in Envoy's order: the dot, then the port. `localPort` is the listener's. */
export function stripAuthority(
  authority: string,
  options: AuthorityOptions,
  localPort: number,
): string {
  if (options.stripHostPort === 'any') return authority.replace(/:\d+$/, '');
  const suffix = `:${localPort}`;
  if (options.stripHostPort === 'matching' && authority.endsWith(suffix)) {
    return authority.slice(0, -suffix.length);
  }
  return authority;
}
