// Splits a format string into literal text and operators.
import { utf8Bytes } from './byte-text.ts';
import type { FormatOptions } from './format-options.ts';
import type { Operator } from './operator.ts';
import { makeOperator } from './operator-registry.ts';

/** An operator as it is written, with its length limit in octets; -1 for none. */
export interface OperatorUse {
  readonly read: Operator;
  readonly maxBytes: number;
}

/** A format taken apart: there is always one more literal than operators. */
export interface ParsedFormat {
  /** Byte strings. */
  readonly literals: readonly string[];
  readonly uses: readonly OperatorUse[];
}

// Arguments may hold any character but a line feed; `%START_TIME(%Y)%` ends at `)%`.
const COMMAND = /%([A-Z0-9_]+)(?:\((.*?)\))?(?::(\d+))?%/y;

/** Takes a format string apart, or gives Envoy's reason why it is none. */
export function parseFormatText(
  text: string,
  options: FormatOptions,
): ParsedFormat | { readonly error: string } {
  const literals: string[] = [];
  const uses: OperatorUse[] = [];
  let literal = '';
  let at = 0;
  while (at < text.length) {
    const percent = text.indexOf('%', at);
    if (percent === -1) break;
    literal += text.slice(at, percent);
    if (text[percent + 1] === '%') {
      literal += '%';
      at = percent + 2;
      continue;
    }
    COMMAND.lastIndex = percent;
    const match = COMMAND.exec(text);
    if (match === null || isTooLong(match[3])) return { error: noCommand(text, percent) };
    const use = operatorUse(match, options);
    if ('error' in use) return use;
    literals.push(utf8Bytes(literal));
    uses.push(use);
    literal = '';
    at = COMMAND.lastIndex;
  }
  literals.push(utf8Bytes(literal + text.slice(at)));
  return { literals, uses };
}

/** Envoy reads lengths as 64-bit numbers. */
const MAX_LENGTH = 2n ** 64n - 1n;

function isTooLong(length: string | undefined): boolean {
  return length !== undefined && BigInt(length) > MAX_LENGTH;
}

function noCommand(text: string, position: number): string {
  return `Incorrect configuration: ${text}. Couldn't find valid command at position ${position}`;
}

function operatorUse(
  match: RegExpExecArray,
  options: FormatOptions,
): OperatorUse | { readonly error: string } {
  const [, name = '', argument = '', length] = match;
  const read = makeOperator({ name, argument, options }, length !== undefined);
  if ('error' in read) return read;
  return { read, maxBytes: length === undefined ? -1 : Number(length) };
}
