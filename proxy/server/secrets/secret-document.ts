// A Secret message whose parts may stand in files: which files those are, and the same message with
// their content in it, read as one.
import { clone, type Message } from '@bufbuild/protobuf';
import type { DataSource } from '../../api/gen/envoy/config/core/v3/base_pb.js';
import {
  type Secret,
  SecretSchema,
} from '../../api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';

/** More than this is no certificate: CA bundles of operating systems are a fifth of it. */
export const MAX_SECRET_FILE_BYTES = 1024 * 1024;

/** Content of a file, or why there is none. */
export type ReadSecretFile = (path: string) => Uint8Array | { readonly error: string };

/** Every file that the secret names, each once. */
export function filesOf(secret: Secret): readonly string[] {
  const paths = dataSourcesOf(secret).flatMap(({ specifier }) =>
    specifier.case === 'filename' ? [specifier.value] : [],
  );
  return [...new Set(paths)];
}

/** Directories in which changes of the secret show, by `watched_directory` or its files' own. */
export function watchedDirectoriesOf(secret: Secret): readonly string[] {
  const { type } = secret;
  const named =
    type.case === 'tlsCertificate' || type.case === 'validationContext'
      ? type.value.watchedDirectory?.path
      : undefined;
  const own = filesOf(secret).map((path) => path.slice(0, Math.max(path.lastIndexOf('/'), 0)));
  const directories = named === undefined ? own.map((path) => path || '/') : [named];
  return [...new Set(directories)];
}

/** The secret with the content of its files in it; `error` names the file that cannot be read. */
export function withFiles(
  secret: Secret,
  read: ReadSecretFile,
): { readonly secret: Secret } | { readonly error: string } {
  const copy = clone(SecretSchema, secret);
  const contents = new Map<string, Uint8Array>();
  for (const source of dataSourcesOf(copy)) {
    if (source.specifier.case !== 'filename') continue;
    const path = source.specifier.value;
    const content = contents.get(path) ?? read(path);
    if ('error' in content) return content;
    contents.set(path, content);
    source.specifier = { case: 'inlineBytes', value: content };
  }
  return { secret: copy };
}

function dataSourcesOf(message: object): DataSource[] {
  if ((message as Partial<Message>).$typeName === 'envoy.config.core.v3.DataSource') {
    return [message as DataSource];
  }
  if (ArrayBuffer.isView(message)) return [];
  return Object.values(message).flatMap((part: unknown) =>
    typeof part === 'object' && part !== null ? dataSourcesOf(part) : [],
  );
}
