// Format strings and JSON formats become formatters here. What formatters give are byte strings
// (one character per octet): write them as latin1.
import type { FormatOptions, FormatParse, JsonValue } from './format-options.ts';
import { parseFormatText } from './format-text.ts';
import { compileJsonNode, JsonFormatter } from './json-formatter.ts';
import { translateLegacyFormat } from './legacy-format.ts';
import { TextFormatter } from './text-formatter.ts';

/** Envoy's format of access logs that name none; its newline included. */
export const DEFAULT_LOG_FORMAT =
  '[%START_TIME%] "%REQUEST_HEADER(:METHOD)% %REQUEST_HEADER(X-ENVOY-ORIGINAL-PATH?:PATH)% ' +
  '%PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% ' +
  '%RESPONSE_HEADER(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQUEST_HEADER(X-FORWARDED-FOR)%" ' +
  '"%REQUEST_HEADER(USER-AGENT)%" "%REQUEST_HEADER(X-REQUEST-ID)%" ' +
  '"%REQUEST_HEADER(:AUTHORITY)%" "%UPSTREAM_HOST%"\n';

/**
 * Compiles a text format: `%OPERATOR(argument):length%` between literal text, `%%` for a percent
 * sign. Control bytes in values are escaped; no newline is added. Of a header the forms that Envoy had
 * before are understood too.
 */
export function parseTextFormat(text: string, options: FormatOptions): FormatParse {
  const current = options.forHeader ? translateLegacyFormat(text) : text;
  const parsed = parseFormatText(current, options);
  if ('error' in parsed) return { ok: false, error: parsed.error };
  return { ok: true, formatter: new TextFormatter(parsed, options) };
}

/**
 * Compiles SubstitutionFormatString.json_format, given as the plain value of the Struct. Keys are
 * sorted; a line ends with a newline.
 */
export function parseJsonFormat(format: JsonValue, options: FormatOptions): FormatParse {
  const root = compileJsonNode(format, options);
  if ('error' in root) return { ok: false, error: root.error };
  return { ok: true, formatter: new JsonFormatter(root) };
}
