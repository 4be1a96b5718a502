// What is inside a google.protobuf.Any, remembered from when it was made or opened first.
import type { DescMessage, Message } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { Problem } from './problems.ts';

/** An opened Any. */
export interface OpenedAny {
  readonly schema: DescMessage;
  readonly message: Message;
  /** Of a TypedStruct: what could not be read of its struct; absent: nothing. */
  readonly problems?: readonly Problem[];
}

const opened = new WeakMap<Any, OpenedAny>();

/** The type's full name in a type URL; '' when the URL has none. */
export function typeNameOf(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
}

/** Says what an Any holds, so that nobody decodes it again. */
export function rememberAny(any: Any, content: OpenedAny): void {
  opened.set(any, content);
}

/** What it is known to hold; null: nobody opened it yet. */
export function knownContent(any: Any): OpenedAny | null {
  return opened.get(any) ?? null;
}
