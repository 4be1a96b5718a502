// What is inside a google.protobuf.Any, decoded once however often it is asked for.
import { type DescMessage, fromBinary, type Message, type Registry } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';

/** An opened Any. */
export interface OpenedAny {
  readonly schema: DescMessage;
  readonly message: Message;
}

const opened = new WeakMap<Any, OpenedAny>();

/** The type's full name in a type URL; '' when the URL has none. */
export function typeNameOf(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
}

/** Opens an Any; null when its type is unknown or its bytes are not of that type. */
export function openAny(any: Any, registry: Registry): OpenedAny | null {
  const known = opened.get(any);
  if (known !== undefined) return known;
  const schema = registry.getMessage(typeNameOf(any.typeUrl));
  if (schema === undefined) return null;
  try {
    const result = { schema, message: fromBinary(schema, any.value) };
    opened.set(any, result);
    return result;
  } catch {
    // Malformed bytes from a peer are an expected outcome; the caller reports the type.
    return null;
  }
}

/** Says what an Any that was just made holds, so that nobody decodes it again. */
export function rememberAny(any: Any, content: OpenedAny): void {
  opened.set(any, content);
}
