// Opens a google.protobuf.Any. A TypedStruct stands for the message that its type_url names,
// wherever an Any may stand (udpa.type.v1 and xds.type.v3): nobody behind this file sees one.
import { type DescMessage, fromBinary, type Registry } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import {
  type TypedStruct as UdpaTypedStruct,
  TypedStructSchema as UdpaTypedStructSchema,
} from '../../api/gen/udpa/type/v1/typed_struct_pb.js';
import { type TypedStruct, TypedStructSchema } from '../../api/gen/xds/type/v3/typed_struct_pb.js';
import { knownContent, type OpenedAny, rememberAny, typeNameOf } from './any.ts';
import { decodeMessage } from './decode-message.ts';
import { isPassedThrough } from './passed-through.ts';
import { ProblemWalk } from './problems.ts';

const TYPED_STRUCTS: readonly DescMessage[] = [TypedStructSchema, UdpaTypedStructSchema];

/** The full name of the type of what an Any holds; '' when it is absent or holds nothing. */
export function typeIn(any: Any | undefined): string {
  if (any === undefined) return '';
  const known = knownContent(any);
  if (known !== null) return known.schema.typeName;
  const outer = typeNameOf(any.typeUrl);
  if (!TYPED_STRUCTS.some(({ typeName }) => typeName === outer)) return outer;
  const struct = typedStructIn(any, outer);
  return struct === null ? outer : typeNameOf(struct.typeUrl);
}

/** Opens an Any; null when its type is unknown or its bytes are not of that type. */
export function openAny(any: Any, registry: Registry): OpenedAny | null {
  const content = openOnce(any, registry);
  if (content !== null) rememberAny(any, content);
  return content;
}

/** The same where nobody opens it again: what it holds is not remembered. */
export function openOnce(any: Any, registry: Registry): OpenedAny | null {
  const known = knownContent(any);
  if (known !== null) return known;
  const outer = typeNameOf(any.typeUrl);
  const isStruct = TYPED_STRUCTS.some(({ typeName }) => typeName === outer);
  return isStruct ? openStruct(any, outer, registry) : openMessage(any, registry);
}

function openMessage({ typeUrl, value }: Any, registry: Registry): OpenedAny | null {
  const schema = registry.getMessage(typeNameOf(typeUrl));
  if (schema === undefined) return null;
  try {
    return { schema, message: fromBinary(schema, value) };
  } catch {
    // Malformed bytes from a peer are an expected outcome; the caller reports the type.
    return null;
  }
}

function openStruct(any: Any, outer: string, registry: Registry): OpenedAny | null {
  const struct = typedStructIn(any, outer);
  const schema = struct === null ? undefined : registry.getMessage(typeNameOf(struct.typeUrl));
  if (struct === null || schema === undefined) return null;
  const walk = new ProblemWalk();
  walk.push('value');
  const message = decodeMessage(schema, struct.value ?? {}, walk);
  // Newer servers may say more than we know to what has no effect anyway.
  const problems = isPassedThrough(schema.typeName) ? [] : walk.rejections;
  return { schema, message, problems };
}

/** null: its bytes are none. */
function typedStructIn({ value }: Any, outer: string): TypedStruct | UdpaTypedStruct | null {
  try {
    return outer === TypedStructSchema.typeName
      ? fromBinary(TypedStructSchema, value)
      : fromBinary(UdpaTypedStructSchema, value);
  } catch {
    // As above.
    return null;
  }
}
