// Reads files again when something changes in the directory that a configuration watches for them.
import { open } from 'node:fs/promises';
import type { Logger } from '../base/log.ts';
import type { WatchedFileConfig, WatchedFiles, WatchedText } from '../model/watched-file.ts';
import { DirectoryWatch } from './directory-watch.ts';

/** One per worker; watches until it is closed, each directory once. */
export class FileWatcher implements WatchedFiles {
  readonly #log: Logger;
  readonly #directories = new Map<string, WatchedDirectory>();

  constructor(log: Logger) {
    this.#log = log;
  }

  open(file: WatchedFileConfig, initial: string): WatchedText {
    let directory = this.#directories.get(file.directory);
    if (directory === undefined) {
      directory = new WatchedDirectory(file.directory, this.#log);
      this.#directories.set(file.directory, directory);
    }
    const watched = directory;
    const shared = watched.open(file, initial);
    return new OpenedText(shared, () => this.#release(watched, shared));
  }

  /** The last user of a directory's last file ends the watch. */
  #release(directory: WatchedDirectory, file: WatchedFile): void {
    if (!directory.release(file)) return;
    directory.close();
    if (this.#directories.get(directory.path) === directory) {
      this.#directories.delete(directory.path);
    }
  }

  close(): void {
    for (const directory of this.#directories.values()) directory.close();
    this.#directories.clear();
  }
}

/** A file as one of its users sees it. */
class OpenedText implements WatchedText {
  readonly #file: WatchedFile;
  #onClose: (() => void) | null;

  constructor(file: WatchedFile, onClose: () => void) {
    this.#file = file;
    this.#onClose = onClose;
  }

  get text(): string {
    return this.#file.text;
  }

  close(): void {
    this.#onClose?.();
    this.#onClose = null;
  }
}

class WatchedDirectory {
  readonly path: string;
  readonly #log: Logger;
  readonly #files = new Map<string, WatchedFile>();
  readonly #watch: DirectoryWatch;

  constructor(path: string, log: Logger) {
    this.path = path;
    this.#log = log;
    this.#watch = new DirectoryWatch(path, log, () => {
      for (const file of this.#files.values()) void file.refresh();
    });
  }

  /** Those who ask for the same get the same. */
  open(config: WatchedFileConfig, initial: string): WatchedFile {
    const key = keyOf(config);
    const known = this.#files.get(key);
    if (known !== undefined) {
      known.users += 1;
      return known;
    }
    const file = new WatchedFile(config, initial, this.#log);
    this.#files.set(key, file);
    // It may have changed since it was loaded.
    void file.refresh();
    return file;
  }

  /** One user of the file is done. True: nobody uses any file here. */
  release(file: WatchedFile): boolean {
    file.users -= 1;
    if (file.users === 0) this.#files.delete(keyOf(file.config));
    return this.#files.size === 0;
  }

  close(): void {
    this.#watch.close();
  }
}

/** Those who ask for the same get the same. */
function keyOf({ maxBytes, path }: WatchedFileConfig): string {
  return `${maxBytes} ${path}`;
}

class WatchedFile {
  readonly config: WatchedFileConfig;
  text: string;
  users = 1;
  readonly #log: Logger;
  /** It is being read, and `isStale` says that it changed meanwhile. */
  #isReading = false;
  #isStale = false;

  constructor(config: WatchedFileConfig, initial: string, log: Logger) {
    this.config = config;
    this.text = initial;
    this.#log = log;
  }

  /** The last user is gone; it may be read just then. */
  get #isClosed(): boolean {
    return this.users === 0;
  }

  async refresh(): Promise<void> {
    this.#isStale = true;
    if (this.#isReading) return;
    this.#isReading = true;
    while (this.#isStale) {
      this.#isStale = false;
      await this.#read();
    }
    this.#isReading = false;
  }

  /** What cannot be used leaves the text as it is. */
  async #read(): Promise<void> {
    const { path, maxBytes } = this.config;
    try {
      const text = await readText(path, maxBytes);
      if (text === this.text || this.#isClosed) return;
      this.text = text;
      this.#log.log('info', `${path} changed: ${text.length} characters`);
    } catch (error) {
      if (this.#isClosed) return;
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.log('warning', `${path} is served as it was: ${reason}`);
    }
  }
}

/** Never more than the limit is read: the file may be growing, or be no file at all. */
async function readText(path: string, maxBytes: number): Promise<string> {
  const file = await open(path, 'r');
  try {
    if (!(await file.stat()).isFile()) throw new Error('it is no regular file');
    const buffer = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length);
      length += bytesRead;
      if (length > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`);
      if (bytesRead === 0) break;
    }
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return decoder.decode(buffer.subarray(0, length));
  } finally {
    await file.close();
  }
}
