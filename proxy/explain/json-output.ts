// Explanations, test results and differences for programs: the same values with snake_case names.

/** Indented JSON with a line break at its end. */
export function jsonOutput(value: unknown): string {
  return `${JSON.stringify(snakeCased(value), null, 2)}\n`;
}

function snakeCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCased);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).map(([name, member]) => [
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    // What an author wrote keeps its names.
    name === 'config' ? member : snakeCased(member),
  ]);
  return Object.fromEntries(entries);
}
