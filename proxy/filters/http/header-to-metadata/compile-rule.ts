// Checks and compiles rules of header_to_metadata.
import {
  type Config_KeyValuePair,
  type Config_Rule,
  Config_ValueEncode as ValueEncode,
  Config_ValueType as ValueType,
} from '../../../api/gen/envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata_pb.js';
import { compileRegexRewrite } from '../../../config/compile/string-matcher.ts';
import { utf8Bytes } from '../../../formatter/byte-text.ts';
import type { CompileContext } from '../../../model/extension.ts';
import type { RegexRewriteConfig } from '../../../model/route.ts';

/** Where values go that name no namespace. */
const DEFAULT_NAMESPACE = 'envoy.filters.http.header_to_metadata';
const VALUE_TYPES = {
  [ValueType.STRING]: 'text',
  [ValueType.NUMBER]: 'number',
  [ValueType.PROTOBUF_VALUE]: 'protobuf',
} as const;

/** Config.KeyValuePair */
export interface MetadataTarget {
  readonly namespace: string;
  readonly key: string;
  /** Instead of the field's; '': that one. */
  readonly value: string;
  readonly rewrite: RegexRewriteConfig | null;
  readonly type: (typeof VALUE_TYPES)[ValueType];
  readonly isBase64: boolean;
}

/** Config.Rule */
export interface MetadataRule {
  readonly source: 'header' | 'cookie';
  /** A field's is in lower case; pseudo-fields have one, too. */
  readonly name: string;
  readonly onPresent: MetadataTarget | null;
  readonly onMissing: MetadataTarget | null;
  readonly removes: boolean;
}

/** A compiled rule; null and a rejection in Envoy's words when it makes no sense. */
export function compileRule(message: Config_Rule, context: CompileContext): MetadataRule | null {
  const problem = problemOf(message);
  if (problem !== null) {
    context.reject('', problem);
    return null;
  }
  const { header, cookie, onHeaderPresent, onHeaderMissing, remove } = message;
  return {
    source: header === '' ? 'cookie' : 'header',
    name: header === '' ? cookie : header.toLowerCase(),
    onPresent: compileTarget(onHeaderPresent, context.at('on_header_present')),
    onMissing: compileTarget(onHeaderMissing, context.at('on_header_missing')),
    removes: remove,
  };
}

function problemOf(rule: Config_Rule): string | null {
  const { header, cookie, onHeaderPresent, onHeaderMissing } = rule;
  if (header !== '' && cookie !== '')
    return 'Cannot specify both header and cookie in the same rule';
  if (header === '' && cookie === '') {
    return 'One of Cookie or Header option needs to be specified';
  }
  if (onHeaderPresent?.regexValueRewrite !== undefined && onHeaderPresent.value !== '') {
    return 'Cannot specify both value and regex_value_rewrite';
  }
  if (onHeaderMissing?.value === '')
    return 'Cannot specify on_header_missing rule with an empty value';
  if (cookie !== '' && rule.remove) return 'Cannot specify remove for cookie';
  if (onHeaderPresent !== undefined || onHeaderMissing !== undefined) return null;
  const source = header === '' ? `cookie '${cookie}'` : `header '${header}'`;
  return `header to metadata filter: rule for ${source} has neither \`on_header_present\` nor \`on_header_missing\` set`;
}

function compileTarget(
  message: Config_KeyValuePair | undefined,
  context: CompileContext,
): MetadataTarget | null {
  if (message === undefined) return null;
  return {
    namespace: message.metadataNamespace === '' ? DEFAULT_NAMESPACE : message.metadataNamespace,
    key: message.key,
    value: utf8Bytes(message.value),
    rewrite: compileRegexRewrite(message.regexValueRewrite, context.at('regex_value_rewrite')),
    type: VALUE_TYPES[message.type],
    isBase64: message.encode === ValueEncode.BASE64,
  };
}
