// Header fields that a level of the route table adds to and removes from requests and responses.
import {
  HeaderValueOption_HeaderAppendAction as AppendAction,
  type HeaderValueOption,
} from '../../api/gen/envoy/config/core/v3/base_pb.js';
import { parseTextFormat } from '../../formatter/parse.ts';
import type { CompileContext } from '../../model/extension.ts';
import type {
  HeaderMutations,
  HeaderValueConfig,
  MessageMutations,
} from '../../model/header-mutations.ts';
import { compileEach } from './compile-each.ts';
import { acceptFormat, formatOptions } from './format-string.ts';

const ACTIONS: Readonly<Record<AppendAction, HeaderValueConfig['action']>> = {
  [AppendAction.APPEND_IF_EXISTS_OR_ADD]: 'append',
  [AppendAction.ADD_IF_ABSENT]: 'add-if-absent',
  [AppendAction.OVERWRITE_IF_EXISTS_OR_ADD]: 'overwrite',
  [AppendAction.OVERWRITE_IF_EXISTS]: 'overwrite-if-exists',
};
/** What a field name may not contain: RFC 9110 §5.1 allows tokens only. */
const NOT_A_TOKEN = /[^!#$%&'*+\-.^_`|~0-9A-Za-z]/;

/** The four lists as every level of the route table carries them. */
export interface MutationFields {
  readonly requestHeadersToAdd: readonly HeaderValueOption[];
  readonly requestHeadersToRemove: readonly string[];
  readonly responseHeadersToAdd: readonly HeaderValueOption[];
  readonly responseHeadersToRemove: readonly string[];
}

/** Compiles the mutations of one level. */
export function compileHeaderMutations(
  fields: MutationFields,
  context: CompileContext,
): HeaderMutations {
  return {
    request: compileSide(
      { side: 'request', add: fields.requestHeadersToAdd, remove: fields.requestHeadersToRemove },
      context,
    ),
    response: compileSide(
      {
        side: 'response',
        add: fields.responseHeadersToAdd,
        remove: fields.responseHeadersToRemove,
      },
      context,
    ),
  };
}

/** The lists of one direction. */
interface SideFields {
  readonly side: 'request' | 'response';
  readonly add: readonly HeaderValueOption[];
  readonly remove: readonly string[];
}

function compileSide(fields: SideFields, context: CompileContext): MessageMutations | null {
  const { side, add, remove } = fields;
  if (add.length === 0 && remove.length === 0) return null;
  const names = remove.map((name, index) =>
    compileRemoval(name, context.at(`${side}_headers_to_remove[${index}]`)),
  );
  const set = compileHeaderOptions({ path: `${side}_headers_to_add`, options: add }, context);
  return { remove: names, set };
}

/** Compiles a list of fields to add; those that cannot be sent are left out. */
export function compileHeaderOptions(
  field: { readonly path: string; readonly options: readonly HeaderValueOption[] },
  context: CompileContext,
): readonly HeaderValueConfig[] {
  return compileEach({ path: field.path, items: field.options }, context, compileHeaderOption);
}

function compileRemoval(name: string, context: CompileContext): string {
  const lower = name.toLowerCase();
  if (isFixed(lower)) context.reject('', ':-prefixed or host headers may not be removed');
  return lower;
}

/** Pseudo-fields and Host make the request what it is: rewrites change them, mutations may not. */
function isFixed(lowerName: string): boolean {
  return lowerName.startsWith(':') || lowerName === 'host';
}

/** Compiles a field to add; null when it may not be touched or cannot be sent. */
export function compileHeaderOption(
  option: HeaderValueOption,
  context: CompileContext,
): HeaderValueConfig | null {
  const name = (option.header?.key ?? '').toLowerCase();
  if (isFixed(name)) {
    context.reject('header.key', ':-prefixed or host headers may not be modified');
    return null;
  }
  if (NOT_A_TOKEN.test(name)) {
    // Envoy takes such a name; nothing on the way could read the message it would be sent in.
    context.warn('header.key', `'${name}' is no field name (RFC 9110 §5.1): it is never sent`);
    return null;
  }
  const action = appendAction(option, context);
  const value = compileValue(option, context.at('header'));
  if (action === null || value === null) return null;
  return { name, value, action, keepEmptyValue: option.keepEmptyValue };
}

function appendAction(
  option: HeaderValueOption,
  context: CompileContext,
): HeaderValueConfig['action'] | null {
  if (option.append === undefined) return ACTIONS[option.appendAction];
  if (option.appendAction !== AppendAction.APPEND_IF_EXISTS_OR_ADD) {
    context.reject('append', "Both append and append_action are set and it's not allowed");
    return null;
  }
  return option.append ? 'append' : 'overwrite';
}

function compileValue(
  option: HeaderValueOption,
  context: CompileContext,
): HeaderValueConfig['value'] | null {
  const value = option.header?.value ?? '';
  const raw = option.header?.rawValue;
  const isRaw = value === '' && raw !== undefined && raw.length > 0;
  // Field values travel as latin-1 text through the codecs.
  const text = isRaw ? Buffer.from(raw).toString('latin1') : value;
  const options = formatOptions(context.environment, { forHeader: true, omitEmptyValues: false });
  return acceptFormat(parseTextFormat(text, options), context, isRaw ? 'raw_value' : 'value');
}
