// The terminal that `top` draws on: its own screen, redrawn in place, and given back as it was.
import type { ReadStream, WriteStream } from 'node:tty';

/** A terminal in use. */
export interface Terminal {
  readonly width: number;
  readonly height: number;
  /** Replaces what is shown. */
  draw(lines: readonly string[]): void;
  /** Gives the screen back; harmless when called again. */
  close(): void;
}

/** Hears what the user does. */
export interface TerminalHandler {
  /** A character or an escape sequence. */
  onKey(key: string): void;
  onResize(): void;
}

const ALTERNATE_SCREEN = '\u001b[?1049h\u001b[?25l';
const NORMAL_SCREEN = '\u001b[?25h\u001b[?1049l';
/** Terminals that know it show a frame at once; the others ignore it. */
const BEGIN_FRAME = '\u001b[?2026h\u001b[H';
const END_FRAME = '\u001b[J\u001b[?2026l';
const END_OF_LINE = '\u001b[K';
const KEYS = /\u001b\[[0-9;]*[A-Za-z~]|[\s\S]/gu;

/** Takes over the terminal. */
export class SystemTerminal implements Terminal {
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  readonly #onData: (data: string) => void;
  readonly #onResize: () => void;
  #isOpen = true;

  constructor(input: ReadStream, output: WriteStream, handler: TerminalHandler) {
    this.#input = input;
    this.#output = output;
    this.#onData = (data) => {
      for (const [key] of data.matchAll(KEYS)) handler.onKey(key);
    };
    this.#onResize = () => handler.onResize();
    output.write(ALTERNATE_SCREEN);
    output.on('resize', this.#onResize);
    if (!input.isTTY) return;
    input.setRawMode(true);
    input.setEncoding('utf8');
    input.on('data', this.#onData);
  }

  get width(): number {
    return this.#output.columns;
  }

  get height(): number {
    return this.#output.rows;
  }

  draw(lines: readonly string[]): void {
    if (!this.#isOpen) return;
    const text = lines.map((line) => line + END_OF_LINE).join('\r\n');
    this.#output.write(`${BEGIN_FRAME}${text}${END_FRAME}`);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#output.off('resize', this.#onResize);
    if (this.#input.isTTY) {
      this.#input.off('data', this.#onData);
      this.#input.setRawMode(false);
      this.#input.pause();
    }
    this.#output.write(NORMAL_SCREEN);
  }
}
