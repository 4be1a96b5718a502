// The one registry of all known protobuf types: what an Any may hold, by type URL. It loads the
// descriptors of a type when the type is first looked up.

import {
  createMutableRegistry,
  type DescEnum,
  type DescExtension,
  type DescFile,
  type DescMessage,
  type DescService,
  type Registry,
} from '@bufbuild/protobuf';
import { nestedTypes } from '@bufbuild/protobuf/reflect';
import * as wkt from '@bufbuild/protobuf/wkt';
import { fileDeclaring, topLevelTypeNames } from './descriptor-loader.ts';

type DescType = DescMessage | DescEnum | DescExtension | DescService;

const found = createMutableRegistry(
  wkt.file_google_protobuf_any,
  wkt.file_google_protobuf_duration,
  wkt.file_google_protobuf_empty,
  wkt.file_google_protobuf_field_mask,
  wkt.file_google_protobuf_struct,
  wkt.file_google_protobuf_timestamp,
  wkt.file_google_protobuf_wrappers,
);
const searched = new Set<DescFile>();

function find(typeName: string): DescType | undefined {
  const present = found.get(typeName);
  if (present !== undefined) return present;
  const file = fileDeclaring(typeName);
  if (file === null || searched.has(file)) return undefined;
  searched.add(file);
  for (const type of nestedTypes(file)) found.add(type);
  return found.get(typeName);
}

/**
 * All types of the Envoy API, to be passed wherever protobuf or ProtoJSON may meet an Any.
 * Iterating it loads every descriptor there is (some 40 MB): for tools, not for the proxy.
 */
export const apiRegistry: Registry = {
  kind: 'registry',
  get: find,
  getMessage(typeName) {
    const type = find(typeName);
    return type?.kind === 'message' ? type : undefined;
  },
  getEnum(typeName) {
    const type = find(typeName);
    return type?.kind === 'enum' ? type : undefined;
  },
  getExtension(typeName) {
    const type = find(typeName);
    return type?.kind === 'extension' ? type : undefined;
  },
  getService(typeName) {
    const type = find(typeName);
    return type?.kind === 'service' ? type : undefined;
  },
  getExtensionFor(extendee, number) {
    return found.getExtensionFor(extendee, number);
  },
  *[Symbol.iterator]() {
    for (const name of topLevelTypeNames) find(name);
    yield* found;
  },
};
