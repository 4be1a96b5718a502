// Compressed content in what twins saw, decompressed: two libraries never compress alike.
import zlib from 'node:zlib';
import type { Outcome } from './with-twins.ts';

const DECODERS: Readonly<Record<string, (data: Buffer) => Buffer>> = {
  gzip: (data) => zlib.gunzipSync(data),
  br: (data) => zlib.brotliDecompressSync(data),
};

/** The outcome with every body as text; what does not decompress says so. */
export function withDecodedBodies(outcome: Outcome): Outcome {
  const { responses, upstream } = outcome;
  return { ...outcome, responses: responses.map(decoded), upstream: upstream.map(decoded) };
}

function decoded(message: string): string {
  const coding = /^content-encoding: (\S+)$/im.exec(message)?.[1] ?? '';
  const decoder = Object.hasOwn(DECODERS, coding) ? DECODERS[coding] : undefined;
  if (decoder === undefined) return message;
  return message.replace(
    /\n\n\[(\w+)\] ([\s\S]*?)((?:\ntrailer [^\n]*)*(?:\n\[incomplete\])?)$/,
    (_all, framing, body, rest) => {
      const data = Buffer.from(body as string, 'latin1');
      return `\n\n[${framing}] ${coding}(${plain(decoder, data)})${rest}`;
    },
  );
}

function plain(decoder: (data: Buffer) => Buffer, data: Buffer): string {
  if (data.length === 0) return 'nothing';
  try {
    return decoder(data).toString('latin1');
  } catch (error) {
    return `broken: ${(error as Error).message}`;
  }
}
