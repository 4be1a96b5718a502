// Format strings and JSON formats become formatters here.
import type { FormatOptions, FormatParse, JsonValue } from './format-options.ts';

/** Compiles a text format: `%OPERATOR(argument):length%` between literal text, `%%` for a percent. */
export function parseTextFormat(text: string, _options: FormatOptions): FormatParse {
  return { ok: false, error: `Incorrect configuration: ${text}` };
}

/** Compiles SubstitutionFormatString.json_format; its lines end with a newline. */
export function parseJsonFormat(_format: JsonValue, _options: FormatOptions): FormatParse {
  return { ok: false, error: 'Incorrect configuration' };
}
