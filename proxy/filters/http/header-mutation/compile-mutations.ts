// Checks and compiles extensions.filters.http.header_mutation.v3.Mutations.
import type { HeaderMutation } from '../../../api/gen/envoy/config/common/mutation_rules/v3/mutation_rules_pb.js';
import {
  KeyValueAppend_KeyValueAppendAction as AppendAction,
  type KeyValueAppend,
  type KeyValueMutation,
} from '../../../api/gen/envoy/config/core/v3/base_pb.js';
import type { Mutations } from '../../../api/gen/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb.js';
import { compileEach } from '../../../config/compile/compile-each.ts';
import { acceptFormat, formatOptions } from '../../../config/compile/format-string.ts';
import { compileHeaderOption } from '../../../config/compile/header-mutations.ts';
import { compileStringMatcher } from '../../../config/compile/string-matcher.ts';
import { utf8Bytes } from '../../../formatter/byte-text.ts';
import { parseTextFormat } from '../../../formatter/parse.ts';
import type { CompileContext } from '../../../model/extension.ts';
import type { HeaderValueConfig } from '../../../model/header-mutations.ts';
import type { FieldMutation, MutationSet, ParameterMutation } from './mutation-set.ts';

const ACTIONS: Readonly<Record<AppendAction, HeaderValueConfig['action']>> = {
  [AppendAction.APPEND_IF_EXISTS_OR_ADD]: 'append',
  [AppendAction.ADD_IF_ABSENT]: 'add-if-absent',
  [AppendAction.OVERWRITE_IF_EXISTS_OR_ADD]: 'overwrite',
  [AppendAction.OVERWRITE_IF_EXISTS]: 'overwrite-if-exists',
};
const NONE: MutationSet = Object.freeze({
  request: [],
  parameters: [],
  requestTrailers: [],
  response: [],
  responseTrailers: [],
});

/** The mutations of one level; refused ones are left out. */
export function compileMutations(
  message: Mutations | undefined,
  context: CompileContext,
): MutationSet {
  if (message === undefined) return NONE;
  const fields = (path: string, items: readonly HeaderMutation[]): readonly FieldMutation[] =>
    compileEach({ path, items }, context, compileFieldMutation);
  const parameters = {
    path: 'query_parameter_mutations',
    items: message.queryParameterMutations,
  };
  return Object.freeze({
    request: fields('request_mutations', message.requestMutations),
    parameters: compileEach(parameters, context, compileParameterMutation),
    requestTrailers: fields('request_trailers_mutations', message.requestTrailersMutations),
    response: fields('response_mutations', message.responseMutations),
    responseTrailers: fields('response_trailers_mutations', message.responseTrailersMutations),
  });
}

function compileFieldMutation(
  { action }: HeaderMutation,
  context: CompileContext,
): FieldMutation | null {
  switch (action.case) {
    case 'remove':
      return compileRemoval(action.value.toLowerCase(), context);
    case 'append': {
      const option = compileHeaderOption(action.value, context.at('append'));
      return option === null ? null : { kind: 'append', option };
    }
    case 'removeOnMatch': {
      const { keyMatcher } = action.value;
      const at = context.at('remove_on_match.key_matcher');
      const match = keyMatcher === undefined ? null : compileStringMatcher(keyMatcher, at);
      return match === null ? null : { kind: 'remove-on-match', match };
    }
    default:
      context.reject('', 'action is required: use append, remove or remove_on_match');
      return null;
  }
}

function compileRemoval(name: string, context: CompileContext): FieldMutation {
  if (name === ':status') context.warn('remove', 'has no effect: a response keeps its status');
  return { kind: 'remove', name };
}

function compileParameterMutation(
  { append, remove }: KeyValueMutation,
  context: CompileContext,
): ParameterMutation | null {
  if (append !== undefined && remove !== '') {
    context.reject('', "Only one of 'append'/'remove can be specified.");
    return null;
  }
  if (remove !== '') return { kind: 'remove', key: utf8Bytes(remove) };
  if (append !== undefined) return compileParameter(append, context.at('append'));
  context.reject('', "One of 'append'/'remove' must be specified.");
  return null;
}

function compileParameter(
  { record, action }: KeyValueAppend,
  context: CompileContext,
): ParameterMutation | null {
  if (record === undefined) {
    context.reject('record', 'No record specified for append mutation.');
    return null;
  }
  if (record.value?.kind.case !== 'stringValue') {
    context.reject('record.value', 'Only string value is allowed for record value.');
    return null;
  }
  const options = formatOptions(context.environment, { forHeader: true, omitEmptyValues: false });
  const parsed = parseTextFormat(record.value.kind.value, options);
  const value = acceptFormat(parsed, context, 'record.value');
  return value && { kind: 'append', key: utf8Bytes(record.key), value, action: ACTIONS[action] };
}
