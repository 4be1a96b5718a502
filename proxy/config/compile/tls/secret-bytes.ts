// Octets of data sources that hold secrets: what is wrong is said without a word of the content.
import type { DataSource } from '../../../api/gen/envoy/config/core/v3/base_pb.js';
import type { CompileContext } from '../../../model/extension.ts';

/** Octets of a source, empty for an absent one; null and a rejection when they cannot be had. */
export function readSecretBytes(
  source: DataSource | undefined,
  context: CompileContext,
): Buffer | null {
  const choice = source?.specifier;
  switch (choice?.case) {
    case 'inlineString':
      return Buffer.from(choice.value, 'utf8');
    case 'inlineBytes':
      return Buffer.from(choice.value);
    case 'filename':
      return fromFile(choice.value, context.at('filename'));
    case 'environmentVariable':
      return fromVariable(choice.value, context);
    default:
      return Buffer.alloc(0);
  }
}

/** How Envoy calls a source in its messages; '' for an absent one. */
export function sourceName(source: DataSource | undefined): string {
  if (source === undefined) return '';
  return source?.specifier.case === 'filename' ? source.specifier.value : '<inline>';
}

function fromFile(path: string, context: CompileContext): Buffer | null {
  const content = context.environment.readFile(path);
  if (content !== null) return Buffer.from(content);
  context.reject('', `file ${path} does not exist, or it cannot be read`);
  return null;
}

function fromVariable(name: string, context: CompileContext): Buffer | null {
  const value = context.environment.format.variable(name);
  if (value !== null) return Buffer.from(value, 'utf8');
  context.reject('environment_variable', `Environment variable doesn't exist: ${name}`);
  return null;
}
