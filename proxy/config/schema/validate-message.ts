// Checks a decoded message against the rules that its proto files carry (validate.rules), what Envoy
// demands of every duration, and what it says of deprecated fields. Looks into each known Any.
import {
  type DescEnumValue,
  type DescField,
  type DescMessage,
  getOption,
  hasOption,
  type Message,
} from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import type { Any, Duration } from '@bufbuild/protobuf/wkt';
import * as deprecation from '../../api/gen/envoy/annotations/deprecation_pb.js';
import * as validate from '../../api/gen/validate/validate_pb.js';
import { apiRegistry } from '../../api/registry.ts';
import { type FieldRules, hasRules, isZero, rulesOf } from './field-rules.ts';
import { durationNanos } from './number-rules.ts';
import { openAny, typeIn } from './open-any.ts';
import type { ProblemWalk } from './problems.ts';

/** Envoy counts durations in 64-bit nanoseconds. */
const MAX_DURATION_NANOS = 9_223_372_036n * 1_000_000_000n;

/** Envoy never opens what this holds, so nothing in it is refused. */
const OPAQUE_TYPES = new Set(['envoy.config.core.v3.Metadata']);

/** Adds everything that the rules refuse in `message`, and what is deprecated, to `walk`. */
export function validateRules(schema: DescMessage, message: Message, walk: ProblemWalk): void {
  checkMessage(reflect(schema, message), walk);
}

function checkMessage(message: ReflectMessage, walk: ProblemWalk): void {
  const { desc } = message;
  if (desc.typeName.startsWith('google.protobuf.')) {
    checkWellKnown(message, walk);
    return;
  }
  if (OPAQUE_TYPES.has(desc.typeName) || isDisabled(desc)) return;
  for (const oneof of desc.oneofs) {
    if (message.oneofCase(oneof) !== undefined || !isRequiredOneof(oneof)) continue;
    const names = oneof.fields.map((field) => field.name).join(', ');
    walk.reject(`'${oneof.name}' is required: one of ${names}`);
  }
  for (const field of desc.fields) {
    if (!message.isSet(field) && !hasRules(field)) continue;
    walk.push(field.name);
    checkField(message, field, walk);
    walk.pop();
  }
}

function isDisabled(desc: DescMessage): boolean {
  return hasOption(desc, validate.disabled) && getOption(desc, validate.disabled);
}

function isRequiredOneof(oneof: DescMessage['oneofs'][number]): boolean {
  return hasOption(oneof, validate.required) && getOption(oneof, validate.required);
}

function checkWellKnown(message: ReflectMessage, walk: ProblemWalk): void {
  if (message.desc.typeName === 'google.protobuf.Duration') {
    const nanos = durationNanos(message.message as Duration);
    if (nanos < 0n) walk.reject('Expected positive duration');
    else if (nanos >= MAX_DURATION_NANOS) walk.reject('Duration out-of-range');
  } else if (message.desc.typeName === 'google.protobuf.Any') {
    checkAny(message.message as Any, walk);
  }
}

function checkAny(any: Any, walk: ProblemWalk): void {
  if (any.typeUrl === '') return;
  const content = openAny(any, apiRegistry);
  if (content !== null) {
    for (const { path, reason } of content.problems ?? []) {
      walk.push(path);
      walk.reject(reason);
      walk.pop();
    }
    checkMessage(reflect(content.schema, content.message), walk);
    return;
  }
  const name = typeIn(any);
  const isKnown = apiRegistry.getMessage(name) !== undefined;
  walk.reject(isKnown ? `the content is no ${name}` : `unknown type '${name}'`);
}

function checkField(message: ReflectMessage, field: DescField, walk: ProblemWalk): void {
  const isSet = message.isSet(field);
  if (isSet && field.deprecated) checkDeprecated(field, walk);
  const rules = rulesOf(field);
  switch (field.fieldKind) {
    case 'message':
      if (isSet) checkChild(message.get(field), field, walk);
      else if (rules.required && field.oneof === undefined) walk.reject('value is required');
      break;
    case 'list':
      checkList([...message.get(field)], rules, walk);
      break;
    case 'map':
      checkMap(message.get(field), rules, walk);
      break;
    default:
      // Without presence the zero value counts as given: `min_len: 1` makes a field required.
      if (isSet) checkValue(message.get(field), rules, walk);
      else if (!hasPresence(field)) checkAbsent(message.get(field), rules, walk);
      if (isSet && field.enum !== undefined) checkEnumValue(message.get(field), field, walk);
  }
}

