// How long an exchange took, or has taken so far.
import type { FormatContext } from './formatter.ts';

/** Whole ms from the first byte in to the end, or to now while it lasts. */
export function elapsedMs({ info, wallMs }: FormatContext): number {
  if (info.endMs >= 0) return Math.floor(info.endMs - info.startMs);
  // A wall clock may be set back.
  return Math.max(0, Math.floor(wallMs - info.startWallMs));
}
