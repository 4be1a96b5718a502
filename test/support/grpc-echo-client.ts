// A gRPC client of @grpc/grpc-js that calls an echo server in every way and reports what came back.
import { createHash } from 'node:crypto';
import grpc from '@grpc/grpc-js';
import { eventually } from './eventually.ts';
import { ECHO } from './grpc-echo-server.ts';

const UNLIMITED = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };
const BIG_BYTES = 10 * 1024 * 1024;
const CHAT_MESSAGES = 100;
const PARALLEL = 50;
const SHORT_MS = 300;
const LONG_MS = 30_000;

/** What a client found, the same in every language. */
export interface EchoReport {
  readonly once: string;
  /** Initial metadata, then trailing. */
  readonly metadata: readonly string[];
  /** `code message` of calls that were told to end so. */
  readonly statuses: readonly string[];
  readonly streamStatuses: readonly string[];
  readonly collect: string;
  /** Messages and octets. */
  readonly expand: string;
  readonly chat: string;
  /** Hash of a large message as it was sent, and as it came back. */
  readonly big: readonly [string, string];
  readonly deadline: number;
  readonly cancel: number;
  /** Calls that the server knows to be cancelled: by us, and by the deadline. */
  readonly cancelled: number;
  readonly unknownMethod: number;
  readonly parallel: number;
}

type Unary = (
  octets: Buffer,
  metadata: grpc.Metadata,
  options: grpc.CallOptions,
  done: (error: grpc.ServiceError | null, answer?: Buffer) => void,
) => grpc.ClientUnaryCall;
type Reader = grpc.ClientReadableStream<Buffer>;
type Duplex = grpc.ClientDuplexStream<Buffer, Buffer>;
type EchoStub = grpc.Client & {
  Once: Unary;
  Cancelled: Unary;
  Collect(
    metadata: grpc.Metadata,
    options: grpc.CallOptions,
    done: (error: grpc.ServiceError | null, answer?: Buffer) => void,
  ): grpc.ClientWritableStream<Buffer>;
  Expand(octets: Buffer, metadata: grpc.Metadata, options: grpc.CallOptions): Reader;
  Chat(metadata: grpc.Metadata, options: grpc.CallOptions): Duplex;
};

const Stub = grpc.makeGenericClientConstructor(ECHO, 'Echo') as unknown as new (
  address: string,
  credentials: grpc.ChannelCredentials,
  options: grpc.ClientOptions,
) => EchoStub;

/** How a call ended. */
interface Outcome {
  readonly code: number;
  readonly message: string;
  readonly answer: Buffer;
  readonly initial: grpc.Metadata | null;
  readonly trailing: grpc.Metadata | null;
}

/** Calls everything at an address. */
export async function callEchoServer(address: string): Promise<EchoReport> {
  const stub = new Stub(address, grpc.credentials.createInsecure(), UNLIMITED);
  try {
    return await new EchoClient(stub).report();
  } finally {
    stub.close();
  }
}

class EchoClient {
  readonly #stub: EchoStub;

  constructor(stub: EchoStub) {
    this.#stub = stub;
  }

