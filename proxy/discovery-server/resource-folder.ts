// A folder of resources, read again whenever something in it changes. A file with a fault is served
// as it was before.
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LocatedProblem } from '../config/source/report.ts';
import type { CheckContent } from './check-content.ts';
import {
  type PlacedResource,
  type ResourceFile,
  readResourceFile,
  unreadable,
} from './read-resource-file.ts';
import type { ServedResource } from './snapshot.ts';
import type { Layers } from './views.ts';

/** What a folder works with. */
export interface ResourceFolderParts {
  readonly path: string;
  readonly check: CheckContent;
  /** Calls back, some time after this call, when something in that directory changes. */
  readonly watch: (directory: string, onChange: () => void) => { close(): void };
}

/** What a folder holds. */
export interface FolderContent {
  readonly layers: Layers;
  /** Of all files, also of those that have not changed. */
  readonly problems: readonly LocatedProblem[];
  /** For the report, by file name. */
  readonly texts: ReadonlyMap<string, string>;
  /** Files with a fault. */
  readonly refused: readonly RefusedFile[];
  /** Files that are read. */
  readonly fileCount: number;
}

/** A file with a fault. */
export interface RefusedFile {
  readonly file: string;
  /** How many resources of it are served as they were. */
  readonly served: number;
}

/** Folders in it whose resources are for some clients only. */
const BY_NODE = 'by-node';
const BY_CLUSTER = 'by-cluster';
const ENDINGS = /\.(?:ya?ml|json)$/i;
/** Links may lead back up. */
const MAX_DEPTH = 16;

/** Whom files are for: `all`, `node/<id>` or `cluster/<name>`. */
type Layer = string;

interface FoundFile {
  readonly path: string;
  readonly layer: Layer;
}

interface KnownFile {
  readonly hash: string;
  readonly read: ResourceFile;
  /** What was served of it last. */
  readonly served: readonly PlacedResource[];
}

/** Reads on demand, and watches from the first reading on until it is closed. */
export class ResourceFolder {
  readonly #parts: ResourceFolderParts;
  readonly #watches = new Map<string, { close(): void }>();
  #files = new Map<string, KnownFile>();
  #onContent: ((content: FolderContent) => void) | null = null;
  #isReading = false;
  #isStale = false;
  #isClosed = false;

  constructor(parts: ResourceFolderParts) {
    this.#parts = parts;
  }

