// What the terminal shows while it runs, and what keys do to it. It draws lines and knows nothing of
// the terminal itself.
import { arrange, SORT_KEYS, type SortKey } from './arrange.ts';
import type { Report } from './rates.ts';
import { cut, summaryLine, tableLines } from './table.ts';

/** What a key asks for beyond a change of the view. */
export type KeyEffect = 'none' | 'redraw' | 'quit';

/** How a view begins. */
export interface ViewStart {
  /** Of the admin interface, as it was written. */
  readonly place: string;
  readonly sort: SortKey;
  readonly filter: string;
  readonly hosts: boolean;
  readonly colour: boolean;
}

/** Lines above the table that stay when it is scrolled. */
const HEAD_LINES = 2;
const SORT_BY_KEY = new Map(
  Object.entries(SORT_KEYS).map(([sort, key]) => [key as string, sort as SortKey]),
);
const HELP = 'sort: n r s l c p e  h hosts  / filter  q quit';
const ESCAPE = '\u001b';
const CTRL_C = '\u0003';

/** See the file's head. */
export class LiveView {
  readonly #place: string;
  readonly #colour: boolean;
  #sort: SortKey;
  #filter: string;
  #hosts: boolean;
  #isTyping = false;
  #firstRow = 0;
  #report: Report | null = null;
  #error = '';

  constructor({ place, sort, filter, hosts, colour }: ViewStart) {
    this.#place = place;
    this.#sort = sort;
    this.#filter = filter;
    this.#hosts = hosts;
    this.#colour = colour;
  }

  /** The next interval. */
  show(report: Report): void {
    this.#report = report;
    this.#error = '';
  }

  /** The proxy does not answer; what was shown last stays. */
  showError(error: string): void {
    this.#error = error;
  }

  /** One key or escape sequence. */
  onKey(key: string): KeyEffect {
    if (key === CTRL_C) return 'quit';
    return this.#isTyping ? this.#typeFilter(key) : this.#command(key);
  }

  /** Exactly as many lines as fit, none wider than the terminal. */
  frame(width: number, height: number): readonly string[] {
    const rows = this.#rows(width);
    const room = Math.max(1, height - HEAD_LINES - 1);
    const most = Math.max(0, rows.length - 1 - room);
    this.#firstRow = Math.min(this.#firstRow, most);
    const [titles = '', ...body] = rows;
    const shown = body.slice(this.#firstRow, this.#firstRow + room);
    return [cut(this.#headline(), width), cut(this.#statusLine(), width), titles, ...shown].slice(
      0,
      height,
    );
  }

  #rows(width: number): readonly string[] {
    if (this.#report === null) return [];
    const arrangement = { sort: this.#sort, filter: this.#filter, hosts: this.#hosts };
    const rows = arrange(this.#report.clusters, arrangement);
    return tableLines(rows, { width, colour: this.#colour });
  }

  #headline(): string {
    if (this.#error !== '') return `${this.#place}  ${this.#error}`;
    if (this.#report === null) return `${this.#place}  reading …`;
    return summaryLine(this.#report, this.#place);
  }

  #statusLine(): string {
    if (this.#isTyping) return `filter: ${this.#filter}_`;
    const filter = this.#filter === '' ? '' : `  filter: ${this.#filter}`;
    return `by ${this.#sort}${filter}  ${HELP}`;
  }

  #command(key: string): KeyEffect {
    if (key === 'q') return 'quit';
    const sort = SORT_BY_KEY.get(key);
    if (sort !== undefined) this.#sort = sort;
    else if (key === 'h') this.#hosts = !this.#hosts;
    else if (key === '/') this.#isTyping = true;
    else return this.#scroll(key);
    this.#firstRow = 0;
    return 'redraw';
  }

  #scroll(key: string): KeyEffect {
    const steps = SCROLL_STEPS.get(key);
    if (steps === undefined) return 'none';
    this.#firstRow = Math.max(0, this.#firstRow + steps);
    return 'redraw';
  }

  #typeFilter(key: string): KeyEffect {
    if (key === '\r' || key === '\n') this.#isTyping = false;
    else if (key === ESCAPE) {
      this.#isTyping = false;
      this.#filter = '';
    } else if (key === '\u007f' || key === '\b') this.#filter = this.#filter.slice(0, -1);
    else if (/^[^\p{Cc}]$/u.test(key)) this.#filter += key;
    this.#firstRow = 0;
    return 'redraw';
  }
}

const PAGE = 10;
const SCROLL_STEPS: ReadonlyMap<string, number> = new Map([
  [`${ESCAPE}[A`, -1],
  [`${ESCAPE}[B`, 1],
  ['k', -1],
  ['j', 1],
  [`${ESCAPE}[5~`, -PAGE],
  [`${ESCAPE}[6~`, PAGE],
  [' ', PAGE],
]);
