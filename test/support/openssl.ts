// The openssl command as a second opinion on what we write; tests are skipped where it is missing.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Options of a test that needs the command. */
export const NEEDS_OPENSSL: { readonly skip?: string } =
  spawnSync('openssl', ['version']).status === 0 ? {} : { skip: 'there is no openssl command' };

/** What it printed on both of its streams, and how it ended. */
export function openssl(
  args: readonly string[],
  input = '',
): { readonly status: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync('openssl', args, { input, encoding: 'utf8' });
  return { status, text: stdout + stderr };
}

/** A folder of these files for `use`, gone afterwards. */
export function withFiles<T>(
  files: Readonly<Record<string, string>>,
  use: (path: (name: string) => string) => T,
): T {
  const dir = mkdtempSync(join(tmpdir(), 'outrigger-pem-'));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content);
    return use((name) => join(dir, name));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
