// A JSON format over one exchange. A text that is exactly one operator keeps its value's type;
// whatever a peer sent, the line is valid JSON. Parts without operators are printed once.
import { escapeJson, MAX_LOGGED_VALUE_BYTES, utf8Bytes } from './byte-text.ts';
import type { FormatOptions, JsonValue } from './format-options.ts';
import { type OperatorUse, type ParsedFormat, parseFormatText } from './format-text.ts';
import type { FormatContext, Formatter } from './formatter.ts';
import { compareUtf8, isList, valueJson, valueText } from './render-value.ts';

/** One value of the format; null from `render` means that it is missing and to be left out. */
interface JsonNode {
  /** The text when it is the same for every exchange, else null. */
  readonly constant: string | null;
  render(context: FormatContext): string | null;
}

/** Formats one line of JSON with its newline. */
export class JsonFormatter implements Formatter {
  readonly #root: JsonNode;

  constructor(root: JsonNode) {
    this.#root = root;
  }

  format(context: FormatContext): string {
    return `${this.#root.render(context) ?? 'null'}\n`;
  }
}

/** Compiles a value of a JSON format. */
export function compileJsonNode(
  value: JsonValue,
  options: FormatOptions,
): JsonNode | { readonly error: string } {
  if (typeof value === 'string') return compileText(value, options);
  if (typeof value !== 'object' || value === null) return new ConstantNode(valueJson(value, -1));
  const isArray = isList(value);
  const keys = isArray ? null : Object.keys(value).sort(compareUtf8);
  const values = isArray ? value : (keys ?? []).map((key) => value[key] as JsonValue);
  const members: JsonMember[] = [];
  for (const [index, member] of values.entries()) {
    const node = compileJsonNode(member, options);
    if ('error' in node) return node;
    members.push({ lead: keys === null ? '' : `${keyJson(keys[index] as string)}:`, node });
  }
  const container = new ContainerNode(members, isArray ? '[]' : '{}');
  const isConstant = members.every((member) => member.node.constant !== null);
  return isConstant ? new ConstantNode(container.renderConstant()) : container;
}

function keyJson(key: string): string {
  return `"${escapeJson(utf8Bytes(key))}"`;
}

function compileText(text: string, options: FormatOptions): JsonNode | { readonly error: string } {
  const parsed = parseFormatText(text, options);
  if ('error' in parsed) return parsed;
  const [use] = parsed.uses;
  if (use === undefined) return new ConstantNode(`"${escapeJson(parsed.literals[0] as string)}"`);
  const isAlone = parsed.uses.length === 1 && parsed.literals.every((literal) => literal === '');
  const limit = options.forBody === true ? Number.POSITIVE_INFINITY : MAX_LOGGED_VALUE_BYTES;
  if (isAlone) return new ValueNode(use, options.omitEmptyValues, limit);
  return new MixedNode(parsed, options.omitEmptyValues ? '' : '-', limit);
}

class ConstantNode implements JsonNode {
  readonly constant: string;

  constructor(text: string) {
    this.constant = text;
  }

  render(): string {
    return this.constant;
  }
}

/** A text that is one operator. */
class ValueNode implements JsonNode {
  readonly constant = null;
  readonly #use: OperatorUse;
  readonly #omitsMissing: boolean;
  readonly #limitBytes: number;

  constructor(use: OperatorUse, omitsMissing: boolean, limitBytes: number) {
    this.#use = use;
    this.#omitsMissing = omitsMissing;
    this.#limitBytes = limitBytes;
  }

  render(context: FormatContext): string | null {
    const value = this.#use.read(context);
    if (value === null) return this.#omitsMissing ? null : 'null';
    return valueJson(value, this.#use.maxBytes, this.#limitBytes);
  }
}

/** A text with operators in it. */
class MixedNode implements JsonNode {
  readonly constant = null;
  /** Already escaped. */
  readonly #literals: readonly string[];
  readonly #uses: readonly OperatorUse[];
  readonly #missing: string;
  readonly #limitBytes: number;

  constructor(parsed: ParsedFormat, missing: string, limitBytes: number) {
    this.#literals = parsed.literals.map(escapeJson);
    this.#uses = parsed.uses;
    this.#missing = missing;
    this.#limitBytes = limitBytes;
  }

  render(context: FormatContext): string {
    let text = `"${this.#literals[0] as string}`;
    for (const [index, use] of this.#uses.entries()) {
      const value = use.read(context);
      if (value === null) text += this.#missing;
      else text += escapeJson(valueText(value, boundOf(use, this.#limitBytes)));
      text += this.#literals[index + 1] as string;
    }
    return `${text}"`;
  }
}

function boundOf({ maxBytes }: OperatorUse, limitBytes: number): number {
  return maxBytes < 0 ? limitBytes : Math.min(maxBytes, limitBytes);
}

interface JsonMember {
  /** `"key":`, or nothing in a list. */
  readonly lead: string;
  readonly node: JsonNode;
}

/** An object or a list with at least one operator somewhere in it. */
class ContainerNode implements JsonNode {
  readonly constant = null;
  readonly #members: readonly JsonMember[];
  readonly #open: string;
  readonly #close: string;

  constructor(members: readonly JsonMember[], brackets: '[]' | '{}') {
    this.#members = members;
    this.#open = brackets.slice(0, 1);
    this.#close = brackets.slice(1);
  }

  render(context: FormatContext): string {
    let text = this.#open;
    let isFirst = true;
    for (const member of this.#members) {
      const rendered = member.node.render(context);
      if (rendered === null) continue;
      if (!isFirst) text += ',';
      isFirst = false;
      text += member.lead;
      text += rendered;
    }
    return text + this.#close;
  }

  /** The text when every member is constant. */
  renderConstant(): string {
    const texts = this.#members.map((member) => member.lead + (member.node.constant ?? ''));
    return this.#open + texts.join(',') + this.#close;
  }
}
