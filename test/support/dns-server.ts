// A DNS server on loopback with the answers that a test gives.
import { createSocket, type Socket } from 'node:dgram';

/** Types of records. */
export const TYPE_A = 1;
export const TYPE_AAAA = 28;

/** What it says of a name; null: nothing at all. */
export type DnsScript = (
  name: string,
  type: number,
) => { readonly rcode: number; readonly records: readonly Buffer[] } | null;

/** One server. */
export class DnsServer {
  /** Every question, as `A name` or `AAAA name`, with its monotonic time. */
  readonly questions: { readonly text: string; readonly atMs: number }[] = [];
  readonly #socket: Socket = createSocket('udp4');
  script: DnsScript;

  constructor(script: DnsScript) {
    this.script = script;
    this.#socket.on('message', (message, from) => {
      const { name, type, end } = readQuestion(message);
      const text = `${type === TYPE_A ? 'A' : 'AAAA'} ${name}`;
      this.questions.push({ text, atMs: performance.now() });
      const answer = this.script(name, type);
      if (answer === null) return;
      const head = Buffer.alloc(12);
      message.copy(head, 0, 0, 2);
      head.writeUInt16BE(0x8180 | answer.rcode, 2);
      head.writeUInt16BE(1, 4);
      head.writeUInt16BE(answer.records.length, 6);
      const reply = Buffer.concat([head, message.subarray(12, end), ...answer.records]);
      this.#socket.send(reply, from.port, from.address);
    });
  }

  /** Gives its port. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#socket.bind(0, '127.0.0.1', resolve));
    return this.#socket.address().port;
  }

  close(): void {
    this.#socket.close();
  }
}

/** One record of an answer, of the name that was asked for. */
export function record(type: number, ttlSeconds: number, address: readonly number[]): Buffer {
  const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, ttlSeconds, 0, address.length]);
  return Buffer.concat([head, Buffer.from(address)]);
}

function readQuestion(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] as number; length > 0; length = message[at] as number) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.'), type: message.readUInt16BE(at + 1), end: at + 5 };
}
