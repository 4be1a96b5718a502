// One log file (or standard stream) with its buffer, shared by every access log that names it.
// Writing a line is a copy into memory; the target's trouble never reaches the data path.
import fs from 'node:fs';
import { latin1Write } from '../base/latin1.ts';
import { BlockWriter, type BlockWriterHandler } from './block-writer.ts';
import type { LogFileStats } from './log-file-stats.ts';

/** Memory that lines are collected in; a larger line is written by itself. */
const BLOCK_BYTES = 64 * 1024;

/**
 * What may wait for a slow target before lines are dropped: seconds of a busy log. More would only
 * put off the loss and cost memory.
 */
export const MAX_PENDING_BYTES = 4 * 1024 * 1024;

// Not blocking: a pipe without reader is an error to retry, not a thread that hangs for ever.
const OPEN_FLAGS =
  fs.constants.O_WRONLY | fs.constants.O_APPEND | fs.constants.O_CREAT | fs.constants.O_NONBLOCK;
const OPEN_MODE = 0o644;

/** Where lines go: a path, or a descriptor that is always open. */
export type LogFileTarget =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'descriptor'; readonly descriptor: number };

/** When buffers are written. */
export interface FlushPolicy {
  /** Longest age of a line in the buffer of a regular file. */
  readonly intervalMs: number;
  /** The same for terminals, pipes and standard streams, where somebody may be looking. */
  readonly streamIntervalMs: number;
  /** A buffer of this size is written at once. */
  readonly minBytes: number;
}

/** A log file. Lines are byte strings. */
export class LogFile implements BlockWriterHandler {
  readonly #target: LogFileTarget;
  readonly #policy: FlushPolicy;
  readonly #stats: LogFileStats;
  /** null while the file could not be opened. */
  #writer: BlockWriter | null = null;
  #block: Buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  /** Lines since the last flush stand in block[start, end). */
  #start = 0;
  #end = 0;
  #timer: NodeJS.Timeout | null = null;
  #intervalMs: number;
  #isClosed = false;

  constructor(target: LogFileTarget, policy: FlushPolicy, stats: LogFileStats) {
    this.#target = target;
    this.#policy = policy;
    this.#stats = stats;
    this.#intervalMs = policy.streamIntervalMs;
  }

  /** Opens the file if it is not open; null, or the system's reason why it cannot be. */
  open(): string | null {
    if (this.#writer !== null) return null;
    const opened = openDescriptor(this.#target);
    if ('error' in opened) return opened.error;
    this.#useDescriptor(opened);
    return null;
  }

  /** Buffers a line, or drops it when too much waits already. */
  append(line: string): void {
    if (this.#isClosed) return;
    const length = line.length;
    const waiting = this.#writer === null ? 0 : this.#writer.pendingBytes;
    if (waiting + this.#end - this.#start + length > MAX_PENDING_BYTES) {
      this.#stats.writeDropped.inc();
      return;
    }
    if (this.#end + length > BLOCK_BYTES && !this.#makeRoom(length)) return;
    this.#end += latin1Write(this.#block, line, this.#end);
    this.#stats.writeBuffered.inc();
    this.#stats.writeTotalBuffered.add(length);
    if (this.#end - this.#start >= this.#policy.minBytes) this.flush();
    else if (this.#timer === null) this.#armTimer();
  }

  /** Hands what is buffered to the writer. */
  flush(): void {
    if (this.#end === this.#start || this.#writer === null) return;
    this.#writer.write(this.#block.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }

  /** Opens the path anew, behind a rotation; on failure lines keep going where they went. */
  reopen(): void {
    if (this.#target.kind === 'descriptor' || this.#isClosed) return;
    const opened = openDescriptor(this.#target);
    if ('error' in opened) {
      this.#stats.reopenFailed.inc();
      return;
    }
    this.flush();
    const previous = this.#writer;
    this.#useDescriptor(opened);
    if (previous !== null) void this.#endWriter(previous);
  }

  /** Writes what is buffered and closes; resolves when that is done or cannot be done. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.flush();
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#stats.writeTotalBuffered.add(this.#start - this.#end);
    if (this.#writer !== null) await this.#endWriter(this.#writer);
    this.#writer = null;
  }

  /** BlockWriterHandler. */
  onWritten(bytes: number): void {
    this.#stats.writeCompleted.inc();
    this.#stats.writeTotalBuffered.add(-bytes);
  }

  /** BlockWriterHandler. */
  onWriteFailed(): void {
    this.#stats.writeFailed.inc();
    if (!this.#isClosed && this.#timer === null) this.#armTimer();
  }

  #useDescriptor(opened: OpenDescriptor): void {
    this.#writer = new BlockWriter(opened.descriptor, this);
    const { intervalMs, streamIntervalMs } = this.#policy;
    this.#intervalMs = opened.isRegularFile ? intervalMs : Math.min(intervalMs, streamIntervalMs);
  }

  async #endWriter(writer: BlockWriter): Promise<void> {
    await writer.end();
    // What could not be written even now is gone.
    this.#stats.writeTotalBuffered.add(-writer.pendingBytes);
  }

  /** Starts a new block; false when the line went another way. */
  #makeRoom(length: number): boolean {
    this.flush();
    if (this.#end !== this.#start) {
      // The file is not open, so the block is full of lines that wait for it.
      this.#stats.writeDropped.inc();
      return false;
    }
    // Even a line that was written is in memory that the writer may still read: never reuse it.
    this.#block = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, length));
    this.#start = 0;
    this.#end = 0;
    return true;
  }

  #armTimer(): void {
    this.#timer = setTimeout(() => this.#onTimer(), this.#intervalMs);
    this.#timer.unref();
  }

  #onTimer(): void {
    this.#timer = null;
    this.open();
    if (this.#end > this.#start) this.#stats.flushedByTimer.inc();
    this.flush();
    this.#writer?.retry();
    if (this.#writer === null) this.#armTimer();
  }
}

interface OpenDescriptor {
  readonly descriptor: number;
  readonly isRegularFile: boolean;
}

/** Opens the path, or gives the system's words for why not. */
function openDescriptor(target: LogFileTarget): OpenDescriptor | { readonly error: string } {
  if (target.kind === 'descriptor') return { descriptor: target.descriptor, isRegularFile: false };
  try {
    const descriptor = fs.openSync(target.path, OPEN_FLAGS, OPEN_MODE);
    return { descriptor, isRegularFile: fs.fstatSync(descriptor).isFile() };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
