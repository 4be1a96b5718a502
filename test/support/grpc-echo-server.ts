// A gRPC server of @grpc/grpc-js whose calls do what their metadata says. grpc_peer.py holds the same
// server, and the same client, in Python.
import type { EventEmitter } from 'node:events';
import grpc from '@grpc/grpc-js';

const SERVICE = 'outrigger.test.Echo';
const UNLIMITED = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };

/** Sends messages as they are: no protobuf is needed to carry octets. */
const asIs = (octets: Buffer): Buffer => octets;

function method(name: string, requestStream: boolean, responseStream: boolean) {
  return {
    path: `/${SERVICE}/${name}`,
    requestStream,
    responseStream,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
}

/** The methods, by the kind of their streams. */
export const ECHO = {
  /** Answers with its request. */
  Once: method('Once', false, false),
  /** Answers with `messages:octets` of its request. */
  Collect: method('Collect', true, false),
  /** `count:octets` as its request asks for that many messages of that size. */
  Expand: method('Expand', false, true),
  /** Answers each message with itself. */
  Chat: method('Chat', true, true),
  /** How many calls were cancelled so far. */
  Cancelled: method('Cancelled', false, false),
} as const;

type Call =
  | grpc.ServerUnaryCall<Buffer, Buffer>
  | grpc.ServerReadableStream<Buffer, Buffer>
  | grpc.ServerWritableStream<Buffer, Buffer>
  | grpc.ServerDuplexStream<Buffer, Buffer>;
type Answer = grpc.sendUnaryData<Buffer>;

/** See the file's head. */
export class GrpcEchoServer {
  readonly #server = new grpc.Server(UNLIMITED);
  #cancelled = 0;

  constructor() {
    this.#server.addService(ECHO, {
      Once: (call: grpc.ServerUnaryCall<Buffer, Buffer>, answer: Answer) => {
        this.#watch(call);
        this.#answer(call, () => call.request, answer);
      },
      Collect: (call: grpc.ServerReadableStream<Buffer, Buffer>, answer: Answer) => {
        let [messages, octets] = [0, 0];
        call.on('data', (data: Buffer) => {
          messages += 1;
          octets += data.length;
        });
        call.on('end', () =>
          this.#answer(call, () => Buffer.from(`${messages}:${octets}`), answer),
        );
        this.#watch(call);
      },
      Expand: (call: grpc.ServerWritableStream<Buffer, Buffer>) => this.#expand(call),
      Chat: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => this.#chat(call),
      Cancelled: (_call: unknown, answer: Answer) => {
        answer(null, Buffer.from(`${this.#cancelled}`));
      },
    });
  }

  /** Listens on a free port of loopback and says which. */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      const credentials = grpc.ServerCredentials.createInsecure();
      this.#server.bindAsync('127.0.0.1:0', credentials, (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
    });
  }

  close(): void {
    this.#server.forceShutdown();
  }

  #answer(call: Call, content: () => Buffer, answer: Answer): void {
    if (isToHang(call)) return;
    greet(call);
    const failure = failureOf(call);
    if (failure === null) answer(null, content(), trailersOf());
    else answer(failure);
  }

  #expand(call: grpc.ServerWritableStream<Buffer, Buffer>): void {
    this.#watch(call);
    if (isToHang(call)) return;
    greet(call);
    const [count = 0, size = 0] = call.request.toString().split(':').map(Number);
    for (let index = 0; index < count; index += 1) call.write(Buffer.alloc(size, index));
    end(call);
  }

  #chat(call: grpc.ServerDuplexStream<Buffer, Buffer>): void {
    this.#watch(call);
    if (isToHang(call)) return;
    greet(call);
    call.on('data', (data: Buffer) => {
      if (!call.write(data)) call.pause();
    });
    call.on('drain', () => call.resume());
    // A client that cancels may look like one that has sent everything: Node ends what it resets.
    const isEndless = call.metadata.get('x-endless').length > 0;
    call.on('end', () => {
      if (!isEndless) end(call);
    });
  }

  #watch(call: EventEmitter): void {
    call.on('cancelled', () => {
      this.#cancelled += 1;
    });
  }
}

function isToHang(call: Call): boolean {
  return call.metadata.get('x-hang').length > 0;
}

/** Sends back what the client says in its metadata. */
function greet(call: Call): void {
  const metadata = new grpc.Metadata();
  metadata.set('x-greeting', 'hello');
  for (const key of ['x-say', 'x-say-bin']) {
    for (const value of call.metadata.get(key)) metadata.add(key.replace('say', 'echo'), value);
  }
  call.sendMetadata(metadata);
}

function trailersOf(): grpc.Metadata {
  const metadata = new grpc.Metadata();
  metadata.set('x-end', 'bye');
  metadata.set('x-end-bin', Buffer.of(0, 1, 254, 255));
  return metadata;
}

function failureOf(call: Call): grpc.StatusObject | null {
  const code = Number(call.metadata.get('x-status')[0] ?? 0);
  const details = String(call.metadata.get('x-message')[0] ?? '');
  return code === 0 ? null : { code, details, metadata: trailersOf() };
}

function end(
  call: grpc.ServerWritableStream<Buffer, Buffer> | grpc.ServerDuplexStream<Buffer, Buffer>,
): void {
  const failure = failureOf(call);
  if (failure === null) call.end(trailersOf());
  else call.emit('error', failure);
}
