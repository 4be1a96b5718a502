// The tree of a CEL expression.
import type { CelValue } from './values.ts';

/** One node; `at` is where it stands in the text. */
export type Expression =
  | { readonly kind: 'literal'; readonly at: number; readonly value: CelValue }
  | { readonly kind: 'name'; readonly at: number; readonly name: string }
  | {
      readonly kind: 'select';
      readonly at: number;
      readonly operand: Expression;
      readonly field: string;
    }
  | {
      readonly kind: 'index';
      readonly at: number;
      readonly operand: Expression;
      readonly index: Expression;
    }
  | {
      readonly kind: 'call';
      readonly at: number;
      readonly name: string;
      /** null: a function, no method. */
      readonly target: Expression | null;
      readonly args: readonly Expression[];
    }
  | {
      readonly kind: 'unary';
      readonly at: number;
      readonly sign: '!' | '-';
      readonly operand: Expression;
    }
  | {
      readonly kind: 'binary';
      readonly at: number;
      readonly sign: BinarySign;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: 'conditional';
      readonly at: number;
      readonly condition: Expression;
      readonly yes: Expression;
      readonly no: Expression;
    }
  | { readonly kind: 'list'; readonly at: number; readonly items: readonly Expression[] }
  | {
      readonly kind: 'map';
      readonly at: number;
      readonly entries: readonly (readonly [Expression, Expression])[];
    };

/** Operators of two sides. */
export type BinarySign =
  | '||'
  | '&&'
  | '=='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'in'
  | '+'
  | '-'
  | '*'
  | '/'
  | '%';
