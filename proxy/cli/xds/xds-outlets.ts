// What `outrigger xds` says, and to whom.
import type { ServerObserver } from '../../discovery-server/client.ts';

/** Where the command writes, and until when it runs. */
export interface XdsOutlets {
  /** A line of what happens. */
  readonly out: (line: string) => void;
  /** What is wrong. */
  readonly err: (text: string) => void;
  readonly colour: boolean;
  /** Watches the server beside the lines; null: nobody does. */
  readonly observer: ServerObserver | null;
  /** Called once it serves; what it resolves is the end. */
  readonly untilStopped: () => Promise<void>;
}
