// A byte sink that keeps everything as latin1 text and can be told to be full.
import type { ByteSink } from '../../proxy/http/codec.ts';

/** Records what a codec writes and whether it lets bytes arrive. */
export class RecordingSink implements ByteSink {
  text = '';
  writes = 0;
  isFull = false;
  isPaused = false;
  /** Our side was ended. */
  isHalfClosed = false;
  /** What it says waits to leave; a test sets it. */
  bufferedBytes = 0;

  writeText(text: string): void {
    this.text += text;
    this.writes += 1;
  }

  writeBytes(data: Buffer): void {
    this.text += data.toString('latin1');
    this.writes += 1;
  }

  isWritable(): boolean {
    return !this.isFull;
  }

  pauseReading(): void {
    this.isPaused = true;
  }

  resumeReading(): void {
    this.isPaused = false;
  }

  halfClose(): void {
    this.isHalfClosed = true;
  }
}
