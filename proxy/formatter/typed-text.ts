// A text that formats print as JSON prints it, quotes included, where others stand bare.

/** Filter state that is a plain text, as `%FILTER_STATE(key)%` and `:TYPED` give it. */
export class TypedText {
  /** A byte string. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}
