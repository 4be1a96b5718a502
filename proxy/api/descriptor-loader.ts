// Decodes the descriptors of proto files from gen/descriptors.bin when they are first asked for,
// each with what it imports. Loading all of them at start would cost 0.4 s and 60 MB; a usual
// configuration needs a quarter. The generated modules in gen/ call the functions below.

import { readFileSync } from 'node:fs';
import {
  createFileRegistry,
  type DescEnum,
  type DescExtension,
  type DescFile,
  type DescMessage,
  type DescService,
  fromBinary,
} from '@bufbuild/protobuf';
import { protoCamelCase } from '@bufbuild/protobuf/reflect';
import * as wkt from '@bufbuild/protobuf/wkt';

/** What the generator writes to gen/descriptors.json. */
interface DescriptorIndex {
  /** Name and length in descriptors.bin of each proto file, in the order they are stored. */
  readonly files: readonly (readonly [name: string, byteLength: number])[];
  /** Full name of each top-level type, and which of `files` declares it. */
  readonly types: Readonly<Record<string, number>>;
}

const blob = readFileSync(new URL('./gen/descriptors.bin', import.meta.url));
const index = JSON.parse(
  readFileSync(new URL('./gen/descriptors.json', import.meta.url), 'utf8'),
) as DescriptorIndex;

const offsets = new Map<string, { readonly start: number; readonly end: number }>();
let position = 0;
for (const [name, byteLength] of index.files) {
  offsets.set(name, { start: position, end: position + byteLength });
  position += byteLength;
}

const loaded = new Map<string, DescFile>();
for (const file of [
  wkt.file_google_protobuf_any,
  wkt.file_google_protobuf_descriptor,
  wkt.file_google_protobuf_duration,
  wkt.file_google_protobuf_empty,
  wkt.file_google_protobuf_field_mask,
  wkt.file_google_protobuf_struct,
  wkt.file_google_protobuf_timestamp,
  wkt.file_google_protobuf_wrappers,
]) {
  loaded.set(file.proto.name, file);
}

/** The full names of all types that a file declares at its top level; nested ones are not listed. */
export const topLevelTypeNames: readonly string[] = Object.keys(index.types);

/**
 * The file that declares a type, or a type around it; `null` if there is none. Loads it.
 */
export function fileDeclaring(typeName: string): DescFile | null {
  for (let name = typeName; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('.')))) {
    const file = index.files[index.types[name] ?? -1];
    if (file !== undefined) return fileOf(file[0]);
  }
  return null;
}

/** The descriptor of a proto file, such as `envoy/config/core/v3/base.proto`. */
export function fileOf(name: string): DescFile {
  const present = loaded.get(name);
  if (present !== undefined) return present;
  const range = offsets.get(name);
  if (range === undefined) throw new Error(`no descriptor for ${name}: was the API generated?`);
  const proto = fromBinary(wkt.FileDescriptorProtoSchema, blob.subarray(range.start, range.end));
  proto.messageType.forEach(restoreJsonNames);
  const dependencies = proto.dependency.map(fileOf);
  const registry = createFileRegistry(proto, (wanted) => withoutDependencies(fileOf(wanted)));
  const file = registry.getFile(name);
  if (file === undefined) throw new Error(`the descriptor of ${name} carries another name`);
  file.dependencies.splice(0, file.dependencies.length, ...dependencies);
  loaded.set(name, file);
  return file;
}

/**
 * The library walks the imports of each file it is handed, and theirs, once for every way that
 * leads to them. References reach direct imports only, so it is shown no more than those.
 */
function withoutDependencies(file: DescFile): DescFile {
  return { ...file, dependencies: [] };
}

/** The generator leaves out JSON names that are the default. */
function restoreJsonNames(message: wkt.DescriptorProto): void {
  for (const field of message.field) {
    if (field.jsonName === '') field.jsonName = protoCamelCase(field.name);
  }
  message.nestedType.forEach(restoreJsonNames);
}

/** The message at a position in a file: index at the top level, then of nested messages. */
export function messageDesc(file: DescFile, first: number, ...rest: number[]): DescMessage {
  return rest.reduce<DescMessage | undefined>(
    (message, next) => message?.nestedMessages[next],
    file.messages[first],
  ) as DescMessage;
}

/** The enum at a position in a file; the last index counts enums, those before it messages. */
export function enumDesc(file: DescFile, ...path: [number, ...number[]]): DescEnum {
  const last = path.at(-1) as number;
  const [first, ...rest] = path.slice(0, -1);
  if (first === undefined) return file.enums[last] as DescEnum;
  return messageDesc(file, first, ...rest).nestedEnums[last] as DescEnum;
}

/** The extension at an index of a file's top level. */
export function extDesc(file: DescFile, position: number): DescExtension {
  return file.extensions[position] as DescExtension;
}

/** The service at an index of a file. */
export function serviceDesc(file: DescFile, position: number): DescService {
  return file.services[position] as DescService;
}

/** The object behind a generated `enum`: names to numbers and back. */
export function tsEnum(desc: DescEnum): Record<string, string | number> {
  const result: Record<string, string | number> = {};
  for (const value of desc.values) {
    result[value.localName] = value.number;
    result[value.number] = value.localName;
  }
  return result;
}
