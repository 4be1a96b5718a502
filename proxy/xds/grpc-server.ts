// Streams over @grpc/grpc-js with octets as they are. Streams to one server share a connection; one
// that cannot be made is given up with all that grpc-js would remember of it.
import { readFile } from 'node:fs/promises';
import type * as grpc from '@grpc/grpc-js';
import type { CallCredential } from '../model/google-grpc.ts';
import type { CallStats } from './call-stats.ts';
import { type ChannelSettings, makeClient, type ServerTarget } from './grpc-channel.ts';
import { grpcLibrary } from './libraries.ts';
import type { ServerTls } from './server-tls.ts';
import type { StreamSink, StreamStatus, XdsServer, XdsStream } from './xds-server.ts';

/** A management server that speaks gRPC. */
export interface GrpcServerConfig extends ChannelSettings {
  /** For diagnostics; Envoy's is the cluster's. */
  readonly name: string;
  /** Tried in turn, one with each connection; asked for each, for endpoints may come and go. */
  readonly targets: () => readonly ServerTarget[];
  /** Asked for each connection: the same object as long as nothing changed. null: clear text. */
  readonly tls: () => ServerTls | null;
  /** Looked up for each stream. */
  readonly credentials: readonly CallCredential[];
  /** GrpcService.initial_metadata, in its order; values of `-bin` keys are octets. */
  readonly metadata: readonly (readonly [key: string, value: string | Buffer])[];
  readonly connectTimeoutMs: number;
  /** Counts its streams; null: nobody does. */
  readonly callStats: CallStats | null;
}

/** A ping each 30 s that is answered within 10: a dead stream is found after 40 s. */
export const DEFAULT_KEEPALIVE = Object.freeze({ keepaliveMs: 30_000, keepaliveTimeoutMs: 10_000 });

/** 10,000 large clusters are some 50 MB; larger than this is an attack or a mistake. */
export const MAX_RESPONSE_BYTES = 268_435_456;

/** google.rpc.Code */
const CANCELLED = 1;
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;

/** What grpc-js appends to its texts, with nothing behind it where addresses need no resolving. */
const EMPTY_NOTE = / ?Resolution note: $/;

/** Messages are octets already. */
const asIs = (octets: Buffer): Buffer => octets;

/** One client and the streams on it. */
interface Connection {
  readonly client: grpc.Client;
  readonly tls: ServerTls | null;
  users: number;
}

/** See XdsServer. */
export class GrpcServer implements XdsServer {
  readonly config: GrpcServerConfig;
  #connection: Connection | null = null;
  #attempt = 0;

  constructor(config: GrpcServerConfig) {
    this.config = config;
  }

  get name(): string {
    return this.config.name;
  }

  openStream(method: string, sink: StreamSink): XdsStream {
    return new GrpcStream(this, method, sink);
  }

  close(): void {
    this.#connection?.client.close();
    this.#connection = null;
  }

  /** For one more stream; null: there is no target. Throws for secrets that cannot be used. */
  take(): Connection | null {
    const { targets, tls } = this.config;
    const current = tls();
    const known = this.#connection;
    if (known !== null && (known.users > 0 || known.tls === current)) {
      known.users += 1;
      return known;
    }
    this.close();
    const all = targets();
    const target = all[this.#attempt % all.length];
    if (target === undefined) return null;
    const client = makeClient(target, current, this.config);
    this.#connection = { client, tls: current, users: 1 };
    return this.#connection;
  }

  /** A stream is over; `isBroken`: it never came to one, and the next one tries another target. */
  giveBack(connection: Connection, isBroken: boolean): void {
    connection.users -= 1;
    if (!isBroken) return;
    if (this.#connection === connection) {
      this.#connection = null;
      this.#attempt += 1;
    }
    if (connection.users === 0) connection.client.close();
  }
}

class GrpcStream implements XdsStream {
  readonly #server: GrpcServer;
  readonly #sink: StreamSink;
  #connection: Connection | null = null;
  #call: grpc.ClientDuplexStream<Buffer, Buffer> | null = null;
  #connectTimer: NodeJS.Timeout | null = null;
  #isOpen = false;
  #isOver = false;

