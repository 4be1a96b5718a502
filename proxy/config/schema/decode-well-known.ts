// The messages whose JSON form is not their fields: Any, Duration, wrappers, Struct and its kin.
import {
  create,
  type DescMessage,
  fromJson,
  type JsonValue,
  type Message,
  toBinary,
} from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { AnySchema, DurationSchema, isWrapperDesc } from '@bufbuild/protobuf/wkt';
import { topLevelTypeNames } from '../../api/descriptor-loader.ts';
import { apiRegistry } from '../../api/registry.ts';
import { rememberAny, typeNameOf } from './any.ts';
import { decodeScalar, describe } from './decode-scalar.ts';
import type { ProblemWalk } from './problems.ts';
import type { DecodeRun, Scope } from './scope.ts';
import { suggest } from './suggest.ts';

/** Types whose JSON form the protobuf library reads; a failure of theirs needs no finer path. */
const BY_LIBRARY: ReadonlyMap<string, string> = new Map([
  ['google.protobuf.Struct', 'an object'],
  ['google.protobuf.Value', 'any value'],
  ['google.protobuf.ListValue', 'a list'],
  ['google.protobuf.Timestamp', "a time such as '2026-01-31T12:00:00Z'"],
  ['google.protobuf.FieldMask', "field names such as 'a,b.c'"],
]);

const TYPED_STRUCTS = new Set(['xds.type.v3.TypedStruct', 'udpa.type.v1.TypedStruct']);
const DURATION = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/;
/** google.protobuf.Duration: ten thousand years. */
const MAX_DURATION_SECONDS = 315_576_000_000;

/** A message of a well-known type; null when the type has no special form (for this value). */
export function decodeWellKnown(run: DecodeRun, scope: Scope, json: unknown): Message | null {
  const { schema } = scope;
  const { walk } = run;
  if (!schema.typeName.startsWith('google.protobuf.')) return null;
  const isObject = typeof json === 'object' && json !== null && !Array.isArray(json);
  switch (schema.typeName) {
    case 'google.protobuf.Any':
      return isObject ? decodeAny(run, scope, json as Record<string, unknown>) : null;
    case 'google.protobuf.Duration':
      return isObject ? null : decodeDuration(json, walk);
    case 'google.protobuf.Empty':
      return null;
    default:
  }
  if (isWrapperDesc(schema)) return isObject ? null : decodeWrapper(schema, json, walk);
  const expected = BY_LIBRARY.get(schema.typeName);
  return expected === undefined ? null : decodeByLibrary({ schema, expected }, json, walk);
}

function decodeByLibrary(
  type: { readonly schema: DescMessage; readonly expected: string },
  json: unknown,
  walk: ProblemWalk,
): Message {
  try {
    return fromJson(type.schema, json as JsonValue);
  } catch {
    // The library throws for what does not fit; which part is told by the value itself.
    walk.reject(`expected ${type.expected} (${type.schema.typeName}), found ${describe(json)}`);
    return create(type.schema);
  }
}

function decodeDuration(json: unknown, walk: ProblemWalk): Message {
  const match = typeof json === 'string' ? DURATION.exec(json) : null;
  const seconds = Number(match?.[2] ?? 0);
  if (match === null || seconds > MAX_DURATION_SECONDS) {
    walk.reject(durationReason(json, match !== null));
    return create(DurationSchema);
  }
  const sign = match[1] === '-' ? -1 : 1;
  const nanos = Number((match[3] ?? '').padEnd(9, '0'));
  return create(DurationSchema, { seconds: BigInt(sign * seconds), nanos: sign * nanos || 0 });
}

function durationReason(json: unknown, isTooLong: boolean): string {
  if (isTooLong) return `a duration of at most ${MAX_DURATION_SECONDS}s is expected`;
  const reason = `expected a duration in seconds such as '1.5s', found ${describe(json)}`;
  const other = /^(\d+(?:\.\d+)?) ?(ms|m|h|min|sec|S|)$/.exec(String(json));
  if (other === null) return reason;
  const factors: Readonly<Record<string, number>> = { ms: 0.001, m: 60, min: 60, h: 3600 };
  const value = Number(other[1]) * (factors[other[2] ?? ''] ?? 1);
  return `${reason}; did you mean '${Number(value.toFixed(9))}s'?`;
}

