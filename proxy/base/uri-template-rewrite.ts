// What Envoy's uri_template_rewriter makes of a path: literal text and variables of the template
// that the path matched.
import type { UriTemplate } from './uri-template.ts';

/** A parsed `path_template_rewrite`. */
export interface UriTemplateRewrite {
  readonly source: string;
  readonly parts: readonly RewritePart[];
}

/** Literal text, or a variable by name. */
export type RewritePart = { readonly text: string } | { readonly variable: string };

/** Segments of RFC 3986 pchar, one slash between them. */
const LITERAL = /^[a-zA-Z0-9\-._~%!$&'()*+,;:@=/]+$/;
const NAME = /^[a-zA-Z][a-zA-Z0-9_]*$/;
const PART = /\{([^{}]*)\}|[^{}]+|[{}]/g;

/** Parses it; null: Envoy refuses it as well. */
export function parseUriTemplateRewrite(source: string): UriTemplateRewrite | null {
  if (!source.startsWith('/') || source.includes('//')) return null;
  const parts: RewritePart[] = [];
  for (const [text, variable] of source.matchAll(PART)) {
    if (variable === undefined ? !LITERAL.test(text) : !NAME.test(variable)) return null;
    parts.push(variable === undefined ? { text } : { variable });
  }
  return { source, parts };
}

/** True when the template has all variables that are used. */
export function fitsTemplate(rewrite: UriTemplateRewrite, { variables }: UriTemplate): boolean {
  return rewrite.parts.every((part) => 'text' in part || variables.includes(part.variable));
}

/** Rewrites paths that match one template. */
export class UriTemplateRewriter {
  readonly #template: UriTemplate;
  /** Texts, and indexes of captures. */
  readonly #parts: readonly (string | number)[];

  constructor(template: UriTemplate, { parts }: UriTemplateRewrite) {
    this.#template = template;
    this.#parts = parts.map((part) =>
      'text' in part ? part.text : template.variables.indexOf(part.variable),
    );
  }

  /** The path, without query, that is made of one that matches; null: it does not. */
  rewrite(path: string): string | null {
    const captures = this.#template.captures(path);
    if (captures === null) return null;
    let written = '';
    for (const part of this.#parts) {
      written += typeof part === 'string' ? part : (captures[part] ?? '');
    }
    return written;
  }
}
