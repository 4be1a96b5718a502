// One request for resources as JSON over HTTP/1.1.
import { once } from 'node:events';
import net from 'node:net';
import type { TLSSocket } from 'node:tls';
import { fromJson, toJson } from '@bufbuild/protobuf';
import type { Client } from 'undici';
import {
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from '../api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { apiRegistry } from '../api/registry.ts';
import type { ServerTarget } from './grpc-channel.ts';
import { restLibrary } from './libraries.ts';
import { type ServerTls, secure } from './server-tls.ts';

/** A management server that is polled. */
export interface RestServerConfig {
  /** For diagnostics; Envoy's is the cluster's. */
  readonly name: string;
  /** Host field of requests; Envoy sends the cluster's name. */
  readonly authority: string;
  /** Tried in turn, another one after each failure. */
  readonly targets: () => readonly ServerTarget[];
  readonly tls: () => ServerTls | null;
  /** ApiConfigSource.request_timeout. Default 1 s. */
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly maxResponseBytes: number;
}

/** What became of a poll. */
export type PollResult =
  | { readonly kind: 'response'; readonly response: DiscoveryResponse }
  | { readonly kind: 'unchanged' }
  /** It came, but is no response that can be read. */
  | { readonly kind: 'unreadable'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

const OK = 200;
const NOT_MODIFIED = 304;

interface Connection {
  readonly client: Client;
  readonly tls: ServerTls | null;
}

/** One per server; polls of all types share its connection. */
export class RestClient {
  readonly #config: RestServerConfig;
  #connection: Connection | null = null;
  #attempt = 0;

  constructor(config: RestServerConfig) {
    this.#config = config;
  }

  get name(): string {
    return this.#config.name;
  }

  /** Never rejects. */
  async poll(path: string, request: DiscoveryRequest): Promise<PollResult> {
    const { authority, requestTimeoutMs } = this.#config;
    try {
      const { body, statusCode } = await this.#client().request({
        method: 'POST',
        path,
        headers: { host: authority, 'content-type': 'application/json' },
        body: JSON.stringify(
          toJson(DiscoveryRequestSchema, request, {
            registry: apiRegistry,
            useProtoFieldName: true,
          }),
        ),
        signal: AbortSignal.timeout(requestTimeoutMs),
      });
      const text = await body.text();
      if (statusCode === OK) return readResponse(text);
      if (statusCode === NOT_MODIFIED) return { kind: 'unchanged' };
      return this.#fail(`the server answered ${statusCode}`);
    } catch (error) {
      return this.#fail(error instanceof Error ? error.message : String(error));
    }
  }

  close(): void {
    // What is under way ends with an error that nobody waits for.
    this.#connection?.client.destroy().catch(() => undefined);
    this.#connection = null;
  }

  #fail(reason: string): PollResult {
    this.close();
    this.#attempt += 1;
    return { kind: 'failed', reason };
  }

  /** With the secrets of the moment. Throws when there is nobody to connect to. */
  #client(): Client {
    const current = this.#config.tls();
    if (this.#connection !== null && this.#connection.tls === current) {
      return this.#connection.client;
    }
    this.close();
    const targets = this.#config.targets();
    const target = targets[this.#attempt % targets.length];
    if (target === undefined) throw new Error('no healthy upstream');
    const client = this.#connect(target, current);
    this.#connection = { client, tls: current };
    return client;
  }

  #connect(target: ServerTarget, serverTls: ServerTls | null): Client {
    const { connectTimeoutMs, maxResponseBytes } = this.#config;
    const scheme = serverTls === null ? 'http' : 'https';
    const clear = {
      timeout: connectTimeoutMs,
      ...(target.kind === 'unix' ? { socketPath: target.path } : {}),
    };
    return new (restLibrary().Client)(
      `${scheme}://${target.kind === 'tcp' ? hostOf(target) : 'localhost'}`,
      {
        maxResponseSize: maxResponseBytes,
        connect:
          serverTls === null
            ? clear
            : (_options, tell) => {
                connectSecurely(target, serverTls, connectTimeoutMs).then(
                  (socket) => tell(null, socket),
                  (error: Error) => tell(error, null),
                );
              },
      },
    );
  }
}

async function connectSecurely(
  target: ServerTarget,
  serverTls: ServerTls,
  timeoutMs: number,
): Promise<TLSSocket> {
  const raw = net.connect(target.kind === 'unix' ? { path: target.path } : target);
  const text = `no connection within ${timeoutMs} ms`;
  const timer = setTimeout(() => raw.destroy(new Error(text)), timeoutMs);
  try {
    await once(raw, 'connect');
    return await secure(raw, serverTls, ['http/1.1']);
  } finally {
    clearTimeout(timer);
  }
}

function hostOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function readResponse(text: string): PollResult {
  try {
    const options = { registry: apiRegistry, ignoreUnknownFields: true };
    const response = fromJson(DiscoveryResponseSchema, JSON.parse(text), options);
    return { kind: 'response', response };
  } catch (error) {
    return { kind: 'unreadable', reason: error instanceof Error ? error.message : String(error) };
  }
}
