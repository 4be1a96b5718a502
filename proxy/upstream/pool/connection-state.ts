// The states of a pooled connection and their edges; LIFECYCLE.md draws them.
import { Edges } from '../../base/invariants.ts';

/**
 * - `connecting`. `ready`: it can take a stream now. `busy`: it has as many as it can take.
 * - `settling`: it was busy and may be ready again when all that was read is parsed.
 * - `draining`: it takes no further streams and closes behind those it has. `closed`.
 */
export type ConnectionState = 'connecting' | 'ready' | 'busy' | 'settling' | 'draining' | 'closed';

/** See LIFECYCLE.md. */
export const CONNECTION_EDGES = new Edges<ConnectionState>('pooled connection', {
  connecting: ['ready', 'closed'],
  ready: ['busy', 'draining', 'closed'],
  busy: ['settling', 'draining', 'closed'],
  settling: ['ready', 'busy', 'draining', 'closed'],
  draining: ['closed'],
  closed: [],
});

/** HTTP/2 has no more stream ids; Envoy keeps as far away from their end. */
export const MAX_STREAMS = 2 ** 29;
