// What the parts of the decoder share: where they are, and how to go one level deeper.
import type { DescMessage } from '@bufbuild/protobuf';
import type { ReflectMessage } from '@bufbuild/protobuf/reflect';
import type { ProblemWalk } from './problems.ts';

/** A message type with the chain of types around it, for hints. */
export interface Scope {
  readonly schema: DescMessage;
  readonly parent: Scope | null;
}

/** One run of the decoder over one value. */
export interface DecodeRun {
  readonly walk: ProblemWalk;
  /** A message from its JSON value, whatever its form. */
  decode(scope: Scope, json: unknown): ReflectMessage;
  /** A message from an object of its fields; `skip` names a key that is none of them. */
  decodeFields(scope: Scope, json: Record<string, unknown>, skip: string | null): ReflectMessage;
}