  /** Reads everything. Rejects when the folder itself cannot be read. */
  async read(): Promise<FolderContent> {
    const { files, directories } = await scan(this.#parts.path);
    this.#follow(directories);
    const known = new Map<string, KnownFile>();
    for (const { path } of files) known.set(path, await this.#readOne(path));
    this.#files = known;
    return this.#assemble(files);
  }

  /** From now on tells what the folder holds whenever that changes. */
  watch(onContent: (content: FolderContent) => void): void {
    this.#onContent = onContent;
    // It may have changed since it was read.
    void this.#refresh();
  }

  close(): void {
    this.#isClosed = true;
    this.#onContent = null;
    for (const watch of this.#watches.values()) watch.close();
    this.#watches.clear();
  }

  async #refresh(): Promise<void> {
    this.#isStale = true;
    if (this.#isReading || this.#onContent === null) return;
    this.#isReading = true;
    while (this.#isStale && !this.#isClosed) {
      this.#isStale = false;
      try {
        this.#onContent?.(await this.read());
      } catch {
        // The folder is away, as it is for a moment when it is replaced: what was in it is served.
      }
    }
    this.#isReading = false;
  }

  #follow(directories: readonly string[]): void {
    if (this.#isClosed) return;
    for (const [path, watch] of this.#watches) {
      if (directories.includes(path)) continue;
      watch.close();
      this.#watches.delete(path);
    }
    for (const path of directories) {
      if (this.#watches.has(path)) continue;
      this.#watches.set(
        path,
        this.#parts.watch(path, () => void this.#refresh()),
      );
      // What came into it before it was watched.
      this.#isStale = true;
    }
  }

  async #readOne(path: string): Promise<KnownFile> {
    const known = this.#files.get(path);
    const served = known?.served ?? [];
    let content: Buffer;
    try {
      content = await readFile(path);
    } catch (error) {
      const reason = `the file cannot be read: ${(error as NodeJS.ErrnoException).code ?? error}`;
      return { hash: '', read: unreadable(path, reason), served };
    }
    const hash = createHash('sha256').update(content).digest('base64');
    if (known?.hash === hash) return known;
    return { hash, read: readResourceFile({ name: path, content }, this.#parts.check), served };
  }

  /** In the order of the files: the first resource of a name counts. */
  #assemble(files: readonly FoundFile[]): FolderContent {
    const places = new Map<string, PlacedResource>();
    const byLayer = new Map<Layer, ServedResource[]>();
    const problems: LocatedProblem[] = [];
    const refused: RefusedFile[] = [];
    const texts = new Map<string, string>();
    for (const { layer, path } of files) {
      const known = this.#files.get(path) as KnownFile;
      const { read } = known;
      const twins = twinsOf(read, (each) => places.get(keyOf(layer, each)));
      const isGood = read.isGood && twins.length === 0;
      const served = isGood ? read.resources : known.served;
      this.#files.set(path, { ...known, served });
      problems.push(...read.problems, ...twins);
      if (!isGood) refused.push({ file: path, served: served.length });
      if (read.text !== null) texts.set(path, read.text);
      const resources = byLayer.get(layer) ?? [];
      byLayer.set(layer, resources);
      for (const placed of served) {
        const key = keyOf(layer, placed.resource);
        if (places.has(key)) continue;
        places.set(key, placed);
        resources.push(placed.resource);
      }
    }
    const layers = layersOf(byLayer);
    return { layers, problems, texts, refused, fileCount: files.length };
  }
}

/** All files of resources below a folder, and all folders; names that begin with a dot are left out. */
async function scan(
  root: string,
): Promise<{ readonly files: readonly FoundFile[]; readonly directories: readonly string[] }> {
  const files: FoundFile[] = [];
  const directories: string[] = [];
  const visit = async (directory: string, parts: readonly string[]): Promise<void> => {
    directories.push(directory);
    const names = (await readdir(directory)).filter((name) => !name.startsWith('.')).sort();
    for (const name of names) {
      const path = join(directory, name);
      // What is gone between two looks is gone.
      const facts = await stat(path).catch(() => null);
      if (facts?.isDirectory() === true && parts.length < MAX_DEPTH) {
        await visit(path, [...parts, name]);
      }
      if (facts?.isFile() === true && ENDINGS.test(name)) {
        files.push({ path, layer: layerOf(parts) });
      }
    }
  };
  await visit(root, []);
  return { files, directories };
}

function layerOf([first, name]: readonly string[]): Layer {
  if (name === undefined) return 'all';
  if (first === BY_NODE) return `node/${decoded(name)}`;
  return first === BY_CLUSTER ? `cluster/${decoded(name)}` : 'all';
}

/** A name with characters that folders cannot have is written with `%2F` and the like. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    // A percent sign that stands for itself.
    return name;
  }
}

function layersOf(byLayer: ReadonlyMap<Layer, readonly ServedResource[]>): Layers {
  const below = (prefix: string) =>
    new Map(
      [...byLayer]
        .filter(([layer]) => layer.startsWith(prefix))
        .map(([layer, resources]) => [layer.slice(prefix.length), resources] as const),
    );
  return { all: byLayer.get('all') ?? [], byCluster: below('cluster/'), byNode: below('node/') };
}

function keyOf(layer: Layer, { name, typeUrl }: ServedResource): string {
  return `${layer}\n${typeUrl}\n${name}`;
}

/** Resources of a name that another one has, in this file or in one before it. */
function twinsOf(
  { resources }: ResourceFile,
  before: (resource: ServedResource) => PlacedResource | undefined,
): readonly LocatedProblem[] {
  const own = new Map<string, PlacedResource>();
  return resources.flatMap((placed): readonly LocatedProblem[] => {
    const key = keyOf('', placed.resource);
    const first = own.get(key) ?? before(placed.resource);
    if (first === undefined) {
      own.set(key, placed);
      return [];
    }
    const { file, line } = first.place;
    const reason = `there is a '${placed.resource.name}' of this type already: ${file}:${line}`;
    return [{ ...placed.place, severity: 'error', path: '', reason }];
  });
}