  async report(): Promise<EchoReport> {
    const said = metadataOf({ 'x-say': 'a, b', 'x-say-bin': Buffer.of(0, 255, 10, 13, 128) });
    const big = Buffer.alloc(BIG_BYTES, 'outrigger');
    const numbers = Array.from({ length: 17 }, (_, code) => code);
    return {
      once: (await this.#once(Buffer.from('hello'))).answer.toString(),
      metadata: printed(await this.#once(Buffer.alloc(0), said)),
      statuses: await inTurn(numbers, (code) => this.#status(code)),
      streamStatuses: await inTurn([0, 7, 13], (code) => this.#streamStatus(code)),
      collect: await this.#collect(),
      expand: await this.#expand(),
      chat: await this.#chat(),
      big: [hashOf(big), hashOf((await this.#once(big)).answer)],
      deadline: (await this.#once(Buffer.of(1), metadataOf({ 'x-hang': '1' }), SHORT_MS)).code,
      cancel: await this.#cancel(),
      cancelled: await this.#cancelled(),
      unknownMethod: await this.#unknown(),
      parallel: await this.#parallel(),
    };
  }

  #once(octets: Buffer, metadata = new grpc.Metadata(), deadlineMs = LONG_MS): Promise<Outcome> {
    return unary((done) => {
      const options = { deadline: Date.now() + deadlineMs };
      return this.#stub.Once(octets, metadata, options, done);
    });
  }

  async #status(code: number): Promise<string> {
    const metadata = metadataOf({ 'x-status': `${code}`, 'x-message': `because of ${code}%` });
    const outcome = await this.#once(Buffer.from('x'), metadata);
    return `${outcome.code} ${outcome.message}`;
  }

  async #streamStatus(code: number): Promise<string> {
    const metadata = metadataOf({ 'x-status': `${code}`, 'x-message': 'in the end' });
    const call = this.#stub.Expand(Buffer.from('3:5'), metadata, withinLong());
    let octets = 0;
    call.on('data', (data: Buffer) => {
      octets += data.length;
    });
    const { code: found } = await ended(call);
    return `${octets} ${found}`;
  }

  async #collect(): Promise<string> {
    const outcome = await unary((done) => {
      const call = this.#stub.Collect(new grpc.Metadata(), withinLong(), done);
      for (let size = 0; size < CHAT_MESSAGES; size += 1) call.write(Buffer.alloc(size * 100));
      call.end();
      return call;
    });
    return outcome.answer.toString();
  }

  async #expand(): Promise<string> {
    const call = this.#stub.Expand(Buffer.from('200:10000'), new grpc.Metadata(), withinLong());
    let [messages, octets] = [0, 0];
    call.on('data', (data: Buffer) => {
      if (data[0] === (messages & 255)) messages += 1;
      octets += data.length;
    });
    await ended(call);
    return `${messages}:${octets}`;
  }

  /** Each message leaves when the one before came back. */
  async #chat(): Promise<string> {
    const call = this.#stub.Chat(new grpc.Metadata(), withinLong());
    let echoed = 0;
    call.on('data', (data: Buffer) => {
      if (data.toString() === `message ${echoed}`) echoed += 1;
      if (echoed < CHAT_MESSAGES) call.write(Buffer.from(`message ${echoed}`));
      else call.end();
    });
    call.write(Buffer.from('message 0'));
    const { code } = await ended(call);
    return `${echoed} ${code}`;
  }

  async #cancel(): Promise<number> {
    const call = this.#stub.Chat(metadataOf({ 'x-endless': '1' }), withinLong());
    call.write(Buffer.from('before'));
    await new Promise((resolve) => call.once('data', resolve));
    const end = ended(call);
    call.cancel();
    return (await end).code;
  }

  /** The server hears of both a little later. */
  async #cancelled(): Promise<number> {
    let count = 0;
    await eventually(async () => {
      const { answer } = await unary((done) =>
        this.#stub.Cancelled(Buffer.alloc(0), new grpc.Metadata(), withinLong(), done),
      );
      count = Number(answer.toString());
      return count >= 2;
    });
    return count;
  }

  async #unknown(): Promise<number> {
    const path = '/outrigger.test.Echo/Nothing';
    const asIs = (octets: Buffer) => octets;
    const { code } = await unary((done) =>
      this.#stub.makeUnaryRequest(
        path,
        asIs,
        asIs,
        Buffer.of(1),
        new grpc.Metadata(),
        withinLong(),
        done,
      ),
    );
    return code;
  }

  async #parallel(): Promise<number> {
    const texts = Array.from({ length: PARALLEL }, (_, index) => `call ${index}`);
    const outcomes = await Promise.all(texts.map((text) => this.#once(Buffer.from(text))));
    return outcomes.filter(({ answer }, index) => answer.toString() === texts[index]).length;
  }
}

function withinLong(): grpc.CallOptions {
  return { deadline: Date.now() + LONG_MS };
}

function metadataOf(pairs: Readonly<Record<string, grpc.MetadataValue>>): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [key, value] of Object.entries(pairs)) metadata.add(key, value);
  return metadata;
}

async function inTurn<T>(
  items: readonly T[],
  use: (item: T) => Promise<string>,
): Promise<string[]> {
  const found: string[] = [];
  for (const item of items) found.push(await use(item));
  return found;
}

function unary(
  start: (
    done: (error: grpc.ServiceError | null, answer?: Buffer) => void,
  ) => grpc.ClientUnaryCall | grpc.ClientWritableStream<Buffer>,
): Promise<Outcome> {
  return new Promise((resolve) => {
    let initial: grpc.Metadata | null = null;
    let answer: Buffer = Buffer.alloc(0);
    const call = start((_error, octets) => {
      answer = octets ?? answer;
    });
    call.on('metadata', (metadata: grpc.Metadata) => {
      initial = metadata;
    });
    call.on('status', ({ code, details, metadata }: grpc.StatusObject) => {
      // The answer's callback comes in the same turn, before or after.
      setImmediate(() => resolve({ code, message: details, answer, initial, trailing: metadata }));
    });
  });
}

function ended(call: Reader | Duplex): Promise<grpc.StatusObject> {
  call.on('error', () => undefined);
  return new Promise((resolve) => call.once('status', resolve));
}

/** Own fields of both kinds, as `name=value`, binary ones in base64. */
function printed({ initial, trailing }: Outcome): string[] {
  return [initial, trailing].flatMap((metadata) => {
    const lines: string[] = [];
    for (const key of Object.keys(metadata?.getMap() ?? {})) {
      if (!/^x-(greeting|echo|end)/.test(key)) continue;
      for (const value of metadata?.get(key) ?? []) {
        lines.push(`${key}=${typeof value === 'string' ? value : value.toString('base64')}`);
      }
    }
    return lines.sort();
  });
}

function hashOf(octets: Buffer): string {
  return `${octets.length} ${createHash('sha256').update(octets).digest('hex')}`;
}
