// Looks over a YAML text before it is parsed, so that a hostile one is refused for the price of
// reading it once: the parser itself spends memory and stack by what it is given.
import { Lexer } from 'yaml';
import { MAX_DEPTH, type SourceProblem } from './source-node.ts';

/** Most `*alias` marks in a text. */
export const MAX_ALIASES = 100;

/**
 * Most tokens in a text: some 6,000 clusters, for which the parser takes 250 MB of memory and less
 * than a second. Larger configurations can be written as JSON, which is read without it.
 */
export const MAX_TOKENS = 600_000;

/** Longest single scalar, in UTF-16 units: the parser takes 50 bytes of memory for each. */
export const MAX_SCALAR_LENGTH = 1024 * 1024;

/** Block indicators in a row (`- - - a`) nest without any indentation that would betray it. */
const MANY_INDICATORS = new RegExp(`(?:[-?:][ \\t]+){${MAX_DEPTH + 1}}`);

/** What makes a text too costly to parse; null when nothing does. */
export function findExcess(text: string): SourceProblem | null {
  const indicators = MANY_INDICATORS.exec(text);
  if (indicators !== null)
    return excess(indicators.index, `nested deeper than ${MAX_DEPTH} levels`);
  const counts = { at: 0, tokens: 0, aliases: 0, depth: 0 };
  for (const token of new Lexer().lex(text)) {
    const reason = count(token, counts);
    if (reason !== null) return excess(counts.at, reason);
    if (!isControl(token)) counts.at += token.length;
  }
  return null;
}

function excess(start: number, reason: string): SourceProblem {
  return { start, end: start + 1, reason };
}

interface Counts {
  at: number;
  tokens: number;
  aliases: number;
  depth: number;
}

function count(token: string, counts: Counts): string | null {
  if (++counts.tokens > MAX_TOKENS) {
    return `more than ${MAX_TOKENS} YAML tokens; write so large a configuration as JSON`;
  }
  if (token.length > MAX_SCALAR_LENGTH) {
    return `a scalar of more than ${MAX_SCALAR_LENGTH} characters; write it as JSON`;
  }
  const first = token[0];
  if (first === '*' && token.length > 1 && ++counts.aliases > MAX_ALIASES) {
    return `more than ${MAX_ALIASES} aliases`;
  }
  if (first === '[' || first === '{') {
    if (++counts.depth > MAX_DEPTH) return `nested deeper than ${MAX_DEPTH} levels`;
  } else if (first === ']' || first === '}') {
    counts.depth--;
  }
  return null;
}

/** Marks that the lexer puts between pieces of text: document, flow end, scalar. */
function isControl(token: string): boolean {
  return token === '\u0002' || token === '\u0018' || token === '\u001f';
}