function decodeWrapper(schema: DescMessage, json: unknown, walk: ProblemWalk): Message {
  const message = create(schema);
  const field = schema.fields[0];
  if (json === null || field?.fieldKind !== 'scalar') return message;
  const decoded = decodeScalar(field.scalar, json);
  if ('error' in decoded) walk.reject(decoded.error);
  else reflect(schema, message).set(field, decoded.value);
  return message;
}

function decodeAny(run: DecodeRun, scope: Scope, json: Record<string, unknown>): Message {
  const { walk } = run;
  const typeUrl = json['@type'];
  if (typeUrl === undefined) {
    // Envoy takes `{}` for an Any that holds nothing.
    if (Object.keys(json).length > 0) walk.reject(missingTypeReason(json));
    return create(AnySchema);
  }
  const schema = schemaOf(typeUrl, walk);
  if (schema === null) return create(AnySchema);
  if (TYPED_STRUCTS.has(schema.typeName)) return decodeTypedStruct(run, scope, json);
  return pack(schema, String(typeUrl), decodeContent(run, { schema, parent: scope }, json));
}

function pack(schema: DescMessage, typeUrl: string, message: Message): Message {
  const any = create(AnySchema, { typeUrl, value: toBinary(schema, message) });
  rememberAny(any, { schema, message });
  return any;
}

function decodeContent(run: DecodeRun, scope: Scope, json: Record<string, unknown>): Message {
  const { walk } = run;
  if (hasJsonForm(scope.schema)) {
    const keys = Object.keys(json).filter((key) => key !== '@type' && key !== 'value');
    for (const key of keys) {
      walk.rejectKey(key, `a ${scope.schema.typeName} in an Any has only the field 'value'`);
    }
    return run.decode(scope, json['value'] ?? null).message;
  }
  return run.decodeFields(scope, json, '@type').message;
}

function hasJsonForm(schema: DescMessage): boolean {
  if (BY_LIBRARY.has(schema.typeName) || isWrapperDesc(schema)) return true;
  return ['google.protobuf.Any', 'google.protobuf.Duration'].includes(schema.typeName);
}

/** The message inside is decoded from the struct as if it had been written in the Any directly. */
function decodeTypedStruct(run: DecodeRun, scope: Scope, json: Record<string, unknown>): Message {
  const { walk } = run;
  const typeUrl = json['type_url'] ?? json['typeUrl'];
  walk.push('type_url');
  const schema = schemaOf(typeUrl, walk);
  walk.pop();
  if (schema === null) return create(AnySchema);
  walk.push('value');
  const message = run.decode({ schema, parent: scope }, json['value'] ?? {}).message;
  walk.pop();
  return pack(schema, String(typeUrl), message);
}

function missingTypeReason(json: Record<string, unknown>): string {
  const isRaw = 'type_url' in json || 'typeUrl' in json;
  return isRaw
    ? "expected '@type' and the fields of that type beside it; 'type_url' with bytes is not read"
    : "expected '@type', the type of this configuration";
}

function schemaOf(typeUrl: unknown, walk: ProblemWalk): DescMessage | null {
  if (typeof typeUrl !== 'string') {
    walk.rejectKey('@type', `expected a type URL, found ${describe(typeUrl)}`);
    return null;
  }
  const name = typeNameOf(typeUrl);
  if (!/^[^/]+\//.test(typeUrl) || name === '') {
    const meant = name === '' ? 'envoy.…' : name;
    walk.rejectKey('@type', `'${typeUrl}' is no type URL; write 'type.googleapis.com/${meant}'`);
    return null;
  }
  const schema = apiRegistry.getMessage(name);
  if (schema !== undefined) return schema;
  const near = suggest(name, topLevelTypeNames) ?? movedTo(name);
  const hint = near === null ? '' : `; did you mean '${near}'?`;
  walk.rejectKey('@type', `unknown type '${name}'${hint}`);
  return null;
}

/** The type of today that an earlier version of the API, or another package, had under this name. */
function movedTo(name: string): string | null {
  const [simpleName, , topic] = name.split('.').reverse();
  const found = [...topLevelTypeNames].filter((known) => {
    const parts = known.split('.');
    return parts.at(-1) === simpleName && topic !== undefined && parts.includes(topic);
  });
  return found.length === 1 ? (found[0] ?? null) : null;
}
