// Options of upstreams made of node's HTTP server.

/**
 * Never ends an idle connection. By default it does after 5 s: on a busy machine that meets the next
 * request on its way, which then fails and is nobody's fault.
 */
export const KEPT = { keepAliveTimeout: 0 } as const;
