// An open access log as connection managers use it. Where the lines go is not their business.
import type { FormatContext } from './formatter.ts';

/** Writes a line about an exchange if the log's filter wants it; never blocks, never throws. */
export interface AccessLog {
  write(context: FormatContext): void;
}
