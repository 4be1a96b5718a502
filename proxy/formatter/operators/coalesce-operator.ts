// %COALESCE({"operators": [...]})%: the first of several operators that has a value.
import type { Operator, OperatorArguments, OperatorDefinition } from '../operator.ts';

type MakeOperator = OperatorDefinition['make'];

/** `makeNested` makes the operators that it chooses among. */
export function coalesceOperator(makeNested: MakeOperator): OperatorDefinition {
  const make: MakeOperator = (args) => makeCoalesce(args, makeNested);
  return { syntax: 'required', takesLength: true, make };
}

function makeCoalesce(
  { argument, options }: OperatorArguments,
  makeNested: MakeOperator,
): Operator | { readonly error: string } {
  const entries = coalesceEntries(argument);
  if ('error' in entries) return entries;
  const operators: Operator[] = [];
  for (const [index, entry] of entries.list.entries()) {
    const operator = operatorOf(entry, options, makeNested);
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

function operatorOf(
  entry: unknown,
  options: OperatorArguments['options'],
  makeNested: MakeOperator,
): Operator | { readonly error: string } {
  if (typeof entry === 'string') return makeNested({ name: entry, argument: '', options });
  if (typeof entry !== 'object' || entry === null) {
    return {
      error: `operator entry must be either a string (command name) or an object with 'command' field`,
    };
  }
  const { command, param = '', max_length: length } = entry as Readonly<Record<string, unknown>>;
  if (typeof command !== 'string') return { error: `operator object must have 'command' field` };
  if (typeof param !== 'string') return { error: `'param' field must be a string` };
  if (length !== undefined && !isPositiveInteger(length)) {
    return { error: `'max_length' must be a positive integer` };
  }
  const operator = makeNested({ name: command, argument: param, options });
  if ('error' in operator || length === undefined) return operator;
  return (context) => {
    const value = operator(context);
    return typeof value === 'string' ? value.slice(0, length) : value;
  };
}

function isPositiveInteger(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0;
}
