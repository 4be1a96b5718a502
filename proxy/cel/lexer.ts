// Text of a CEL expression to tokens.

/** One token; `at` is its first character's index. */
export interface Token {
  readonly kind: 'name' | 'int' | 'uint' | 'double' | 'string' | 'bytes' | 'sign' | 'end';
  /** A sign or a name as written, a number's digits, a string's content. */
  readonly text: string;
  readonly at: number;
}

/** Why a text is no expression. */
export interface SyntaxProblem {
  readonly at: number;
  readonly reason: string;
}

const SPACE = /(?:[\t\n\f\r ]|\/\/[^\n]*)*/y;
const NUMBER =
  /0x[0-9a-fA-F]+[uU]?|(?:[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|[0-9]+[uU]?)/y;
const NAME = /[_a-zA-Z][_a-zA-Z0-9]*/y;
const STRING =
  /([bB]?)("""(?:[^\\]|\\[\s\S])*?"""|'''(?:[^\\]|\\[\s\S])*?'''|"(?:[^"\\\n\r]|\\.)*"|'(?:[^'\\\n\r]|\\.)*')/y;
const RAW = /([rR][bB]?|[bB][rR])("""[\s\S]*?"""|'''[\s\S]*?'''|"[^"\n\r]*"|'[^'\n\r]*')/y;
const SIGN = /&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()[\]{}]/y;

const ESCAPE =
  /\\(?:x[0-9a-fA-F]{2}|X[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}|[abfnrtv\\?"'`]|[\s\S]|$)/g;
const SHORT: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
const MAX_CODE_POINT = 0x10ffff;

/** The tokens, the last of kind `end`, or the first problem. */
export function tokenize(text: string): readonly Token[] | SyntaxProblem {
  const tokens: Token[] = [];
  let at = skip(text, 0);
  while (at < text.length) {
    const token = stringAt(text, at) ?? plainAt(text, at);
    if ('reason' in token) return token;
    tokens.push(token.token);
    at = skip(text, token.end);
  }
  tokens.push({ kind: 'end', text: '', at: text.length });
  return tokens;
}

type Read = { readonly token: Token; readonly end: number } | SyntaxProblem;

function skip(text: string, at: number): number {
  SPACE.lastIndex = at;
  SPACE.test(text);
  return SPACE.lastIndex;
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function plainAt(text: string, at: number): Read {
  const number = matchAt(NUMBER, text, at)?.[0];
  if (number !== undefined) {
    return { token: { ...numberToken(number), at }, end: at + number.length };
  }
  const name = matchAt(NAME, text, at)?.[0];
  if (name !== undefined) return { token: { kind: 'name', text: name, at }, end: at + name.length };
  const sign = matchAt(SIGN, text, at)?.[0];
  if (sign !== undefined) return { token: { kind: 'sign', text: sign, at }, end: at + sign.length };
  const isOpen = text[at] === '"' || text[at] === "'";
  return { at, reason: isOpen ? 'a string that does not end' : `unexpected '${text[at]}'` };
}

function numberToken(number: string): Pick<Token, 'kind' | 'text'> {
  if (/[uU]$/.test(number)) return { kind: 'uint', text: number.slice(0, -1) };
  const isDouble = !number.startsWith('0x') && /[.eE]/.test(number);
  return { kind: isDouble ? 'double' : 'int', text: number };
}

/** null: no string begins here. */
function stringAt(text: string, at: number): Read | null {
  const match = matchAt(RAW, text, at) ?? matchAt(STRING, text, at);
  if (match === null) return null;
  const [whole, prefix = '', quoted = ''] = match;
  const quotes = /^(?:"""|''')/.test(quoted) ? 3 : 1;
  const inner = quoted.slice(quotes, -quotes);
  const isBytes = /b/i.test(prefix);
  const content = /r/i.test(prefix) ? inner : unescaped(inner, isBytes);
  if (content === null) return { at, reason: 'a string with an escape that does not exist' };
  const kind = isBytes ? 'bytes' : 'string';
  return { token: { kind, text: content, at }, end: at + whole.length };
}

/** null: an escape that CEL does not have. In bytes, `\x` and octal numbers are octets (latin1). */
function unescaped(text: string, isBytes: boolean): string | null {
  let isBad = false;
  const result = text.replace(ESCAPE, (written) => {
    const letter = written[1] ?? '';
    const code = codeOf(letter, written);
    if (code !== null) {
      const isSurrogate = code >= 0xd800 && code <= 0xdfff;
      if (code > MAX_CODE_POINT || isSurrogate || (isBytes && /[uU]/.test(letter))) isBad = true;
      else return String.fromCodePoint(code);
    } else if (/[\\?"'`]/.test(letter)) return letter;
    else if (Object.hasOwn(SHORT, letter)) return SHORT[letter] ?? '';
    else isBad = true;
    return '';
  });
  return isBad ? null : result;
}

function codeOf(letter: string, written: string): number | null {
  if (/[0-3]/.test(letter) && written.length === 4) return Number.parseInt(written.slice(1), 8);
  if (/[xXuU]/.test(letter) && written.length > 2) return Number.parseInt(written.slice(2), 16);
  return null;
}
