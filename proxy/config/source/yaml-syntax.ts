// What to say of text that is no YAML. The package's words are right and terse: the commonest mistakes
// (indentation, tabs, text that needs quotes) get a place to look at and a remedy besides.
import type { YAMLParseError } from 'yaml';
import { LineIndex } from './position.ts';
import { MAX_DEPTH, type SourceProblem } from './source-node.ts';

type SyntaxError = Pick<YAMLParseError, 'code' | 'message' | 'pos'>;

/**
 * One problem a line, and none below a line that is indented wrongly: what follows is mostly the
 * consequence.
 */
export function syntaxProblems(errors: readonly SyntaxError[], text: string): SourceProblem[] {
  const byLine = new Map<number, SourceProblem>();
  const index = new LineIndex(text);
  for (const error of errors) {
    const { line } = index.position(error.pos[0]);
    if (byLine.has(line)) continue;
    byLine.set(line, problemOf(error, text));
    if (error.code === 'BAD_INDENT' || error.code === 'TAB_AS_INDENT') break;
  }
  return [...byLine.values()];
}

function problemOf(error: SyntaxError, text: string): SourceProblem {
  const [start, end] = error.pos;
  const plain = { start, end: Math.max(end, start + 1), reason: error.message };
  switch (error.code) {
    case 'BAD_INDENT':
      return badIndent(error, text);
    case 'TAB_AS_INDENT':
      return { ...plain, reason: `${error.message}: use spaces` };
    case 'BLOCK_AS_IMPLICIT_KEY':
      return { ...plain, reason: `${error.message}: ${nestedHint(text, start)}` };
    case 'BAD_ALIAS':
      return { ...plain, reason: `${error.message}: text that begins with * needs quotes, "*"` };
    // Block indentation is the one nesting that was not counted before.
    case 'RESOURCE_EXHAUSTION':
      return { ...plain, reason: `nested deeper than ${MAX_DEPTH} levels` };
    default:
      return plain;
  }
}

/** Points at the line's first character: the package points at the line's beginning. */
function badIndent(error: SyntaxError, text: string): SourceProblem {
  const spaces = /^ */.exec(text.slice(error.pos[0], lineEnd(text, error.pos[0])))?.[0].length ?? 0;
  const start = error.pos[0] + spaces;
  const column = start - (text.lastIndexOf('\n', start - 1) + 1);
  const reason = `${error.message}: ${column} spaces fit no line above`;
  return { start, end: Math.max(start + 1, lineEnd(text, start)), reason };
}

function nestedHint(text: string, start: number): string {
  return /:(?: |\t|$)/.test(text.slice(start, lineEnd(text, start)).trimEnd())
    ? 'a value that holds `: ` needs quotes'
    : 'the next line is indented as if it belonged to this value';
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}
