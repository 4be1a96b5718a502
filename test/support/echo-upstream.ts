// An upstream that answers every request with what it received, for tests that look at it.
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the upstream saw: the body of its answers, as JSON. */
export interface SeenRequest {
  /** Name the upstream was started with. */
  readonly upstream: string;
  readonly method: string;
  readonly path: string;
  /** `name: value` in the order of arrival, names in lower case. */
  readonly fields: readonly string[];
}

/** A running upstream. */
export interface EchoUpstream {
  readonly port: number;
  close(): Promise<void>;
}

/** Answers 200, with `responseFields` (name and value in turn) before the body. */
export async function startEchoUpstream(
  name: string,
  responseFields: readonly string[] = [],
): Promise<EchoUpstream> {
  const server = http.createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      const seen: SeenRequest = {
        upstream: name,
        method: request.method ?? '',
        path: request.url ?? '',
        fields: fieldLines(request.rawHeaders),
      };
      response.sendDate = false;
      response.writeHead(200, ['content-type', 'application/json', ...responseFields]);
      response.end(JSON.stringify(seen));
    });
  });
  // Who waits for a busy machine finds its connections open.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Name and value in turn as lines. */
function fieldLines(raw: readonly string[]): string[] {
  const lines: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    lines.push(`${raw[index]?.toLowerCase()}: ${raw[index + 1]}`);
  }
  return lines;
}
