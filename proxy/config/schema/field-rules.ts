// The validate.rules options of a field, turned once into a list of checks on its values. Texts are
// those of Envoy's generated validators.
import {
  type DescEnum,
  type DescField,
  getOption,
  hasOption,
  type Message,
} from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import * as validate from '../../api/gen/validate/validate_pb.js';
import { numberChecks } from './number-rules.ts';
import type { RuleSet, ValueCheck } from './rule-set.ts';
import { bytesChecks, stringChecks } from './string-rules.ts';

/** The rules of one field. */
export interface FieldRules {
  /** A message field that must be present. */
  readonly required: boolean;
  /** Do not look inside of the message. */
  readonly skip: boolean;
  /** Zero values are not checked. */
  readonly ignoreEmpty: boolean;
  /** On the value, on the list, or on the map. */
  readonly checks: readonly ValueCheck[];
  /** On each item of a list or value of a map. */
  readonly items: FieldRules | null;
  /** On each key of a map. */
  readonly keys: FieldRules | null;
}

const NO_RULES: FieldRules = {
  required: false,
  skip: false,
  ignoreEmpty: false,
  checks: [],
  items: null,
  keys: null,
};

const compiled = new WeakMap<DescField, FieldRules>();

/** The rules of a field; most have none. */
export function rulesOf(field: DescField): FieldRules {
  let rules = compiled.get(field);
  if (rules === undefined) {
    rules = hasOption(field, validate.rules)
      ? compileRules(getOption(field, validate.rules), field)
      : NO_RULES;
    compiled.set(field, rules);
  }
  return rules;
}

/** False for the many fields that nothing is demanded of. */
export function hasRules(field: DescField): boolean {
  return rulesOf(field) !== NO_RULES;
}

function compileRules(message: validate.FieldRules, field: DescField): FieldRules {
  const onMessage = message.message === undefined ? {} : ruleSet(message.message);
  const ofType = message.type.value === undefined ? {} : ruleSet(message.type.value);
  const nested = (rule: unknown): FieldRules | null =>
    rule === undefined ? null : compileRules(rule as validate.FieldRules, field);
  return {
    required: onMessage['required'] === true || ofType['required'] === true,
    skip: onMessage['skip'] === true,
    ignoreEmpty: ofType['ignore_empty'] === true,
    checks: checksOf(message.type.case, ofType, field),
    items: nested(ofType['items'] ?? ofType['values']),
    keys: nested(ofType['keys']),
  };
}

function ruleSet(message: Message): RuleSet {
  const schema = validate.file_validate_validate.messages.find(
    (candidate) => candidate.typeName === message.$typeName,
  );
  if (schema === undefined) throw new Error(`${message.$typeName} is no kind of rules`);
  const fields = message as unknown as Record<string, unknown>;
  const reflected = reflect(schema, message);
  const set: Record<string, unknown> = {};
  for (const field of schema.fields) {
    if (!reflected.isSet(field)) continue;
    const local = field.oneof === undefined ? fields[field.localName] : oneofValue(fields, field);
    set[field.name] = local;
  }
  return set;
}

function oneofValue(fields: Record<string, unknown>, field: DescField): unknown {
  return (fields[field.oneof?.localName ?? ''] as { value?: unknown } | undefined)?.value;
}

function checksOf(kind: string | undefined, rules: RuleSet, field: DescField): ValueCheck[] {
  switch (kind) {
    case undefined:
    case 'any':
      return [];
    case 'string':
      return stringChecks(rules);
    case 'bytes':
      return bytesChecks(rules);
    case 'enum':
      return enumChecks(rules, field.enum);
    case 'repeated':
      return listChecks(rules);
    case 'map':
      return mapChecks(rules);
    default:
      return numberChecks(rules, kind);
  }
}

function enumChecks(rules: RuleSet, desc: DescEnum | undefined): ValueCheck[] {
  const checks = numberChecks(rules, 'enum');
  if (rules['defined_only'] === true && desc !== undefined) {
    const names = desc.values.map((value) => value.name).join(', ');
    checks.push((value) => {
      const isDefined = desc.value[value as number] !== undefined;
      return isDefined ? null : `value must be one of the defined enum values: ${names}`;
    });
  }
  return checks;
}

function listChecks(rules: RuleSet): ValueCheck[] {
  const checks = sizeChecks(rules['min_items'], rules['max_items'], 'item(s)');
  if (rules['unique'] === true) {
    checks.push((value) => {
      const list = value as readonly unknown[];
      return new Set(list).size === list.length ? null : 'repeated value must contain unique items';
    });
  }
  return checks;
}

function mapChecks(rules: RuleSet): ValueCheck[] {
  return sizeChecks(rules['min_pairs'], rules['max_pairs'], 'pair(s)');
}

function sizeChecks(min: unknown, max: unknown, unit: string): ValueCheck[] {
  const checks: ValueCheck[] = [];
  const size = (value: unknown): number =>
    Array.isArray(value) ? value.length : (value as ReadonlyMap<unknown, unknown>).size;
  if (min !== undefined) {
    checks.push((value) =>
      size(value) >= Number(min) ? null : `value must contain at least ${min} ${unit}`,
    );
  }
  if (max !== undefined) {
    checks.push((value) =>
      size(value) <= Number(max) ? null : `value must contain no more than ${max} ${unit}`,
    );
  }
  return checks;
}

/** True for the value that a field has when it is not set. */
export function isZero(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  return value === '' || value === 0 || value === 0n || value === false;
}
