// What a command operator is: a function from an exchange to a value, made when the format is parsed.
import type { FormatOptions, JsonValue } from './format-options.ts';
import type { FormatContext } from './formatter.ts';
import type { TypedText } from './typed-text.ts';

/** A value; strings are byte strings, null means that there is none. */
export type OperatorValue = JsonValue | TypedText;

/** Reads one value out of an exchange. */
export type Operator = (context: FormatContext) => OperatorValue;

/** What stands in parentheses and behind the colon, and what the process knows. */
export interface OperatorArguments {
  readonly name: string;
  /** '' when there are no parentheses, or nothing in them. */
  readonly argument: string;
  readonly options: FormatOptions;
}

/** Whether an operator takes an argument, and a length behind it. */
export type OperatorSyntax = 'bare' | 'optional' | 'required';

/** One line of an operator table. */
export interface OperatorDefinition {
  readonly syntax: OperatorSyntax;
  /** True when `:length` may follow. */
  readonly takesLength: boolean;
  /** The operator, or why the argument cannot be used. */
  make(args: OperatorArguments): Operator | { readonly error: string };
}

/** Operators by name. */
export type OperatorTable = Readonly<Record<string, OperatorDefinition>>;

/** An operator without argument and length. */
export function bare(read: Operator): OperatorDefinition {
  return { syntax: 'bare', takesLength: false, make: () => read };
}

/** '' means «none» where StreamInfo keeps a text. */
export function orMissing(text: string): string | null {
  return text === '' ? null : text;
}
