// Query parameters as Envoy reads them: percent-decoded, `+` stays `+` (it is common in filters).

/** The parameters of one request. */
export class QueryParams {
  /** In the order they came. */
  readonly entries: readonly (readonly [name: string, value: string])[];

  constructor(query: string) {
    this.entries = query
      .split('&')
      .filter((part) => part !== '')
      .map((part) => {
        const equals = part.indexOf('=');
        if (equals < 0) return [decode(part), ''];
        return [decode(part.slice(0, equals)), decode(part.slice(equals + 1))];
      });
  }

  /** The first value of a name, null without one. */
  get(name: string): string | null {
    return this.entries.find(([key]) => key === name)?.[1] ?? null;
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }
}

/** Wrong escapes stay as they are. */
function decode(text: string): string {
  return text.replace(/(?:%[0-9a-fA-F]{2})+/g, (escapes) =>
    Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}
