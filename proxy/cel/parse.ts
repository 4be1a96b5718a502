// Tokens to the tree of an expression, by the grammar of the CEL specification.
import { type SyntaxProblem, type Token, tokenize } from './lexer.ts';
import type { BinarySign, Expression } from './syntax.ts';
import { CelUint } from './values.ts';

/** Deeper ones are refused: nobody writes them by hand. */
const MAX_DEPTH = 100;
const MAX_LENGTH = 100_000;
const MAX_INT = 2n ** 63n - 1n;
const MIN_INT = -(2n ** 63n);
const MAX_UINT = 2n ** 64n - 1n;

/** Operators from the weakest to the strongest. */
const LEVELS: readonly (readonly BinarySign[])[] = [
  ['||'],
  ['&&'],
  ['==', '!=', '<', '<=', '>', '>=', 'in'],
  ['+', '-'],
  ['*', '/', '%'],
];
const RESERVED = new Set([
  ...['as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop'],
  ...['package', 'namespace', 'return', 'var', 'void', 'while', 'in'],
]);

/** The tree of a text, or why it is none. */
export function parseExpression(text: string): Expression | SyntaxProblem {
  if (text.length > MAX_LENGTH) return { at: MAX_LENGTH, reason: 'the expression is too long' };
  const tokens = tokenize(text);
  if ('reason' in tokens) return tokens;
  const parser = new Parser(tokens);
  const expression = parser.whole();
  return parser.problem ?? expression;
}

/** After its first problem it only finds ends. */
class Parser {
  problem: SyntaxProblem | null = null;
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Expression {
    const expression = this.#expression();
    if (this.#token.kind !== 'end') this.#fail(`unexpected '${this.#token.text}'`);
    return expression;
  }

  get #token(): Token {
    return this.#tokens[this.#next] as Token;
  }

