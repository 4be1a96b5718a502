// Writes certificates and keys to files: keys for their owner only, each file whole or not at all,
// and nothing over what is there unless that is asked for.

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** A file to be written. */
export interface CredentialFile {
  readonly path: string;
  readonly content: string;
}

/** What Istio calls the files of a workload. */
export const WORKLOAD_FILES = {
  chain: 'cert-chain.pem',
  key: 'key.pem',
  root: 'root-cert.pem',
} as const;

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/**
 * Writes all of them, in order, and makes their folders; answers why it can't, null: it did. With
 * `replaces` false nothing is written when one of them is there.
 */
export function writeCredentials(
  files: readonly CredentialFile[],
  { replaces }: { readonly replaces: boolean },
): string | null {
  const there = replaces ? [] : files.filter(({ path }) => existsSync(path));
  if (there.length > 0) return `there already: ${there.map(({ path }) => path).join(', ')}`;
  for (const file of files) {
    try {
      writeWhole(file, replaces);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return code === 'EEXIST' ? `there already: ${file.path}` : `${file.path}: ${message}`;
    }
  }
  return null;
}

function writeWhole({ path, content }: CredentialFile, replaces: boolean): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
  const draft = join(folder, `.${randomBytes(8).toString('hex')}.tmp`);
  const descriptor = openSync(draft, 'wx', FILE_MODE);
  try {
    try {
      // Whatever the umask says.
      fchmodSync(descriptor, FILE_MODE);
      writeSync(descriptor, content);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    // A link fails where a file has come to be meanwhile; renaming would replace it.
    if (replaces) renameSync(draft, path);
    else linkSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
}
