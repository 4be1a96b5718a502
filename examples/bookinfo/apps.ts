// The bookinfo application as tiny servers in one process: productpage, details, reviews v1 to v3
// and ratings. Productpage and reviews call the others through the proxy, by name.
import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';

/** Ports of the servers, counted up from `appPort`, and the proxy's. */
export interface BookinfoPorts {
  readonly appPort: number;
  readonly proxyPort: number;
}

type Answer = { readonly type: string; readonly body: string };
type Handler = (incoming: IncomingMessage) => Answer | Promise<Answer>;

/** Starts every server; rejects with a text that names the port that is busy. */
export async function startBookinfo(ports: BookinfoPorts): Promise<Server[]> {
  const call = (service: string, path: string, from: IncomingMessage): Promise<string> =>
    get(ports.proxyPort, service, { path, headers: tracingHeaders(from) });
  const handlers: readonly Handler[] = [
    productpage(call),
    () => json({ id: 0, author: 'William Shakespeare', year: 1595, type: 'paperback', pages: 200 }),
    () => json({ id: 0, ratings: { Reviewer1: 5, Reviewer2: 4 } }),
    reviews('v1', null, call),
    reviews('v2', 'black', call),
    reviews('v3', 'red', call),
  ];
  return Promise.all(handlers.map((handler, index) => listen(ports.appPort + index, handler)));
}

type Call = (service: string, path: string, from: IncomingMessage) => Promise<string>;

function productpage(call: Call): Handler {
  return async (incoming) => {
    const [details, reviewed] = await Promise.all([
      call('details', '/details/0', incoming),
      call('reviews', '/reviews/0', incoming),
    ]);
    const body =
      '<!doctype html><title>Simple Bookstore App</title><h1>The Comedy of Errors</h1>' +
      `<h2>Details</h2><pre>${escapeHtml(details)}</pre>` +
      `<h2>Reviews</h2><pre>${escapeHtml(reviewed)}</pre>\n`;
    return { type: 'text/html; charset=utf-8', body };
  };
}

function reviews(version: string, stars: 'black' | 'red' | null, call: Call): Handler {
  return async (incoming) => {
    const ratings =
      stars === null ? null : JSON.parse(await call('ratings', '/ratings/0', incoming));
    return json({
      id: '0',
      version,
      reviews: [
        { reviewer: 'Reviewer1', text: 'An extremely entertaining play.' },
        { reviewer: 'Reviewer2', text: 'Absolutely fun and entertaining.' },
      ],
      ...(stars === null ? {} : { color: stars, ratings: ratings?.ratings ?? null }),
    });
  };
}

function json(value: unknown): Answer {
  return { type: 'application/json', body: `${JSON.stringify(value)}\n` };
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

/** What a service passes on, so that one request can be followed through all of them. */
function tracingHeaders(from: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of ['x-request-id', 'end-user']) {
    const value = from.headers[name];
    if (typeof value === 'string') headers[name] = value;
  }
  return headers;
}

function get(
  port: number,
  host: string,
  options: { readonly path: string; readonly headers: Record<string, string> },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port, path: options.path, headers: { ...options.headers, host } },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          body += text;
        });
        response.on('end', () => resolve(body.trim()));
        response.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end();
  });
}

function listen(port: number, handler: Handler): Promise<Server> {
  const server = createServer((incoming, response) => {
    answer(handler, incoming, response).catch((error: Error) => {
      response.writeHead(500, { 'content-type': 'text/plain' });
      response.end(`${error.message}\n`);
    });
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? new Error(`port ${port} is in use`) : error),
    );
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

async function answer(
  handler: Handler,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  incoming.resume();
  const { type, body } = await handler(incoming);
  response.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
