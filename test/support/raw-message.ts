// One HTTP/1.1 message as it stood on the wire, read more strictly than most servers would: what a
// proxy sends must be right to the byte.

const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;
const CHUNK_SIZE = /^[0-9a-f]+$/i;

/** How the end of a message's content is found. */
export type RawFraming = 'none' | 'length' | 'chunked' | 'until-close';

/** A message's first line and fields. */
export class RawHead {
  readonly startLine: string;
  /** Names in the case that was sent. */
  readonly fields: readonly (readonly [string, string])[];

  /** `text` without the empty line; throws when it is not HTTP/1.1. */
  constructor(text: string) {
    const [startLine = '', ...lines] = text.split('\r\n');
    if (/[\r\n]/.test(startLine)) throw new Error(`bare CR or LF in ${JSON.stringify(startLine)}`);
    this.startLine = startLine;
    this.fields = lines.map((line) => {
      const match = FIELD.exec(line);
      if (match === null) throw new Error(`not a field line: ${JSON.stringify(line)}`);
      return [match[1] ?? '', match[2] ?? ''] as const;
    });
  }

  /** Status of a response. */
  get status(): number {
    const match = /^HTTP\/1\.[01] (\d{3}) /.exec(this.startLine);
    if (match === null) throw new Error(`not a status line: ${JSON.stringify(this.startLine)}`);
    return Number(match[1]);
  }

  /** Method of a request. */
  get method(): string {
    return this.startLine.split(' ')[0] ?? '';
  }

  /** Request target. */
  get target(): string {
    return this.startLine.split(' ')[1] ?? '';
  }

  /** Every value of a field, in order. */
  values(name: string): readonly string[] {
    const lower = name.toLowerCase();
    return this.fields.filter(([key]) => key.toLowerCase() === lower).map(([, value]) => value);
  }

  /** A field's only value, null when absent; throws when it is repeated. */
  get(name: string): string | null {
    const values = this.values(name);
    if (values.length > 1) throw new Error(`${name} stands ${values.length} times`);
    return values[0] ?? null;
  }

  /** Framing of the content; a request's ends at once unless its head says otherwise. */
  framing(kind: 'request' | 'response', isAnswerToHead = false): RawFraming {
    const coding = this.get('transfer-encoding');
    const length = this.get('content-length');
    if (coding !== null && length !== null) throw new Error('both framings in one message');
    if (kind === 'response' && !mayHaveContent(this.status, isAnswerToHead)) return 'none';
    if (coding !== null) {
      if (coding !== 'chunked') throw new Error(`transfer-encoding: ${coding}`);
      return 'chunked';
    }
    if (length !== null) return 'length';
    return kind === 'request' ? 'none' : 'until-close';
  }
}

/** A whole message. */
export interface RawMessage {
  readonly head: RawHead;
  readonly body: string;
  readonly trailers: readonly (readonly [string, string])[];
}

/** Reads a chunk's size line; throws on everything that is not plain hexadecimal. */
export function chunkSize(line: string): number {
  if (!CHUNK_SIZE.test(line)) throw new Error(`not a chunk size: ${JSON.stringify(line)}`);
  return Number.parseInt(line, 16);
}

function mayHaveContent(status: number, isAnswerToHead: boolean): boolean {
  return !isAnswerToHead && status >= 200 && status !== 204 && status !== 304;
}
