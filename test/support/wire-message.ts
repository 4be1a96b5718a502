// HTTP/1.1 messages as they stand on the wire, read leniently and without an opinion: for tests that
// compare what two proxies sent, whatever it is.

/** One message. Names in the case that was sent. */
export interface WireMessage {
  readonly startLine: string;
  /** `name: value`, sorted by name; lines of one name keep their order. */
  readonly fields: readonly string[];
  /** How the content's end is found. */
  readonly framing: 'none' | 'length' | 'chunked' | 'until-close' | 'data';
  /** Content without chunk lines; long content is abbreviated. */
  readonly body: string;
  readonly trailers: readonly string[];
  /** False: the connection ended, or nothing more came, inside the message. */
  readonly isComplete: boolean;
  /** Name of the code by which its HTTP/2 stream was reset. */
  readonly reset?: string;
}

/** Messages that were read, and the offset behind the last one. */
export interface WireMessages {
  readonly messages: readonly WireMessage[];
  readonly end: number;
}

/** What the reader has to know besides the bytes. */
export interface WireContext {
  readonly kind: 'request' | 'response';
  /** Methods of the requests that responses answer, in order. */
  readonly methods: readonly string[];
  /** Nothing more will come. */
  readonly hasEnded: boolean;
}

const LONG_BODY = 300;

/** Reads as many messages as there are; the last one may be incomplete. */
export function readMessages(text: string, context: WireContext): WireMessages {
  const messages: WireMessage[] = [];
  let at = 0;
  let answered = 0;
  while (at < text.length) {
    const read = readMessage(text, at, { ...context, methods: context.methods.slice(answered) });
    messages.push(read.message);
    if (!read.message.isComplete) break;
    at = read.end;
    if (!/^HTTP\/1\.\d 1\d\d /.test(read.message.startLine)) answered += 1;
  }
  return { messages, end: at };
}

interface Read {
  readonly message: WireMessage;
  readonly end: number;
}

function readMessage(text: string, from: number, context: WireContext): Read {
  const headEnd = text.indexOf('\r\n\r\n', from);
  const [startLine = '', ...fields] = text
    .slice(from, headEnd === -1 ? undefined : headEnd)
    .split('\r\n');
  const head = { startLine, fields: sortFields(fields) };
  if (headEnd === -1) {
    const message = {
      ...head,
      framing: 'none',
      body: '',
      trailers: [],
      isComplete: false,
    } as const;
    return { message, end: text.length };
  }
  const framing = framingOf(head, context);
  const at = headEnd + 4;
  const content = readContent(text, at, { framing, head, hasEnded: context.hasEnded });
  const { body, trailers, isComplete, end } = content;
  return {
    message: { ...head, framing, body: abbreviated(body), trailers, isComplete },
    end,
  };
}

interface Head {
  readonly startLine: string;
  readonly fields: readonly string[];
}

function framingOf(head: Head, { kind, methods }: WireContext): WireMessage['framing'] {
  const status = Number(/^HTTP\/1\.\d (\d{3})/.exec(head.startLine)?.[1] ?? 0);
  if (kind === 'response') {
    if (methods[0] === 'HEAD' || status < 200 || status === 204 || status === 304) return 'none';
  }
  if (fieldValue(head, 'transfer-encoding') !== null) return 'chunked';
  if (fieldValue(head, 'content-length') !== null) return 'length';
  return kind === 'request' ? 'none' : 'until-close';
}

/** First value of a field, null when it is absent. */
export function fieldValue(head: Head, name: string): string | null {
  const line = head.fields.find((field) => field.toLowerCase().startsWith(`${name}:`));
  return line === undefined ? null : line.slice(name.length + 1).trim();
}

interface ContentFrame {
  readonly framing: WireMessage['framing'];
  readonly head: Head;
  readonly hasEnded: boolean;
}

interface Content {
  readonly body: string;
  readonly trailers: readonly string[];
  readonly isComplete: boolean;
  readonly end: number;
}

function readContent(text: string, at: number, frame: ContentFrame): Content {
  const none = { trailers: [], isComplete: true } as const;
  switch (frame.framing) {
    case 'none':
    case 'data':
      return { ...none, body: '', end: at };
    case 'until-close':
      return { ...none, body: text.slice(at), isComplete: frame.hasEnded, end: text.length };
    case 'length': {
      const length = Number(fieldValue(frame.head, 'content-length'));
      const body = text.slice(at, at + length);
      return { ...none, body, isComplete: body.length === length, end: at + length };
    }
    case 'chunked':
      return readChunks(text, at);
  }
}

function readChunks(text: string, from: number): Content {
  let body = '';
  let at = from;
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd === -1) break;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (size === 0) {
      if (text.startsWith('\r\n', lineEnd + 2)) {
        return { body, trailers: [], isComplete: true, end: lineEnd + 4 };
      }
      const end = text.indexOf('\r\n\r\n', lineEnd + 2);
      if (end === -1) break;
      const trailers = sortFields(text.slice(lineEnd + 2, end).split('\r\n'));
      return { body, trailers, isComplete: true, end: end + 4 };
    }
    body += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
    if (!(size > 0) || at > text.length) break;
  }
  return { body, trailers: [], isComplete: false, end: text.length };
}

/** Sorts `name: value` by name; lines of one name keep their order. */
export function sortFields(lines: readonly string[]): string[] {
  const nameOf = (line: string) => line.slice(0, Math.max(line.indexOf(':', 1), 0)).toLowerCase();
  return [...lines].sort((one, other) => nameOf(one).localeCompare(nameOf(other)));
}

/** Long content by its beginning, length and hash. */
export function abbreviated(body: string): string {
  if (body.length <= LONG_BODY) return body;
  let sum = 0;
  for (let index = 0; index < body.length; index += 1) {
    sum = (sum * 31 + body.charCodeAt(index)) >>> 0;
  }
  return `${body.slice(0, 40)}… ${body.length} octets, hash ${sum}`;
}