function hasPresence(field: DescField): boolean {
  return field.oneof !== undefined || field.proto.proto3Optional;
}

function checkChild(child: ReflectMessage, field: DescField, walk: ProblemWalk): void {
  const rules = rulesOf(field);
  const name = child.desc.typeName;
  const found = walk.rejections.length;
  if (name === 'google.protobuf.Duration') checkValue(child.message, rules, walk);
  else if (isWrapper(name)) checkValue(wrapped(child), rules, walk);
  // A duration below its bound need not be called negative as well.
  if (!rules.skip && walk.rejections.length === found) checkMessage(child, walk);
}

function isWrapper(typeName: string): boolean {
  return typeName.startsWith('google.protobuf.') && typeName.endsWith('Value');
}

/** The scalar in a wrapper; Struct's Value has a oneof instead and no rules. */
function wrapped(message: ReflectMessage): unknown {
  const field = message.fields[0];
  return field?.fieldKind === 'scalar' ? message.get(field) : undefined;
}

function checkValue(value: unknown, rules: FieldRules, walk: ProblemWalk): void {
  if (rules.ignoreEmpty && isZero(value)) return;
  for (const check of rules.checks) {
    const reason = check(value);
    if (reason !== null) walk.reject(reason);
  }
}

/** The zero value of a field that nobody gave. */
function checkAbsent(zero: unknown, rules: FieldRules, walk: ProblemWalk): void {
  if (rules.ignoreEmpty) return;
  const reason = rules.checks.map((check) => check(zero)).find((found) => found !== null);
  if (reason !== undefined) walk.reject(`value is required: ${reason}`);
}

function checkList(items: readonly unknown[], rules: FieldRules, walk: ProblemWalk): void {
  if (!(rules.ignoreEmpty && items.length === 0)) checkSize(items, rules, walk);
  items.forEach((item, index) => {
    walk.push(index);
    checkItem(item, rules.items, walk);
    walk.pop();
  });
}

function checkSize(
  value: readonly unknown[] | ReadonlyMap<unknown, unknown>,
  rules: FieldRules,
  walk: ProblemWalk,
): void {
  for (const check of rules.checks) {
    const reason = check(value);
    if (reason !== null) walk.reject(reason);
  }
}

function checkItem(item: unknown, rules: FieldRules | null, walk: ProblemWalk): void {
  if (typeof item === 'object' && item !== null && 'desc' in item) {
    if (rules?.skip !== true) checkMessage(item as ReflectMessage, walk);
  } else if (rules !== null) {
    checkValue(item, rules, walk);
  }
}

function checkMap(map: ReadonlyMap<unknown, unknown>, rules: FieldRules, walk: ProblemWalk): void {
  checkSize(map, rules, walk);
  for (const [key, value] of map) {
    walk.pushKey(String(key));
    if (rules.keys !== null) checkValue(key, rules.keys, walk);
    checkItem(value, rules.items, walk);
    walk.pop();
  }
}

function checkDeprecated(field: DescField, walk: ProblemWalk): void {
  const name = `${field.parent.typeName}.${field.name}`;
  const isFatal = getOption(field, deprecation.disallowed_by_default);
  if (isFatal) walk.reject(`${name} is deprecated; Envoy refuses it by default`);
  else walk.warn(`${name} is deprecated and will be removed from Envoy`);
}

function checkEnumValue(number: number, field: DescField, walk: ProblemWalk): void {
  const value = field.enum?.value[number];
  if (value === undefined || !value.deprecated) return;
  if (isFatalValue(value)) walk.reject(`${value.name} is deprecated; Envoy refuses it by default`);
  else walk.warn(`${value.name} is deprecated and will be removed from Envoy`);
}

function isFatalValue(value: DescEnumValue): boolean {
  return getOption(value, deprecation.disallowed_by_default_enum);
}
