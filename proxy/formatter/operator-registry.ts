// Every command operator by name: what Envoy 1.40 builds in, minus what is refused by name.
import type { Operator, OperatorArguments, OperatorDefinition, OperatorTable } from './operator.ts';
import { ADDRESS_OPERATORS } from './operators/address-operators.ts';
import { DURATION_OPERATORS } from './operators/duration-operators.ts';
import { MESSAGE_OPERATORS } from './operators/message-operators.ts';
import { METADATA_OPERATORS } from './operators/metadata-operators.ts';
import { STREAM_OPERATORS } from './operators/stream-operators.ts';
import { TIME_OPERATORS } from './operators/time-operators.ts';
import { TLS_OPERATORS } from './operators/tls-operators.ts';

/** Operators that Envoy has and that print nothing true here: refused rather than guessed. */
const UNSUPPORTED: ReadonlySet<string> = new Set([
  ...['CEL', 'TYPED_CEL', 'CLUSTER_METADATA', 'UPSTREAM_FILTER_STATE', 'DOWNSTREAM_CX_RTT'],
  ...['DOWNSTREAM_LOCAL_CLOSE_REASON', 'UPSTREAM_LOCAL_CLOSE_REASON'],
  ...['DOWNSTREAM_DETECTED_CLOSE_TYPE', 'UPSTREAM_DETECTED_CLOSE_TYPE'],
]);

const OPERATORS: ReadonlyMap<string, OperatorDefinition> = new Map(
  Object.entries<OperatorDefinition>({
    ...MESSAGE_OPERATORS,
    ...STREAM_OPERATORS,
    ...TIME_OPERATORS,
    ...DURATION_OPERATORS,
    ...ADDRESS_OPERATORS,
    ...METADATA_OPERATORS,
    ...TLS_OPERATORS,
    COALESCE: { syntax: 'required', takesLength: true, make: makeCoalesce },
  } satisfies OperatorTable),
);

/** Makes an operator, or says why it cannot be used as it is written. */
export function makeOperator(
  args: OperatorArguments,
  hasLength: boolean,
): Operator | { readonly error: string } {
  const { name } = args;
  const definition = OPERATORS.get(name);
  if (definition === undefined) return { error: unknownOperator(name) };
  if (definition.syntax === 'bare' && (args.argument !== '' || hasLength)) {
    return { error: `${name} does not take any parameters or length` };
  }
  if (definition.syntax === 'required' && args.argument === '') {
    return { error: `${name} requires parameters` };
  }
  if (hasLength && !definition.takesLength) {
    return { error: `${name} does not allow length to be specified.` };
  }
  return definition.make(args);
}

function unknownOperator(name: string): string {
  if (UNSUPPORTED.has(name)) return `The operator ${name} is not supported`;
  return `Not supported field in StreamInfo: ${name}`;
}

/** `{"operators": [...]}`: the first of several operators that has a value. */
function makeCoalesce({
  argument,
  options,
}: OperatorArguments): Operator | { readonly error: string } {
  const entries = coalesceEntries(argument);
  if ('error' in entries) return entries;
  const operators: Operator[] = [];
  for (const [index, entry] of entries.list.entries()) {
    const operator = coalesceOperator(entry, options);
    if ('error' in operator) {
      return { error: `COALESCE: failed to parse operator at index ${index}: ${operator.error}` };
    }
    operators.push(operator);
  }
  return (context) => {
    for (const operator of operators) {
      const value = operator(context);
      if (value !== null) return value;
    }
    return null;
  };
}

function coalesceEntries(
  argument: string,
): { readonly list: readonly unknown[] } | { readonly error: string } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(argument);
  } catch {
    // The reason is in the text itself, which the message repeats.
    return { error: `COALESCE: failed to parse JSON configuration: ${argument}` };
  }
  const list: unknown =
    typeof parsed === 'object' && parsed !== null && 'operators' in parsed
      ? parsed.operators
      : null;
  if (!Array.isArray(list)) {
    return { error: `COALESCE: JSON configuration must contain 'operators' array` };
  }
  return list.length > 0 ? { list } : { error: `COALESCE: 'operators' array must not be empty` };
}

function coalesceOperator(
  entry: unknown,
  options: OperatorArguments['options'],
): Operator | { readonly error: string } {
  if (typeof entry === 'string') return nestedOperator(entry, '', options);
  if (typeof entry !== 'object' || entry === null) {
    return {
      error: `operator entry must be either a string (command name) or an object with 'command' field`,
    };
  }
  const { command, param, max_length: length } = entry as Readonly<Record<string, unknown>>;
  if (typeof command !== 'string') return { error: `operator object must have 'command' field` };
  const operator = nestedOperator(command, typeof param === 'string' ? param : '', options);
  if ('error' in operator || typeof length !== 'number') return operator;
  return (context) => {
    const value = operator(context);
    return typeof value === 'string' ? value.slice(0, length) : value;
  };
}

function nestedOperator(
  name: string,
  argument: string,
  options: OperatorArguments['options'],
): Operator | { readonly error: string } {
  if (!OPERATORS.has(name)) return { error: `unknown command: '${name}'` };
  return makeOperator({ name, argument, options }, false);
}