  constructor(server: GrpcServer, method: string, sink: StreamSink) {
    this.#server = server;
    this.#sink = sink;
    void this.#begin(method);
  }

  send(octets: Uint8Array): boolean {
    if (this.#isOver || this.#call === null) return false;
    const { buffer, byteLength, byteOffset } = octets;
    return this.#call.write(Buffer.from(buffer, byteOffset, byteLength));
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#server.config.callStats?.onEnd(CANCELLED);
    this.#finish();
    this.#call?.cancel();
  }

  async #begin(method: string): Promise<void> {
    const { config } = this.#server;
    const metadata = new (grpcLibrary().Metadata)();
    for (const [key, value] of config.metadata) metadata.add(key, value);
    config.callStats?.onBegin();
    try {
      // The sink must not be told anything before its owner has the stream.
      await null;
      for (const { key, prefix, secret } of config.credentials) {
        const text =
          secret.kind === 'text' ? secret.text : (await readFile(secret.path, 'utf8')).trim();
        metadata.add(key, `${prefix}${text}`);
      }
    } catch (error) {
      const why = `its credentials cannot be read: ${reasonOf(error)}`;
      return this.#end({ code: UNAUTHENTICATED, message: why });
    }
    if (!this.#isOver) this.#connect(method, metadata);
  }

  #connect(method: string, metadata: grpc.Metadata): void {
    const { connectTimeoutMs } = this.#server.config;
    try {
      this.#connection = this.#server.take();
    } catch (error) {
      this.#end({ code: UNAVAILABLE, message: `TLS cannot be set up: ${reasonOf(error)}` });
      return;
    }
    if (this.#connection === null) {
      this.#end({ code: UNAVAILABLE, message: 'no healthy upstream' });
      return;
    }
    const { client } = this.#connection;
    this.#connectTimer = setTimeout(() => this.#giveUp(), connectTimeoutMs);
    this.#call = client.makeBidiStreamRequest(method, asIs, asIs, metadata);
    this.#listen(this.#call);
    this.#awaitReady(client.getChannel());
  }

  #listen(call: grpc.ClientDuplexStream<Buffer, Buffer>): void {
    call.on('data', (octets: Buffer) => {
      if (!this.#isOver) this.#sink.onMessage(octets);
    });
    call.on('drain', () => {
      if (!this.#isOver) this.#sink.onDrain();
    });
    // The status says the same.
    call.on('error', () => undefined);
    call.on('status', ({ code, details }) => {
      this.#end({ code, message: details.replace(EMPTY_NOTE, '') });
    });
  }

  #awaitReady(channel: ReturnType<grpc.Client['getChannel']>): void {
    const state = channel.getConnectivityState(true);
    if (state === grpcLibrary().connectivityState.READY) {
      this.#open();
      return;
    }
    // The status of the call tells of failures, and the timer of silence.
    channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, () => {
      if (!this.#isOver && !this.#isOpen) this.#awaitReady(channel);
    });
  }

  #open(): void {
    this.#isOpen = true;
    this.#stopTimer();
    this.#sink.onOpen();
  }

  #giveUp(): void {
    const { connectTimeoutMs } = this.#server.config;
    this.#end({ code: UNAVAILABLE, message: `no connection within ${connectTimeoutMs} ms` });
    this.#call?.cancel();
  }

  #end(status: StreamStatus): void {
    if (this.#isOver) return;
    this.#server.config.callStats?.onEnd(status.code);
    this.#finish();
    this.#sink.onEnd(status);
  }

  #finish(): void {
    this.#isOver = true;
    this.#stopTimer();
    if (this.#connection !== null) this.#server.giveBack(this.#connection, !this.#isOpen);
  }

  #stopTimer(): void {
    if (this.#connectTimer !== null) clearTimeout(this.#connectTimer);
    this.#connectTimer = null;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
