// One configuration file, read: its format follows from the name, as in Envoy.
import { readJson } from './read-json.ts';
import { readYaml } from './read-yaml.ts';
import { MAX_SOURCE_BYTES, type ReadResult, type SourceProblem } from './source-node.ts';

/** How a configuration is written. */
export type SourceFormat = 'yaml' | 'json' | 'protobuf' | 'protobuf-text';

/** A configuration as it was found. */
export interface SourceText {
  /** The name that reports show; its ending tells the format, unless `format` does. */
  readonly name: string;
  readonly format?: SourceFormat;
  readonly content: string | Uint8Array;
}

/** The format of a text. Envoy takes files with unknown endings for JSON. */
export function formatOf({ name, format }: Pick<SourceText, 'name' | 'format'>): SourceFormat {
  if (format !== undefined) return format;
  const lower = name.toLowerCase();
  if (lower.endsWith('.yaml') || lower.endsWith('.yml')) return 'yaml';
  if (lower.endsWith('.pb')) return 'protobuf';
  return lower.endsWith('.pb_text') ? 'protobuf-text' : 'json';
}

/**
 * A file's text as UTF-8; null when it is JSON and no UTF-8. Envoy lets YAML pass with broken
 * characters in it. A byte-order mark stays, so that JSON refuses it as Envoy does.
 */
export function textOf(source: SourceText): string | null {
  if (typeof source.content === 'string') return source.content;
  const fatal = formatOf(source) === 'json';
  try {
    return new TextDecoder('utf-8', { ignoreBOM: true, fatal }).decode(source.content);
  } catch {
    // The decoder's only failure.
    return null;
  }
}

/** Reads a text of a known format; problems of the text itself are found here. */
export function readText(text: string, format: SourceFormat): ReadResult {
  const bytes = text.length > MAX_SOURCE_BYTES / 3 ? Buffer.byteLength(text) : text.length;
  if (bytes > MAX_SOURCE_BYTES) return refused(`larger than ${MAX_SOURCE_BYTES} bytes`);
  switch (format) {
    case 'yaml':
      return readYaml(text);
    case 'json':
      return readJson(text);
    case 'protobuf-text':
      return refused('protobuf text format is not supported; write it as YAML or JSON');
    case 'protobuf':
      return refused('protobuf binary format has no text to read');
  }
}

function refused(reason: string): ReadResult {
  const problem: SourceProblem = { start: 0, end: 0, reason };
  return { ok: false, problems: [problem] };
}
