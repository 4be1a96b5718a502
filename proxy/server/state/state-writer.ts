// Writes one file again and again: whole, beside the old one, and then in its place. Changes of a
// while are one write, and large files are written less often.
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';

/** What a writer works with. */
export interface StateWriterParts {
  readonly path: string;
  /** The file as it is to be. */
  readonly encode: () => readonly Uint8Array[];
  /** null: it was written. */
  readonly onWritten: (error: Error | null) => void;
}

/**
 * Changes wait so long. Longer loses more when the machine fails; shorter would save what ends this
 * very process a moment later, and bring it back at the next start.
 */
const DELAY_MS = 2_000;
/** Octets in a second that all writes of a file may come to. */
const BYTES_PER_MS = 1_000;
/** A disk that is full is full for a while. */
const RETRY_MS = 30_000;
/** For nobody else. */
const MODE = 0o600;

/** One per file. */
export class StateWriter {
  readonly #parts: StateWriterParts;
  #timer: NodeJS.Timeout | null = null;
  #isDirty = false;
  #isWriting = false;
  #isClosed = false;
  #lastBytes = 0;

  constructor(parts: StateWriterParts) {
    this.#parts = parts;
  }

  /** Something else is to be written, soon. */
  markDirty(): void {
    this.#isDirty = true;
    this.#plan(Math.max(DELAY_MS, this.#lastBytes / BYTES_PER_MS));
  }

  /** Nothing is written from now on but what was not yet, now. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#isDirty || this.#isWriting) this.#report(() => this.#writeNow());
  }

  #plan(afterMs: number): void {
    if (this.#timer !== null || this.#isWriting || this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#write(), afterMs);
    this.#timer.unref();
  }

  async #write(): Promise<void> {
    this.#timer = null;
    this.#isWriting = true;
    this.#isDirty = false;
    let error: Error | null = null;
    try {
      await this.#replace();
    } catch (failure) {
      error = failure as Error;
    }
    this.#isWriting = false;
    if (this.#isClosed) return;
    this.#parts.onWritten(error);
    if (error !== null) {
      this.#isDirty = true;
      this.#plan(RETRY_MS);
    } else if (this.#isDirty) {
      this.markDirty();
    }
  }

  async #replace(): Promise<void> {
    const { encode, path } = this.#parts;
    const pieces = encode();
    this.#lastBytes = sizeOf(pieces);
    const temporary = temporaryOf(path);
    try {
      const file = await open(temporary, 'w', MODE);
      try {
        await file.writeFile(Buffer.concat(pieces));
        await file.sync();
      } finally {
        await file.close();
      }
      // The process may have ended this file meanwhile.
      if (!this.#isClosed) await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  #writeNow(): void {
    const { encode, path } = this.#parts;
    const temporary = `${temporaryOf(path)}-end`;
    try {
      const file = openSync(temporary, 'w', MODE);
      try {
        for (const piece of encode()) writeAll(file, piece);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  }

  #report(action: () => void): void {
    try {
      action();
      this.#parts.onWritten(null);
    } catch (error) {
      this.#parts.onWritten(error as Error);
    }
  }
}

/** While one program takes over from the other, two processes write. */
function temporaryOf(path: string): string {
  return `${path}.tmp-${process.pid}`;
}

function writeAll(file: number, piece: Uint8Array): void {
  let at = 0;
  while (at < piece.length) at += writeSync(file, piece, at);
}

function sizeOf(pieces: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const piece of pieces) bytes += piece.length;
  return bytes;
}
