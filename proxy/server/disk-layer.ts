// config.bootstrap.v3.RuntimeLayer.DiskLayer: a directory whose files are values of the runtime. Who
// changes them puts a new directory beside the old one and swaps the link that leads to it.
import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger } from '../base/log.ts';
import { textEntry } from '../config/compile/runtime-layers.ts';
import type { RuntimeEntry } from '../model/runtime.ts';
import { DirectoryWatch } from './directory-watch.ts';

/** Envoy's: deeper trees are taken for loops. */
const MAX_DEPTH = 16;
/** A runtime has tens of keys; whoever points it at a whole disk is told so instead of waiting. */
const MAX_FILES = 10_000;
/** A value is a number, a word or a fraction. */
const MAX_FILE_BYTES = 65_536;

/** What a layer's directory holds; null: there is none. A text says why it cannot be used. */
export type DiskLayerContent = ReadonlyMap<string, RuntimeEntry> | string | null;

/** Reads a layer's directory: `a/b` is the key `a.b`. Lines that begin with # are comments. */
export function readDiskLayer(directory: string): DiskLayerContent {
  try {
    if (!isDirectory(directory)) return null;
    const entries = new Map<string, RuntimeEntry>();
    addDirectory(entries, { path: directory, prefix: '', depth: 0 });
    return entries;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

interface Place {
  readonly path: string;
  readonly prefix: string;
  readonly depth: number;
}

function addDirectory(into: Map<string, RuntimeEntry>, { path, prefix, depth }: Place): void {
  if (depth > MAX_DEPTH) throw new Error(`${path}: more than ${MAX_DEPTH} directories deep`);
  for (const name of readdirSync(path).sort()) {
    const full = `${path}/${name}`;
    const stats = statSync(full);
    const key = prefix + name;
    if (stats.isDirectory())
      addDirectory(into, { path: full, prefix: `${key}.`, depth: depth + 1 });
    if (!stats.isFile()) continue;
    if (into.size >= MAX_FILES) throw new Error(`${path}: more than ${MAX_FILES} values`);
    if (stats.size > MAX_FILE_BYTES)
      throw new Error(`${full}: larger than ${MAX_FILE_BYTES} bytes`);
    into.set(key, textEntry(withoutComments(readFileSync(full, 'utf8'))));
  }
}

function withoutComments(text: string): string {
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  return lines.join('\n').trimEnd();
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Tells when the link at `root` was swapped; until it is closed. */
export class DiskLayerWatch {
  readonly #root: string;
  readonly #watch: DirectoryWatch;
  /** Which link it is: a swapped one is another file. */
  #identity: string;

  constructor(root: string, log: Logger, onSwap: () => void) {
    this.#root = root;
    this.#identity = identityOf(root);
    this.#watch = new DirectoryWatch(dirname(root), log, () => {
      const identity = identityOf(this.#root);
      if (identity === this.#identity) return;
      this.#identity = identity;
      onSwap();
    });
  }

  close(): void {
    this.#watch.close();
  }
}

function identityOf(path: string): string {
  try {
    const { dev, ino, ctimeMs } = lstatSync(path);
    return `${dev} ${ino} ${ctimeMs}`;
  } catch {
    // Gone, or not yet there: the layer is empty then.
    return '';
  }
}
