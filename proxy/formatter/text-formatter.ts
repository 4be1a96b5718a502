// A text format over one exchange: literals and operators in turn.
import { escapeControls, escapeControlsButTab, MAX_LOGGED_VALUE_BYTES } from './byte-text.ts';
import type { FormatOptions } from './format-options.ts';
import type { OperatorUse, ParsedFormat } from './format-text.ts';
import type { FormatContext, Formatter } from './formatter.ts';
import type { OperatorValue } from './operator.ts';
import { valueText } from './render-value.ts';

/** Formats a line of text, or a header's value. */
export class TextFormatter implements Formatter {
  readonly #literals: readonly string[];
  readonly #uses: readonly OperatorUse[];
  /** Stands for a value that is missing. */
  readonly #missing: string;
  readonly #escape: (text: string) => string;

  constructor(parsed: ParsedFormat, options: FormatOptions) {
    this.#literals = parsed.literals;
    this.#uses = parsed.uses.map((use) => limited(use, options));
    this.#missing = options.forHeader || options.omitEmptyValues ? '' : '-';
    this.#escape = escapeFor(options);
  }

  format(context: FormatContext): string {
    const literals = this.#literals;
    const uses = this.#uses;
    let text = literals[0] as string;
    for (let index = 0; index < uses.length; index += 1) {
      const use = uses[index] as OperatorUse;
      text += this.#render(use.read(context), use.maxBytes);
      text += literals[index + 1] as string;
    }
    return text;
  }

  #render(value: OperatorValue, maxBytes: number): string {
    if (typeof value === 'number') return maxBytes < 0 ? `${value}` : valueText(value, maxBytes);
    if (value === null) return this.#missing;
    return this.#escape(valueText(value, maxBytes));
  }
}

function escapeFor(options: FormatOptions): (text: string) => string {
  if (options.forBody === true) return unescaped;
  return options.forHeader ? escapeControlsButTab : escapeControls;
}

function unescaped(text: string): string {
  return text;
}

/** Values on log lines are bounded; header values are bounded by what they are made of. */
function limited(use: OperatorUse, options: FormatOptions): OperatorUse {
  if (options.forHeader || options.forBody === true) return use;
  if (use.maxBytes >= 0 && use.maxBytes <= MAX_LOGGED_VALUE_BYTES) return use;
  return { read: use.read, maxBytes: MAX_LOGGED_VALUE_BYTES };
}
