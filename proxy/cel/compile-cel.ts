// The tree of an expression to an evaluator: names become readers of the host's attributes, and
// whatever could never be evaluated is refused with its place. Nothing is looked up by name later.
import { compileSafeRegex } from '../base/safe-regex.ts';
import {
  calculate,
  elementOf,
  isIn,
  negate,
  parseDuration,
  parseTimestamp,
  relate,
  sizeOf,
  TEXT_METHODS,
} from './functions.ts';
import type { SyntaxProblem } from './lexer.ts';
import { literalMap } from './literal-map.ts';
import { CONVERSIONS } from './numbers.ts';
import { parseExpression } from './parse.ts';
import type { BinarySign, Expression } from './syntax.ts';
import { CelError, type CelValue, equals, kindOf, noOverload } from './values.ts';

/** What an expression is in some context. Never throws. */
export type Evaluator<C> = (context: C) => CelValue;

/** One attribute; undefined: it is not there. */
export type AttributeReader<C> = (context: C) => CelValue | undefined;

/** What names may stand at the beginning: a value, or attributes by their names. */
export type Roots<C> = Readonly<
  Record<string, AttributeReader<C> | Readonly<Record<string, AttributeReader<C>>>>
>;

/** An evaluator of `text`, or the first thing that is wrong with it. */
export function compileCel<C>(text: string, roots: Roots<C>): Evaluator<C> | SyntaxProblem {
  const tree = parseExpression(text);
  if ('reason' in tree) return tree;
  const compiler = new CelCompiler(roots);
  const evaluator = compiler.compile(tree);
  return compiler.problem ?? evaluator;
}

const COMPREHENSIONS = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);
/** Functions of one argument, which is no error. */
const OF_ONE: Readonly<Record<string, (value: CelValue) => CelValue>> = {
  ...CONVERSIONS,
  size: sizeOf,
};
/** Functions that make a value of a text. */
const PARSERS: Readonly<Record<string, (text: string) => CelValue | null>> = {
  duration: parseDuration,
  timestamp: parseTimestamp,
};
const NOTHING = (): CelValue => null;

class CelCompiler<C> {
  problem: SyntaxProblem | null = null;
  readonly #roots: Roots<C>;

  constructor(roots: Roots<C>) {
    this.#roots = roots;
  }

  compile(node: Expression): Evaluator<C> {
    switch (node.kind) {
      case 'literal': {
        const { value } = node;
        return () => value;
      }
      case 'name':
      case 'select':
      case 'index':
        return this.#member(node);
      case 'call':
        return this.#call(node);
      case 'unary':
        return this.#unary(node);
      case 'binary':
        return this.#binary(node);
      case 'conditional':
        return this.#conditional(node);
      case 'list':
        return this.#list(node.items);
      case 'map':
        return this.#map(node.entries);
    }
  }

