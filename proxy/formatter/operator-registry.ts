// Every command operator by name: what Envoy 1.40 builds in, minus what is refused by name.
import type { FormatterExtension } from './format-options.ts';
import type { Operator, OperatorArguments, OperatorDefinition, OperatorTable } from './operator.ts';
import { ADDRESS_OPERATORS } from './operators/address-operators.ts';
import { CLOSE_OPERATORS } from './operators/close-operators.ts';
import { coalesceOperator } from './operators/coalesce-operator.ts';
import { DURATION_OPERATORS } from './operators/duration-operators.ts';
import { MESSAGE_OPERATORS, REQ_WITHOUT_QUERY_OPERATORS } from './operators/message-operators.ts';
import { METADATA_OPERATORS } from './operators/metadata-operators.ts';
import { SERVER_NAME_OPERATOR } from './operators/server-name-operator.ts';
import { STREAM_OPERATORS } from './operators/stream-operators.ts';
import { TIME_OPERATORS } from './operators/time-operators.ts';
import { TLS_OPERATORS } from './operators/tls-operators.ts';

/** Operators of Envoy that are refused, with the reason. */
const CEL_REFUSAL =
  'CEL expressions are not evaluated; print the parts by their own operators, such as REQ and RESP';
const REFUSED: Readonly<Record<string, string>> = {
  CEL: CEL_REFUSAL,
  TYPED_CEL: CEL_REFUSAL,
};

const OPERATORS: ReadonlyMap<string, OperatorDefinition> = new Map(
  Object.entries<OperatorDefinition>({
    ...MESSAGE_OPERATORS,
    ...STREAM_OPERATORS,
    ...TIME_OPERATORS,
    ...DURATION_OPERATORS,
    ...ADDRESS_OPERATORS,
    ...CLOSE_OPERATORS,
    ...METADATA_OPERATORS,
    ...TLS_OPERATORS,
    REQUESTED_SERVER_NAME: SERVER_NAME_OPERATOR,
    COALESCE: coalesceOperator(nestedOperator),
  } satisfies OperatorTable),
);

const EXTENSIONS: Readonly<Record<FormatterExtension, OperatorTable>> = {
  'req-without-query': REQ_WITHOUT_QUERY_OPERATORS,
};

/** Makes an operator, or says why it cannot be used as it is written. */
export function makeOperator(
  args: OperatorArguments,
  hasLength: boolean,
): Operator | { readonly error: string } {
  const { name } = args;
  const definition = OPERATORS.get(name) ?? extensionOf(args);
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

function extensionOf({ name, options }: OperatorArguments): OperatorDefinition | undefined {
  const table = options.extensions?.map((extension) => EXTENSIONS[extension]);
  return table?.find((operators) => Object.hasOwn(operators, name))?.[name];
}

function unknownOperator(name: string): string {
  if (Object.hasOwn(REFUSED, name)) return `${name} is not supported: ${REFUSED[name]}`;
  return `Not supported field in StreamInfo: ${name}`;
}

function nestedOperator(args: OperatorArguments): Operator | { readonly error: string } {
  const { name } = args;
  return OPERATORS.has(name) ? makeOperator(args, false) : { error: `unknown command: '${name}'` };
}
