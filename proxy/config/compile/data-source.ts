// config.core.v3.DataSource: text that stands in the configuration, a file or a variable.
import type { DataSource } from '../../api/gen/envoy/config/core/v3/base_pb.js';
import type { CompileContext } from '../../model/extension.ts';

/** The text of a data source, '' for an absent one; null and a rejection when it cannot be had. */
export function compileDataSource(
  source: DataSource | undefined,
  context: CompileContext,
): string | null {
  if (source?.watchedDirectory !== undefined) {
    context.warn('watched_directory', 'has no effect: this file is read once');
  }
  return readDataSource(source, context);
}

/** The same for those who see to `watched_directory` themselves. */
export function readDataSource(
  source: DataSource | undefined,
  context: CompileContext,
): string | null {
  const choice = source?.specifier;
  switch (choice?.case) {
    case 'inlineString':
      return choice.value;
    case 'inlineBytes':
      return decodeUtf8(choice.value, context.at('inline_bytes'));
    case 'filename':
      return fromFile(choice.value, context.at('filename'));
    case 'environmentVariable':
      return fromVariable(choice.value, context);
    default:
      return '';
  }
}

function fromFile(path: string, context: CompileContext): string | null {
  const content = context.environment.readFile(path);
  if (content !== null) return decodeUtf8(content, context);
  context.reject('', `file ${path} does not exist, or it cannot be read`);
  return null;
}

function fromVariable(name: string, context: CompileContext): string | null {
  const value = context.environment.format.variable(name);
  if (value !== null) return value;
  context.reject('environment_variable', `Environment variable doesn't exist: ${name}`);
  return null;
}

function decodeUtf8(bytes: Uint8Array, context: CompileContext): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // TextDecoder has no other reason to throw than bytes that are no UTF-8.
    context.reject('', 'is not UTF-8 text, which is all that is supported here');
    return null;
  }
}
