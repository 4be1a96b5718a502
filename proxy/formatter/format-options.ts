// What the parsers of format strings are told besides the text, and what they answer.
import type { Formatter } from './formatter.ts';

/** What operators print about the process; handed in because this room reads nothing itself. */
export interface FormatEnvironment {
  /** For `%HOSTNAME%`; '' when unknown. */
  readonly hostname: string;
  /** For `%ENVIRONMENT(X)%`: the variable's value, or null when it is not set. */
  variable(name: string): string | null;
  /** For `%UNIQUE_ID%`: a new random UUID at every call. */
  uuid(): string;
  /** For the `_LOCAL` times: minutes that local time is ahead of UTC at this wall-clock time. */
  utcOffsetMinutes(wallMs: number): number;
}

/** A formatter that has operators of its own. */
export type FormatterExtension = 'req-without-query';

/** How a format is rendered. */
export interface FormatOptions {
  /** A header's value: missing values print nothing, and values are never cut short. */
  readonly forHeader: boolean;
  /** A reply's body: values are never cut short, and text stays as it is. Absent: false. */
  readonly forBody?: boolean;
  /** SubstitutionFormatString.omit_empty_values: no `-` in text, no `null` members in JSON. */
  readonly omitEmptyValues: boolean;
  /** SubstitutionFormatString.formatters: what is known beside the built-in operators. Absent: none. */
  readonly extensions?: readonly FormatterExtension[];
  /** Absent: what would be read from it prints as missing, and local time is UTC. */
  readonly environment?: FormatEnvironment;
}

/** A compiled format, or why there is none: one sentence, in Envoy's words where it has some. */
export type FormatParse =
  | { readonly ok: true; readonly formatter: Formatter }
  | { readonly ok: false; readonly error: string };

/** A google.protobuf.Value as a plain value. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };
