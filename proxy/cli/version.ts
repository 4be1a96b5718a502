// What `--version` and `/server_info` call this program.
import { readFileSync } from 'node:fs';

/** Envoy's shape: `<revision>/<version>/<Clean|Modified>/<RELEASE|DEBUG>/<ssl library>`. */
export function versionText(): string {
  const { version, gitHead } = readPackage();
  return `${gitHead ?? 'unknown'}/${version}/Clean/RELEASE/OpenSSL-${process.versions.openssl}`;
}

interface PackageFacts {
  readonly version: string;
  /** npm writes it into what it publishes. */
  readonly gitHead?: string;
}

/** package.json lies three levels above, in the sources' layout and four in the compiled one's. */
function readPackage(): PackageFacts {
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      return JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as PackageFacts;
    } catch {
      // The other layout.
    }
  }
  return { version: '0.0.0' };
}
