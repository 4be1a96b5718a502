// Where a file can change: its own directory, and those of every link on the way to it. A mounted
// ConfigMap is such a way: the file leads to `..data`, which leads to the version in use.
import { readlinkSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** As many as the system itself follows; more are a loop. */
const MAX_LINKS = 40;

/** Directories in which the file at `path`, or a link that leads to it, has its name. */
export function linkDirectories(path: string): readonly string[] {
  const found = new Set<string>();
  let at = resolve(path);
  for (let links = 0; links < MAX_LINKS; links += 1) {
    found.add(dirname(at));
    const target = targetOf(at);
    if (target === null) break;
    at = resolve(dirname(at), target);
  }
  return [...found];
}

/** null: it is no link, or not there. */
function targetOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
