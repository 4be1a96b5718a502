// Header work of a route, virtual host, table or reply, compiled.
import type { Formatter } from '../formatter/formatter.ts';

/** Header work of one level: removals first, then overwrites, then additions. */
export interface HeaderMutations {
  readonly request: MessageMutations | null;
  readonly response: MessageMutations | null;
}

/** Header work on one message; null in HeaderMutations when there is none. */
export interface MessageMutations {
  /** Lower case. */
  readonly remove: readonly string[];
  readonly set: readonly HeaderValueConfig[];
}

/** config.core.v3.HeaderValueOption */
export interface HeaderValueConfig {
  /** Lower case. */
  readonly name: string;
  readonly value: Formatter;
  readonly action: 'append' | 'add-if-absent' | 'overwrite' | 'overwrite-if-exists';
  readonly keepEmptyValue: boolean;
}
