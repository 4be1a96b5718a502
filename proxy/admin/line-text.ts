// Names that servers chose, in listings whose readers take each line for what it says.

const CONTROL = /[\p{Cc}]/gu;

/** The text with its control characters as `\x0a`: it has one line. */
export function lineText(text: string): string {
  return text.replace(CONTROL, (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
