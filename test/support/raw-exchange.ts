// One HTTP/1.1 request written byte for byte as the test says, and its response taken apart.
import net from 'node:net';

const DEADLINE_MS = 10_000;

/** A response; `fields` are `name: value` lines with names in lower case. */
export interface RawResponse {
  readonly status: number;
  readonly fields: readonly string[];
  /** Without chunk framing. */
  readonly body: string;
}

/** Sends latin1 text on a connection of its own and reads until the peer ends it. */
export function rawExchange(address: string, request: string): Promise<RawResponse> {
  const colon = address.lastIndexOf(':');
  const socket = net.connect(Number(address.slice(colon + 1)), address.slice(0, colon));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    socket.setTimeout(DEADLINE_MS, () => socket.destroy(new Error(`no end of ${request}`)));
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      if (isComplete(Buffer.concat(chunks).toString('latin1'))) socket.destroy();
    });
    // A peer that breaks off its response has still said something.
    socket.on('error', (error) => {
      if (chunks.length === 0) reject(error);
    });
    socket.on('close', () => resolve(parseResponse(Buffer.concat(chunks).toString('latin1'))));
    socket.write(request, 'latin1');
  });
}

/** True when the framing fields say that nothing more will come. */
function isComplete(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return false;
  const length = /^content-length: (\d+)\r?$/im.exec(text.slice(0, end + 2));
  if (length !== null) return text.length >= end + 4 + Number(length[1]);
  return text.endsWith('\r\n0\r\n\r\n');
}

function parseResponse(text: string): RawResponse {
  const end = text.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = text.slice(0, Math.max(end, 0)).split('\r\n');
  const fields = lines.map(lowerName);
  const body = text.slice(end + 4);
  const isChunked = fields.includes('transfer-encoding: chunked');
  return {
    status: Number(statusLine.split(' ')[1] ?? 0),
    fields,
    body: isChunked ? withoutChunks(body) : body,
  };
}

function lowerName(line: string): string {
  const colon = line.indexOf(':');
  return line.slice(0, colon).toLowerCase() + line.slice(colon);
}

function withoutChunks(body: string): string {
  let text = '';
  let at = 0;
  while (at < body.length) {
    const lineEnd = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.slice(at, lineEnd), 16);
    if (!(size > 0)) break;
    text += body.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
  return text;
}
