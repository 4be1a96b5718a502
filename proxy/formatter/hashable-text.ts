// Filter state that a hash policy can hash: what Envoy's factory `envoy.hashable_string` makes.
import type { JsonValue } from './format-options.ts';
import type { PrintableState } from './printable-state.ts';

/** A text; plain ones, of `envoy.string`, are not hashed. */
export class HashableText implements PrintableState {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  asText(): string {
    return this.text;
  }

  asJson(): JsonValue {
    return this.text;
  }

  field(): JsonValue {
    return null;
  }
}
