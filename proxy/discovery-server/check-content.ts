// The seam to whoever judges resources before they are served.
import type { Warning } from '../base/result.ts';
import type { OpenedAny } from '../config/schema/any.ts';
import type { ProblemWalk } from '../config/schema/problems.ts';

/** Something wrong, and whether a field's name is meant or its value. */
export interface Fault extends Warning {
  readonly onKey?: boolean;
}

/** What is known of a resource's faults. */
export interface Faults {
  readonly rejections: readonly Fault[];
  readonly warnings: readonly Warning[];
}

/** Says what is wrong with a resource; what decoding `found` is among the answer. */
export type CheckContent = (content: OpenedAny, found: ProblemWalk, path: string) => Faults;
