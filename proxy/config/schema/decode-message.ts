// JSON value to protobuf message by the message's descriptor, with every error under its path
// instead of the first one only. As lenient as Envoy's reader: both spellings of field names, one
// value for a list of one, objects for durations and wrappers; and as strict: unknown fields fail.
import {
  create,
  type DescField,
  type DescMessage,
  type DescOneof,
  type Message,
  ScalarType,
} from '@bufbuild/protobuf';
import { type ReflectMessage, reflect, scalarZeroValue } from '@bufbuild/protobuf/reflect';
import { type Decoded, decodeEnum, decodeScalar, describe, type Scalar } from './decode-scalar.ts';
import { decodeWellKnown } from './decode-well-known.ts';
import type { ProblemWalk } from './problems.ts';
import type { DecodeRun, Scope } from './scope.ts';
import { unknownFieldReason } from './unknown-field.ts';

/** A message decoded from `json`; what could not be decoded is left out and reported. */
export function decodeMessage(schema: DescMessage, json: unknown, walk: ProblemWalk): Message {
  return new MessageDecoder(walk).decode({ schema, parent: null }, json).message;
}

class MessageDecoder implements DecodeRun {
  readonly walk: ProblemWalk;

  constructor(walk: ProblemWalk) {
    this.walk = walk;
  }

  decode(scope: Scope, json: unknown): ReflectMessage {
    const special = decodeWellKnown(this, scope, json);
    if (special !== null) return reflect(scope.schema, special);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
      return this.decodeFields(scope, json as Record<string, unknown>, null);
    }
    this.walk.reject(`expected an object (${scope.schema.typeName}), found ${describe(json)}`);
    return reflect(scope.schema, create(scope.schema));
  }

  decodeFields(scope: Scope, json: Record<string, unknown>, skip: string | null): ReflectMessage {
    const target = reflect(scope.schema, create(scope.schema));
    const decoding = { run: this, scope, target, walk: this.walk };
    const fields = fieldsByKey(scope.schema);
    const seen = new Set<DescField>();
    const chosen = new Map<DescOneof, DescField>();
    for (const key of Object.keys(json)) {
      if (key === skip) continue;
      const field = fields.get(key);
      if (field === undefined) {
        this.walk.rejectUnknown(key, unknownFieldReason(key, scope));
        continue;
      }
      this.walk.push(field.name);
      if (seen.has(field)) this.walk.warn('given in both spellings; the last one counts');
      seen.add(field);
      if (claimOneof(field, json[key], chosen, this.walk)) decodeField(decoding, field, json[key]);
      this.walk.pop();
    }
    return target;
  }
}

interface Decoding {
  readonly run: DecodeRun;
  readonly scope: Scope;
  readonly target: ReflectMessage;
  readonly walk: ProblemWalk;
}

const keyTables = new WeakMap<DescMessage, ReadonlyMap<string, DescField>>();

/** The fields of a message by each key that may name them in JSON. */
function fieldsByKey(schema: DescMessage): ReadonlyMap<string, DescField> {
  let table = keyTables.get(schema);
  if (table === undefined) {
    const built = new Map<string, DescField>();
    for (const field of schema.fields) built.set(field.name, field).set(field.jsonName, field);
    keyTables.set(schema, built);
    table = built;
  }
  return table;
}

function claimOneof(
  field: DescField,
  json: unknown,
  chosen: Map<DescOneof, DescField>,
  walk: ProblemWalk,
): boolean {
  if (field.oneof === undefined || json === null) return true;
  const other = chosen.get(field.oneof);
  if (other !== undefined && other !== field) {
    walk.reject(`only one of the '${field.oneof.name}' fields may be set; '${other.name}' is, too`);
    return false;
  }
  chosen.set(field.oneof, field);
  return true;
}

function decodeField(decoding: Decoding, field: DescField, json: unknown): void {
  const { target, walk } = decoding;
  switch (field.fieldKind) {
    case 'list':
      decodeList(decoding, field, json);
      break;
    case 'map':
      decodeMap(decoding, field, json);
      break;
    case 'message': {
      if (json === null && !isNullable(field.message)) break;
      const child = { schema: field.message, parent: decoding.scope };
      target.set(field, decoding.run.decode(child, json));
      break;
    }
    default: {
      if (json === null) break;
      const value = decodeSingle(field, json, walk);
      if (value !== null) target.set(field, value);
    }
  }
}

/** For google.protobuf.Value, null is a value; for everything else it means «not set». */
function isNullable(schema: DescMessage): boolean {
  return schema.typeName === 'google.protobuf.Value';
}

/** A scalar or enum value; null when it was refused. */
function decodeSingle(field: DescField, json: unknown, walk: ProblemWalk): Scalar | null {
  const decoded: Decoded<Scalar> =
    field.enum === undefined
      ? decodeScalar(field.scalar ?? ScalarType.STRING, json)
      : decodeEnum(field.enum, json);
  if ('value' in decoded) return decoded.value;
  walk.reject(decoded.error);
  return null;
}

function decodeList(
  decoding: Decoding,
  field: DescField & { fieldKind: 'list' },
  json: unknown,
): void {
  if (json === null) return;
  const list = decoding.target.get(field);
  const items = Array.isArray(json) ? json : [json];
  items.forEach((item: unknown, index) => {
    decoding.walk.push(index);
    const value = decodeElement(decoding, field, item);
    if (value !== null) list.add(value);
    decoding.walk.pop();
  });
}

/** An item of a list or value of a map; null stands for the empty value. */
function decodeElement(
  decoding: Decoding,
  field: DescField & { fieldKind: 'list' | 'map' },
  json: unknown,
): unknown {
  if (field.message !== undefined) {
    const scope = { schema: field.message, parent: decoding.scope };
    const value = json === null && !isNullable(field.message) ? {} : json;
    return decoding.run.decode(scope, value);
  }
  if (json !== null) return decodeSingle(field, json, decoding.walk);
  return field.enum === undefined ? zero(field.scalar ?? ScalarType.STRING) : 0;
}

function zero(type: ScalarType): unknown {
  return scalarZeroValue(type, false);
}

function decodeMap(
  decoding: Decoding,
  field: DescField & { fieldKind: 'map' },
  json: unknown,
): void {
  if (json === null) return;
  const { walk } = decoding;
  if (typeof json !== 'object' || Array.isArray(json)) {
    walk.reject(`expected an object of keys and values, found ${describe(json)}`);
    return;
  }
  const map = decoding.target.get(field);
  for (const [key, item] of Object.entries(json)) {
    walk.pushKey(key);
    const decodedKey = decodeScalar(field.mapKey, key);
    const value = decodeElement(decoding, field, item);
    if ('error' in decodedKey) walk.reject(`as a key: ${decodedKey.error}`);
    else if (value !== null) map.set(decodedKey.value, value);
    walk.pop();
  }
}
