// config.core.v3.SubstitutionFormatString and plain format texts, handed to the formatter's parsers.
import type { SubstitutionFormatString } from '../../api/gen/envoy/config/core/v3/substitution_format_string_pb.js';
import type { FormatOptions, FormatParse } from '../../formatter/format-options.ts';
import type { Formatter } from '../../formatter/formatter.ts';
import { parseJsonFormat, parseTextFormat } from '../../formatter/parse.ts';
import type { CompileContext, CompileEnvironment } from '../../model/extension.ts';
import { compileDataSource } from './data-source.ts';
import { compileFormatters } from './formatter-extensions.ts';

/** Options of the parsers for one purpose in one environment. */
export function formatOptions(
  environment: CompileEnvironment,
  purpose: Omit<FormatOptions, 'environment'>,
): FormatOptions {
  return { ...purpose, environment: environment.format };
}

/** What a parser made of a format at `path`; null and a rejection when it refused it. */
export function acceptFormat(
  parsed: FormatParse,
  context: CompileContext,
  path: string,
): Formatter | null {
  if (parsed.ok) return parsed.formatter;
  context.reject(path, parsed.error);
  return null;
}

/** A compiled SubstitutionFormatString; null and a rejection when it is incomplete or refused. */
export function compileFormatString(
  message: SubstitutionFormatString,
  context: CompileContext,
  purpose: 'log-line' | 'reply-body' = 'log-line',
): Formatter | null {
  const options = formatOptions(context.environment, {
    forHeader: false,
    forBody: purpose === 'reply-body',
    omitEmptyValues: message.omitEmptyValues,
    extensions: compileFormatters(message.formatters, context),
  });
  const { format } = message;
  switch (format.case) {
    case 'textFormat':
      return acceptFormat(parseTextFormat(format.value, options), context, 'text_format');
    case 'textFormatSource': {
      const text = compileDataSource(format.value, context.at('text_format_source'));
      if (text === null) return null;
      return acceptFormat(parseTextFormat(text, options), context, 'text_format_source');
    }
    case 'jsonFormat':
      return acceptFormat(parseJsonFormat(format.value, options), context, 'json_format');
    default:
      context.reject('', 'format is required: use text_format_source, text_format or json_format');
      return null;
  }
}
