// Lines with a text on the left and a place on the right, for terminals and log files alike.
import type { Origin } from './configuration.ts';

/** How marks and places are shown. */
export interface TextOptions {
  readonly colour: boolean;
}

/** What a line says about itself. */
export type Mark = 'none' | 'good' | 'bad' | 'off' | 'added' | 'changed' | 'removed' | 'note';

/** One line. */
export interface TextLine {
  /** Steps of two blanks. */
  readonly indent: number;
  readonly mark: Mark;
  readonly text: string;
  readonly origin: Origin | null;
  readonly isHeading: boolean;
}

/** Places stand in one column unless a text is longer than this. */
const MAX_COLUMN = 72;
/** Longer texts end in `…`. */
const MAX_TEXT = 160;

const SIGNS: Readonly<Record<Mark, string>> = {
  none: '',
  good: '✓ ',
  bad: '✗ ',
  off: '- ',
  added: '+ ',
  changed: '~ ',
  removed: '- ',
  note: '! ',
};
/** SGR parameters. */
const COLOURS: Readonly<Record<Mark, string>> = {
  none: '',
  good: '32',
  bad: '31',
  off: '2',
  added: '32',
  changed: '33',
  removed: '31',
  note: '33',
};

/** Collects lines. */
export class TextLayout {
  readonly #lines: TextLine[] = [];

  /** A line that others belong under. */
  heading(text: string, origin: Origin | null = null): void {
    this.#lines.push({ indent: 0, mark: 'none', text, origin, isHeading: true });
  }

  line(indent: number, text: string, origin: Origin | null = null): void {
    this.#lines.push({ indent, mark: 'none', text, origin, isHeading: false });
  }

  marked(mark: Mark, text: string, origin: Origin | null = null): void {
    this.#lines.push({ indent: 1, mark, text, origin, isHeading: false });
  }

  blank(): void {
    if (this.#lines.length > 0) this.line(0, '');
  }

  /** Ends with a line break. */
  render({ colour }: TextOptions): string {
    const column = Math.min(MAX_COLUMN, Math.max(0, ...this.#lines.map(widthOf)));
    return this.#lines.map((line) => `${renderLine(line, column, colour)}\n`).join('');
  }
}

/** `file:line`, the resource of a server, or the field path of what came from nowhere else. */
export function placeText({ file, line, path, resource }: Origin): string {
  if (resource !== undefined) {
    const { type, name, version, server } = resource;
    const told = [`${type} ${name}`, version, `from ${server}`].filter((text) => text !== '');
    return path === '' ? told.join(' ') : `${told.join(' ')}: ${path}`;
  }
  return file === null ? path : `${file}:${line}`;
}

function widthOf(line: TextLine): number {
  if (line.origin === null) return 0;
  return leftOf(line).length;
}

function leftOf({ indent, mark, text }: TextLine): string {
  const shown = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text;
  return '  '.repeat(indent) + SIGNS[mark] + shown;
}

function renderLine(line: TextLine, column: number, colour: boolean): string {
  const left = leftOf(line);
  const right = line.origin === null ? '' : placeText(line.origin);
  const gap = right === '' ? '' : ' '.repeat(Math.max(2, column + 2 - left.length));
  if (!colour) return left + gap + right;
  const code = line.isHeading ? '1' : COLOURS[line.mark];
  const painted = code === '' ? left : `\x1b[${code}m${left}\x1b[0m`;
  return right === '' ? painted : `${painted}${gap}\x1b[36m${right}\x1b[0m`;
}