  #fail(reason: string, at = this.#token.at): Expression {
    this.problem ??= { at, reason };
    this.#next = this.#tokens.length - 1;
    return { kind: 'literal', at, value: null };
  }

  #is(sign: string): boolean {
    const { kind, text } = this.#token;
    return text === sign && (kind === 'sign' || (sign === 'in' && kind === 'name'));
  }

  #take(sign: string): boolean {
    if (!this.#is(sign)) return false;
    this.#next += 1;
    return true;
  }

  #expect(sign: string): void {
    if (this.#take(sign)) return;
    const found = this.#token.kind === 'end' ? 'the end' : `'${this.#token.text}'`;
    this.#fail(`expected '${sign}', found ${found}`);
  }

  #expression(): Expression {
    if (this.#depth > MAX_DEPTH) return this.#fail('the expression is nested too deep');
    this.#depth += 1;
    const condition = this.#binary(0);
    const { at } = this.#token;
    let result = condition;
    if (this.#take('?')) {
      const yes = this.#binary(0);
      this.#expect(':');
      result = { kind: 'conditional', at, condition, yes, no: this.#expression() };
    }
    this.#depth -= 1;
    return result;
  }

  #binary(level: number): Expression {
    const signs = LEVELS[level];
    if (signs === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (let sign = this.#oneOf(signs); sign !== undefined; sign = this.#oneOf(signs)) {
      const { at } = this.#token;
      this.#next += 1;
      left = { kind: 'binary', at, sign, left, right: this.#binary(level + 1) };
    }
    return left;
  }

  #oneOf(signs: readonly BinarySign[]): BinarySign | undefined {
    return signs.find((sign) => this.#is(sign));
  }

  #unary(): Expression {
    const { at } = this.#token;
    if (this.#is('-') && this.#tokens[this.#next + 1]?.kind === 'int') {
      this.#next += 1;
      return this.#member(this.#number('-'));
    }
    const sign = this.#is('!') ? '!' : '-';
    if (!this.#take(sign)) return this.#member(this.#primary());
    if (this.#depth > MAX_DEPTH) return this.#fail('the expression is nested too deep');
    this.#depth += 1;
    const operand = this.#unary();
    this.#depth -= 1;
    return { kind: 'unary', at, sign, operand };
  }

  #member(first: Expression): Expression {
    let operand = first;
    while (this.problem === null) {
      const { at } = this.#token;
      if (this.#take('.')) operand = this.#selected(operand);
      else if (this.#take('[')) {
        const index = this.#expression();
        this.#expect(']');
        operand = { kind: 'index', at, operand, index };
      } else break;
    }
    return operand;
  }

  #selected(operand: Expression): Expression {
    const { kind, text: field, at } = this.#token;
    if (kind !== 'name') return this.#fail('expected the name of a field');
    this.#next += 1;
    if (!this.#take('(')) return { kind: 'select', at, operand, field };
    return { kind: 'call', at, name: field, target: operand, args: this.#items(')') };
  }

  #primary(): Expression {
    const { kind, text, at } = this.#token;
    if (kind === 'int' || kind === 'uint' || kind === 'double') return this.#number('');
    if (kind === 'end') return this.#fail('the expression ends too early');
    this.#next += 1;
    if (kind === 'string') return { kind: 'literal', at, value: text };
    if (kind === 'bytes') return { kind: 'literal', at, value: bytesOf(text) };
    if (kind === 'name') return this.#named(text, at);
    if (text === '(') return this.#grouped();
    if (text === '[') return { kind: 'list', at, items: this.#items(']') };
    if (text === '{') return { kind: 'map', at, entries: this.#entries() };
    // A leading point names what is global, as everything is here.
    if (text === '.' && this.#token.kind === 'name') return this.#primary();
    return this.#fail(`unexpected '${text}'`, at);
  }

  #grouped(): Expression {
    const inner = this.#expression();
    this.#expect(')');
    return inner;
  }

  #named(name: string, at: number): Expression {
    if (name === 'true' || name === 'false') return { kind: 'literal', at, value: name === 'true' };
    if (name === 'null') return { kind: 'literal', at, value: null };
    if (RESERVED.has(name)) return this.#fail(`'${name}' is a reserved word`, at);
    if (this.#take('(')) return { kind: 'call', at, name, target: null, args: this.#items(')') };
    return { kind: 'name', at, name };
  }

  #items(end: string): readonly Expression[] {
    const items: Expression[] = [];
    while (this.problem === null && !this.#take(end)) {
      items.push(this.#expression());
      if (this.#take(end)) break;
      this.#expect(',');
      if (end === ')' && this.#is(end)) this.#fail("unexpected ')'");
    }
    return items;
  }

  #entries(): readonly (readonly [Expression, Expression])[] {
    const entries: (readonly [Expression, Expression])[] = [];
    while (this.problem === null && !this.#take('}')) {
      const key = this.#expression();
      this.#expect(':');
      entries.push([key, this.#expression()]);
      if (this.#take('}')) break;
      this.#expect(',');
    }
    return entries;
  }

  #number(sign: '' | '-'): Expression {
    const { kind, text, at } = this.#token;
    this.#next += 1;
    if (kind === 'double') return { kind: 'literal', at, value: Number(text) };
    const value = sign === '-' ? -BigInt(text) : BigInt(text);
    if (kind === 'uint') {
      if (value > MAX_UINT) return this.#fail(`${text}u is no uint of 64 bits`, at);
      return { kind: 'literal', at, value: new CelUint(value) };
    }
    if (value > MAX_INT || value < MIN_INT) {
      return this.#fail(`${sign}${text} is no int of 64 bits`, at);
    }
    return { kind: 'literal', at, value };
  }
}

/** Octets of `\x` escapes as they are, all else in UTF-8: text beyond octets cannot be escaped. */
function bytesOf(text: string): Uint8Array {
  const isOctets = [...text].every((character) => character.charCodeAt(0) <= 0xff);
  return Buffer.from(text, isOctets ? 'latin1' : 'utf8');
}
