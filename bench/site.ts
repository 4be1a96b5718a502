// Where a proxy that is measured stands.
import type { Scenario } from './scenario.ts';

/** Where a proxy listens and what it forwards to. */
export interface Site {
  readonly folder: string;
  readonly port: number;
  /** Where the second hop of a mesh listens. */
  readonly meshPort: number;
  readonly upstreamPort: number;
  readonly scenario: Scenario;
}
