// Problems of configuration files for people (terminal text with the lines around) and programs
// (JSON). Both list them in the order of the files' lines, so that equal input gives equal output.
import { LineIndex } from './position.ts';

/** One problem with its place. */
export interface LocatedProblem {
  readonly severity: 'error' | 'warning';
  readonly file: string;
  /** From 1; 0 when the file has no lines (protobuf binary). */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** How much of the line is meant. */
  readonly length: number;
  /** Field path of proto names; '' for the text itself. */
  readonly path: string;
  readonly reason: string;
}

/** How problems are shown. */
export interface ReportOptions {
  readonly colour: boolean;
  /** Texts by file name, for the lines around; a file that is missing gets none. */
  readonly texts: ReadonlyMap<string, string>;
}

const LINES_AROUND = 1;
const MAX_LINE_WIDTH = 160;

/** Problems in the order in which their places stand in the files. */
export function sortProblems(problems: readonly LocatedProblem[]): LocatedProblem[] {
  const order = (a: string, b: string): number => Number(a > b) - Number(a < b);
  return [...problems].sort(
    (a, b) =>
      order(a.file, b.file) ||
      a.line - b.line ||
      a.column - b.column ||
      order(a.path, b.path) ||
      order(a.reason, b.reason),
  );
}

/** The report for a terminal; ends with a count, '' when there is nothing to report. */
export function renderProblems(
  problems: readonly LocatedProblem[],
  options: ReportOptions,
): string {
  if (problems.length === 0) return '';
  const paint = options.colour ? colours : plain;
  const indexes = new Map<string, LineIndex>();
  const parts = sortProblems(problems).map((problem) => {
    const text = options.texts.get(problem.file);
    if (text !== undefined && !indexes.has(problem.file)) {
      indexes.set(problem.file, new LineIndex(text));
    }
    return heading(problem, paint) + frame(problem, indexes.get(problem.file) ?? null, paint);
  });
  return `${parts.join('\n')}\n${summary(problems)}\n`;
}

/** The report for programs: an array of the problems. */
export function problemsToJson(problems: readonly LocatedProblem[]): string {
  return `${JSON.stringify(sortProblems(problems), null, 2)}\n`;
}

interface Paint {
  strong(text: string): string;
  dim(text: string): string;
  mark(text: string, severity: LocatedProblem['severity']): string;
}

const plain: Paint = { strong: same, dim: same, mark: same };
const colours: Paint = {
  strong: (text) => `\u001b[1m${text}\u001b[0m`,
  dim: (text) => `\u001b[2m${text}\u001b[0m`,
  mark: (text, severity) => `\u001b[${severity === 'error' ? 31 : 33}m${text}\u001b[0m`,
};

function same(text: string): string {
  return text;
}

function heading(problem: LocatedProblem, paint: Paint): string {
  const { file, line, column, severity, path, reason } = problem;
  const place = line === 0 ? file : `${file}:${line}:${column}`;
  const where = path === '' ? '' : `${printable(path)}: `;
  return `${paint.strong(place)}: ${paint.mark(severity, severity)}: ${where}${printable(reason)}\n`;
}

function frame(problem: LocatedProblem, index: LineIndex | null, paint: Paint): string {
  if (index === null || problem.line === 0) return '';
  const first = Math.max(1, problem.line - LINES_AROUND);
  const last = Math.min(index.count, problem.line + LINES_AROUND);
  const width = String(last).length;
  let result = '';
  for (let number = first; number <= last; number++) {
    const text = index.line(number);
    if (number === last && number !== problem.line && text === '') continue;
    result += `${paint.dim(`  ${String(number).padStart(width)} |`)} ${shown(text)}\n`;
    if (number === problem.line) {
      result += `${paint.dim(`  ${' '.repeat(width)} |`)} ${caret(problem, text, paint)}\n`;
    }
  }
  return result;
}

function shown(text: string): string {
  const cut = text.length > MAX_LINE_WIDTH ? `${text.slice(0, MAX_LINE_WIDTH - 1)}…` : text;
  return printable(cut);
}

/** Keeps the tabs of the line, so that the caret stands under the right character. */
function caret(problem: LocatedProblem, text: string, paint: Paint): string {
  const before = Math.min(problem.column - 1, MAX_LINE_WIDTH);
  const lead = text.slice(0, before).replace(/[^\t]/g, ' ');
  const rest = Math.max(1, Math.min(problem.length, text.length - before, MAX_LINE_WIDTH - before));
  return paint.mark(lead + '^'.repeat(rest), problem.severity);
}

/** Control characters of a file could otherwise rewrite the reader's screen. */
function printable(text: string): string {
  return text.replace(/[\0-\x08\x0a-\x1f\x7f-\x9f]/g, '\u00b7');
}

function summary(problems: readonly LocatedProblem[]): string {
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  const warnings = problems.length - errors;
  const count = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`;
  return [errors > 0 && count(errors, 'error'), warnings > 0 && count(warnings, 'warning')]
    .filter((part) => part !== false)
    .join(', ');
}