  #refuse(at: number, reason: string): Evaluator<C> {
    this.problem ??= { at, reason };
    return NOTHING;
  }

  /** An attribute of the host, or an element of a value. */
  #member(node: Extract<Expression, { kind: 'name' | 'select' | 'index' }>): Evaluator<C> {
    const attribute = this.#attribute(node);
    if (attribute !== null) return (context) => attribute(context) ?? NO_SUCH_KEY;
    if (node.kind === 'name') return NOTHING;
    const operand = this.compile(node.operand);
    if (node.kind === 'select') {
      const { field } = node;
      return (context) => elementOf(operand(context), field);
    }
    const index = this.compile(node.index);
    return (context) => elementOf(operand(context), index(context));
  }

  /** null: the node is no attribute, or was refused. */
  #attribute(node: Expression): AttributeReader<C> | null {
    if (node.kind === 'name') {
      const root = this.#root(node.name);
      if (typeof root === 'function') return root;
      const reason =
        root === null
          ? `there is no attribute '${node.name}': use ${Object.keys(this.#roots).join(', ')}`
          : `'${node.name}' is no value: name one of its attributes, ${Object.keys(root).join(', ')}`;
      this.#refuse(node.at, reason);
      return null;
    }
    if (node.kind !== 'select' && node.kind !== 'index') return null;
    if (node.operand.kind !== 'name') return null;
    const root = this.#root(node.operand.name);
    if (root === null || typeof root === 'function') return null;
    const name = node.kind === 'select' ? node.field : textOf(node.index);
    if (name !== null && Object.hasOwn(root, name)) return root[name] ?? null;
    const known = Object.keys(root).join(', ');
    this.#refuse(node.at, `'${node.operand.name}' has no such attribute: use ${known}`);
    return null;
  }

  #root(name: string): Roots<C>[string] | null {
    return Object.hasOwn(this.#roots, name) ? (this.#roots[name] ?? null) : null;
  }

  #unary({ sign, operand }: Extract<Expression, { kind: 'unary' }>): Evaluator<C> {
    const value = this.compile(operand);
    if (sign === '-') return (context) => negate(value(context));
    return (context) => {
      const result = value(context);
      return typeof result === 'boolean' ? !result : noOverload('!_', result);
    };
  }

  #binary({ sign, left, right }: Extract<Expression, { kind: 'binary' }>): Evaluator<C> {
    const [first, second] = [this.compile(left), this.compile(right)];
    if (sign === '&&' || sign === '||') return logic(sign === '||', first, second);
    const operate = operationOf(sign);
    return (context) => operate(first(context), second(context));
  }

  #conditional(node: Extract<Expression, { kind: 'conditional' }>): Evaluator<C> {
    const condition = this.compile(node.condition);
    const [yes, no] = [this.compile(node.yes), this.compile(node.no)];
    return (context) => {
      const chosen = condition(context);
      if (typeof chosen !== 'boolean') return noOverload('_?_:_', chosen);
      return chosen ? yes(context) : no(context);
    };
  }

  #list(items: readonly Expression[]): Evaluator<C> {
    const parts = items.map((item) => this.compile(item));
    if (items.every(({ kind }) => kind === 'literal')) {
      const whole = items.map((item) => (item.kind === 'literal' ? item.value : null));
      return () => whole;
    }
    return (context) => {
      const values = parts.map((part) => part(context));
      return values.find((value) => value instanceof CelError) ?? values;
    };
  }

  #map(entries: readonly (readonly [Expression, Expression])[]): Evaluator<C> {
    const parts = entries.map(([key, value]) => [this.compile(key), this.compile(value)] as const);
    return (context) =>
      literalMap(parts.map(([key, value]) => [key(context), value(context)] as const));
  }

  #call(node: Extract<Expression, { kind: 'call' }>): Evaluator<C> {
    const { at, name, target, args } = node;
    if (COMPREHENSIONS.has(name) && target !== null) {
      return this.#refuse(at, `'${name}' goes through a list, which is switched off as in Envoy`);
    }
    if (name === 'has' && target === null) return this.#has(node);
    const operands = target === null ? args : [target, ...args];
    if (name === 'matches' && operands.length === 2) return this.#matches(operands);
    const constant = this.#constant(node);
    if (constant !== null) return constant;
    const method = Object.hasOwn(TEXT_METHODS, name) ? TEXT_METHODS[name] : undefined;
    if (method !== undefined && target !== null && args.length === 1) {
      return this.#textMethod(name, operands, method);
    }
    const convert = Object.hasOwn(OF_ONE, name) ? OF_ONE[name] : undefined;
    const [operand] = operands;
    if (convert === undefined || operand === undefined || operands.length > 1) {
      return this.#refuse(at, `there is no function '${name}' of ${operands.length} arguments`);
    }
    const value = this.compile(operand);
    return (context) => {
      const result = value(context);
      return result instanceof CelError ? result : convert(result);
    };
  }

  /** `duration('1s')` and `timestamp('…')`, which are read once. */
  #constant({ at, name, target, args }: Extract<Expression, { kind: 'call' }>) {
    const parse = target === null && Object.hasOwn(PARSERS, name) ? PARSERS[name] : undefined;
    if (parse === undefined) return null;
    const text = args.length === 1 ? textOf(args[0] as Expression) : null;
    const value = text === null ? null : parse(text);
    if (value === null) return this.#refuse(at, `'${name}' wants a ${name} as text, written out`);
    return (): CelValue => value;
  }

  #has({ at, args }: Extract<Expression, { kind: 'call' }>): Evaluator<C> {
    const [field] = args;
    if (args.length !== 1 || field?.kind !== 'select') {
      return this.#refuse(at, 'has() wants one field, such as has(request.referer)');
    }
    const attribute = this.#attribute(field);
    if (attribute !== null) {
      return (context) => {
        const value = attribute(context);
        return value instanceof CelError ? value : value !== undefined;
      };
    }
    const operand = this.compile(field.operand);
    return (context) => {
      const whole = operand(context);
      if (kindOf(whole) !== 'map') return noOverload('has', whole);
      return isIn(field.field, whole);
    };
  }

  #matches([subject, pattern]: readonly Expression[]): Evaluator<C> {
    const source = pattern === undefined ? null : textOf(pattern);
    if (source === null || subject === undefined || pattern === undefined) {
      return this.#refuse(pattern?.at ?? 0, "the pattern of 'matches' has to be written out");
    }
    const regex = compileSafeRegex(source);
    if ('error' in regex) return this.#refuse(pattern.at, regex.error);
    const text = this.compile(subject);
    return (context) => {
      const value = text(context);
      return typeof value === 'string' ? regex.find(value) : noOverload('matches', value);
    };
  }

  #textMethod(
    name: string,
    operands: readonly Expression[],
    method: (text: string, part: string) => boolean,
  ): Evaluator<C> {
    const [text = NOTHING, part = NOTHING] = operands.map((operand) => this.compile(operand));
    return (context) => {
      const [whole, wanted] = [text(context), part(context)];
      if (typeof whole !== 'string' || typeof wanted !== 'string') {
        return noOverload(name, whole, wanted);
      }
      return method(whole, wanted);
    };
  }
}

const NO_SUCH_KEY = new CelError('no such key');

/** The text of a literal; null: it is none. */
function textOf(node: Expression): string | null {
  return node.kind === 'literal' && typeof node.value === 'string' ? node.value : null;
}

/** `&&` and `||`: what one side settles needs nothing of the other, not even that it works. */
function logic<C>(settling: boolean, left: Evaluator<C>, right: Evaluator<C>): Evaluator<C> {
  return (context) => {
    const first = left(context);
    if (first === settling) return settling;
    const second = right(context);
    if (second === settling) return settling;
    if (typeof first === 'boolean' && typeof second === 'boolean') return !settling;
    return noOverload(settling ? '_||_' : '_&&_', first, second);
  };
}

function operationOf(
  sign: Exclude<BinarySign, '&&' | '||'>,
): (left: CelValue, right: CelValue) => CelValue {
  switch (sign) {
    case '==':
      return equals;
    case '!=':
      return (left, right) => {
        const isEqual = equals(left, right);
        return typeof isEqual === 'boolean' ? !isEqual : isEqual;
      };
    case 'in':
      return isIn;
    case '<':
    case '<=':
    case '>':
    case '>=':
      return (left, right) => relate(sign, left, right);
    default:
      return (left, right) => calculate(sign, left, right);
  }
}
