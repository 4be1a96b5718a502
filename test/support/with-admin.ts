// Runs an admin server with a fake backend on loopback for the time of a test.
import http from 'node:http';
import { AdminServer } from '../../proxy/admin/server.ts';
import { type SocketAddress, socketAddress } from '../../proxy/base/address.ts';
import type { Logger } from '../../proxy/base/log.ts';
import { TagExtractor } from '../../proxy/stats/tags.ts';
import { FakeAdminBackend } from './fake-admin-backend.ts';
import { defaultBounds } from './stats-sample.ts';

/** A response, read to its end. */
export interface AdminAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

/** What a request to the admin server may have besides its path. */
export interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One running admin server. */
export interface AdminFixture {
  readonly backend: FakeAdminBackend;
  readonly address: SocketAddress;
  /** Messages that were logged, as `level: message`. */
  readonly logged: readonly string[];
  ask(path: string, options?: AskOptions): Promise<AdminAnswer>;
}

/** Starts, runs `use`, closes. */
export async function withAdmin(
  use: (admin: AdminFixture) => Promise<void>,
  address: SocketAddress = socketAddress('127.0.0.1', 0),
): Promise<void> {
  const backend = new FakeAdminBackend();
  const logged: string[] = [];
  const logger: Logger = {
    enabled: () => true,
    log: (level, message) => logged.push(`${level}: ${message}`),
  };
  const server = new AdminServer({
    backend,
    address,
    logger,
    tags: new TagExtractor(true, []),
    boundsOf: defaultBounds,
    accessLogs: [],
  });
  const bound = await server.start();
  try {
    await use({
      backend,
      address: bound,
      logged,
      ask: (path, options = {}) => ask(bound, path, options),
    });
  } finally {
    await server.close();
  }
}

function ask(address: SocketAddress, path: string, options: AskOptions): Promise<AdminAnswer> {
  const where =
    address.port === -1
      ? { socketPath: address.ip }
      : { host: address.ip === '0.0.0.0' ? '127.0.0.1' : address.ip, port: address.port };
  return new Promise((resolve, reject) => {
    const request = http.request({
      ...where,
      path,
      method: options.method ?? 'GET',
      headers: { ...options.headers },
      agent: false,
    });
    request.once('error', reject);
    request.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          rawHeaders: response.rawHeaders,
          body: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    request.end(options.body ?? '');
  });
}
