// A discovery server on a socket, by @grpc/grpc-js with octets as they are: the aggregated service
// and one for each type, both variants of each.
import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import type * as grpc from '@grpc/grpc-js';
import { grpcLibrary } from '../xds/libraries.ts';
import { AGGREGATED_METHODS, resourceType, TYPE_URLS } from '../xds/resource-types.ts';
import type { AcceptedStream, DiscoveryServer } from './discovery-server.ts';

/** TLS of a server, all PEM. */
export interface FrontTls {
  readonly chainPem: Buffer;
  readonly keyPem: Buffer;
  /** Authorities of clients, which then have to show a certificate; null: nobody is asked. */
  readonly clientCaPem: Buffer | null;
}

/** Where a front listens, and how. */
export interface GrpcFrontConfig {
  /** `host:port`, `[ip]:port` or `unix:/path`; port 0: a free one. */
  readonly target: string;
  /** null: clear text. */
  readonly tls: FrontTls | null;
}

/** A front that listens. */
export interface GrpcFront {
  /** 0 for a pipe. */
  readonly port: number;
  /** Ends all streams, so that clients look for another server; resolves when nothing is left. */
  close(): Promise<void>;
}

/** Requests name up to all resources of a type: 100,000 names of 200 octets are 20 MB. */
const MAX_REQUEST_BYTES = 67_108_864;
/** A client that is gone without a word is noticed after 40 s. */
const KEEPALIVE = Object.freeze({
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
});
/** Streams that do not end by themselves are cut. */
const CLOSE_WITHIN_MS = 1000;

const UNIX = 'unix:';
/** How late a wait may end. */
const TICK_MS = 250;

type Call = grpc.ServerDuplexStream<Buffer, Buffer>;

/** A method of the service: what its streams are about. */
interface Method {
  readonly path: string;
  /** '' : all types. */
  readonly typeUrl: string;
  readonly isIncremental: boolean;
}

/** Begins to listen; rejects when that is not possible. */
export async function openGrpcFront(
  server: DiscoveryServer,
  { target, tls }: GrpcFrontConfig,
): Promise<GrpcFront> {
  const { Server } = grpcLibrary();
  const listener = new Server({
    ...KEEPALIVE,
    'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
    'grpc.max_send_message_length': -1,
    'grpc.enable_channelz': 0,
  });
  const calls = new Set<Call>();
  for (const method of methods()) {
    listener.addService(...serviceOf(method, (call) => serve(server, method, { call, calls })));
  }
  if (target.startsWith(UNIX)) await removeLeftover(target.slice(UNIX.length));
  const port = await new Promise<number>((resolve, reject) => {
    listener.bindAsync(target, credentialsOf(tls), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(new Error(`${target} cannot be listened on: ${error.message}`));
    });
  });
  const ticks = setInterval(() => server.tick(), TICK_MS);
  const close = (): Promise<void> => {
    clearInterval(ticks);
    return closeListener(listener, calls);
  };
  return { port, close };
}

/** A pipe whose process is gone would be in the way; one that somebody listens on stays. */
async function removeLeftover(path: string): Promise<void> {
  const facts = await lstat(path).catch(() => null);
  if (facts?.isSocket() !== true) return;
  const isLeftover = await new Promise<boolean>((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'));
  });
  if (isLeftover) await unlink(path);
}

function methods(): readonly Method[] {
  const types = Object.values(TYPE_URLS).map(resourceType);
  const all = [{ typeUrl: '', ...AGGREGATED_METHODS }, ...asMethods(types)];
  return all
    .flatMap(({ typeUrl, stateOfWorld, incremental }) => [
      { path: stateOfWorld, typeUrl, isIncremental: false },
      { path: incremental, typeUrl, isIncremental: true },
    ])
    .filter(({ path }) => path !== '');
}

function asMethods(types: readonly ReturnType<typeof resourceType>[]) {
  return types.map(({ typeUrl, incrementalMethod, stateOfWorldMethod }) => ({
    ...{ typeUrl, stateOfWorld: stateOfWorldMethod, incremental: incrementalMethod },
  }));
}

const asIs = (octets: Buffer): Buffer => octets;

function serviceOf(
  { path }: Method,
  handle: (call: Call) => void,
): [grpc.ServiceDefinition, grpc.UntypedServiceImplementation] {
  const definition = {
    ...{ path, requestStream: true, responseStream: true },
    ...{ requestSerialize: asIs, requestDeserialize: asIs },
    ...{ responseSerialize: asIs, responseDeserialize: asIs },
  };
  return [{ stream: definition }, { stream: handle }];
}

function credentialsOf(tls: FrontTls | null): grpc.ServerCredentials {
  const { ServerCredentials } = grpcLibrary();
  if (tls === null) return ServerCredentials.createInsecure();
  const { chainPem, clientCaPem, keyPem } = tls;
  const pair = { private_key: keyPem, cert_chain: chainPem };
  return ServerCredentials.createSsl(clientCaPem, [pair], clientCaPem !== null);
}

function serve(
  server: DiscoveryServer,
  { isIncremental, typeUrl }: Method,
  { call, calls }: { readonly call: Call; readonly calls: Set<Call> },
): void {
  const { INVALID_ARGUMENT } = grpcLibrary().status;
  calls.add(call);
  const peer = call.getPeer();
  const send = (octets: Uint8Array): boolean =>
    call.write(Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength));
  const stream = server.accept({ peer, isIncremental, typeUrl, send });
  call.on('data', (octets: Buffer) => {
    const refusal = stream.onMessage(octets);
    if (refusal === '') return;
    stream.onEnd(refusal);
    call.emit('error', { code: INVALID_ARGUMENT, details: refusal });
  });
  call.on('drain', () => stream.onDrain());
  call.on('end', () => {
    stream.onEnd('');
    call.end();
  });
  endWith(call, stream, calls);
}

/** Whatever the way in which a call ends. */
function endWith(call: Call, stream: AcceptedStream, calls: Set<Call>): void {
  const forget = (reason: string): void => {
    calls.delete(call);
    stream.onEnd(reason);
  };
  call.on('cancelled', () => forget(''));
  call.on('close', () => forget(''));
  // grpc-js tells the client what went wrong.
  call.on('error', (error: { readonly details?: string }) => forget(error.details ?? 'broken'));
}

async function closeListener(listener: grpc.Server, calls: ReadonlySet<Call>): Promise<void> {
  const { UNAVAILABLE } = grpcLibrary().status;
  for (const call of calls) {
    call.emit('error', { code: UNAVAILABLE, details: 'the server is shutting down' });
  }
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, CLOSE_WITHIN_MS);
    listener.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
  listener.forceShutdown();
}
