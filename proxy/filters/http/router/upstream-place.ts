// Where an attempt goes.
import type { ConnectionPool } from '../../../upstream/conn-pool.ts';
import type { Host } from '../../../upstream/host.ts';

/** A host that was picked, and the pool of connections to it. */
export interface UpstreamPlace {
  readonly host: Host;
  readonly pool: ConnectionPool;
}
