// PEM (RFC 7468): blocks of base64 between their lines. Text between blocks is left alone, as
// OpenSSL does; inside of a block nothing but base64 is taken.

/** One block. */
export interface PemBlock {
  readonly label: string;
  readonly der: Buffer;
  /** Number of its first line, from 1. */
  readonly line: number;
}

/** Why a text is not taken, and where: number of a line, from 1. */
export interface PemError {
  readonly error: string;
  readonly line: number;
}

const BEGIN = /^-----BEGIN ([A-Z0-9 ]+)-----\s*$/;
const BASE64_LINE = /^[A-Za-z0-9+/]*={0,2}\s*$/;
const LINE_CHARS = 64;

/** With lines of 64 and a final newline. */
export function toPem(label: string, der: Buffer): string {
  const base64 = der.toString('base64');
  let lines = '';
  for (let at = 0; at < base64.length; at += LINE_CHARS) {
    lines += `${base64.slice(at, at + LINE_CHARS)}\n`;
  }
  return `-----BEGIN ${label}-----\n${lines}-----END ${label}-----\n`;
}

/** All blocks of a text, in order. */
export function parsePem(text: string): readonly PemBlock[] | PemError {
  const lines = text.split('\n');
  const blocks: PemBlock[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const label = BEGIN.exec(lines[index] ?? '')?.[1];
    if (label === undefined) continue;
    const end = lines.findIndex((line, at) => at > index && line.trimEnd() === endOf(label));
    if (end < 0) return { error: `no line "${endOf(label)}" follows`, line: index + 1 };
    const wrong = lines.findIndex((line, at) => at > index && at < end && !BASE64_LINE.test(line));
    if (wrong >= 0) return { error: 'no base64', line: wrong + 1 };
    const base64 = lines.slice(index + 1, end).join('');
    blocks.push({ label, der: Buffer.from(base64, 'base64'), line: index + 1 });
    index = end;
  }
  return blocks;
}

function endOf(label: string): string {
  return `-----END ${label}-----`;
}
