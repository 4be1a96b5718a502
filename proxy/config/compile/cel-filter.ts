// envoy.access_loggers.extension_filters.cel: lines of exchanges for which an expression is true.
import type { ExtensionFilter } from '../../api/gen/envoy/config/accesslog/v3/accesslog_pb.js';
import {
  type ExpressionFilter,
  ExpressionFilterSchema,
} from '../../api/gen/envoy/extensions/access_loggers/filters/cel/v3/cel_pb.js';
import { compileCel } from '../../cel/compile-cel.ts';
import type { AccessLogFilter } from '../../formatter/formatter.ts';
import { CEL_ATTRIBUTES } from '../../model/cel-attributes.ts';
import type { CompileContext } from '../../model/extension.ts';
import { typeIn } from '../schema/open-any.ts';
import { typedConfigOf, unpack } from './extension-lookup.ts';

/** A filter as an extension, of which CEL is the only one; null and a rejection otherwise. */
export function compileCelFilter(
  { name, configType }: ExtensionFilter,
  context: CompileContext,
): AccessLogFilter | null {
  const any = typedConfigOf(configType);
  const type = typeIn(any);
  if (any === undefined || type !== ExpressionFilterSchema.typeName) {
    const rule = `Didn't find a registered implementation for '${name}' with type URL: '${type}'`;
    context.reject('typed_config', `${rule}: of extensions, CEL expressions decide about lines`);
    return null;
  }
  const message = unpack(any, context, 'typed_config') as ExpressionFilter | null;
  return message === null ? null : ofExpression(message, context.at('typed_config'));
}

function ofExpression(
  { expression }: ExpressionFilter,
  context: CompileContext,
): AccessLogFilter | null {
  const evaluate = compileCel(expression, CEL_ATTRIBUTES);
  if (typeof evaluate === 'function') return { accepts: (line) => evaluate(line) === true };
  const { at, reason } = evaluate;
  const rule = 'Not able to parse filter expression';
  context.reject('expression', `${rule}: column ${at + 1} of '${expression}': ${reason}`);
  return null;
}
