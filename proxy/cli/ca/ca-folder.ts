// A folder with an authority: its files have the names that Istio's `cacerts` secret wants.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authority, makeAuthorities, type NewAuthorities } from '../../ca/authority.ts';
import { writeCredentials } from '../../ca/credential-files.ts';
import { keyPem } from '../../ca/keys.ts';

/** What the files are called. */
export const CA_FILES = {
  /** The root's certificate and key: the key is needed for another intermediate only. */
  root: 'root-cert.pem',
  rootKey: 'root-key.pem',
  /** The intermediate's. */
  certificate: 'ca-cert.pem',
  key: 'ca-key.pem',
  /** The intermediate, then the root. */
  chain: 'cert-chain.pem',
} as const;

/** Makes the authorities and writes them; the error, or null. */
export async function createCaFolder(
  dir: string,
  wish: NewAuthorities,
  replaces: boolean,
): Promise<string | null> {
  const { root, intermediate } = await makeAuthorities(wish);
  const contents: readonly (readonly [string, string])[] = [
    [CA_FILES.rootKey, keyPem(root.key)],
    [CA_FILES.key, keyPem(intermediate.key)],
    [CA_FILES.root, root.certificate.pem],
    [CA_FILES.certificate, intermediate.certificate.pem],
    [CA_FILES.chain, intermediate.certificate.pem + root.certificate.pem],
  ];
  const files = contents.map(([name, content]) => ({ path: join(dir, name), content }));
  return writeCredentials(files, { replaces });
}

/** The authority in a folder. */
export function openCaFolder(dir: string): Authority | { readonly error: string } {
  const names = [CA_FILES.key, CA_FILES.certificate, CA_FILES.root];
  const texts: string[] = [];
  for (const name of names) {
    try {
      texts.push(readFileSync(join(dir, name), 'utf8'));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const hint = code === 'ENOENT' ? `: make an authority with 'outrigger ca init'` : '';
      return { error: `${join(dir, name)} cannot be read (${code})${hint}` };
    }
  }
  const [key = '', chain = '', root = ''] = texts;
  const authority = Authority.read({ keyPem: key, chainPem: chain, rootPem: root });
  return 'error' in authority ? { error: `${dir}: ${authority.error}` } : authority;
}
