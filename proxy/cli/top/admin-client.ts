// Reads an admin interface over HTTP, on a port or a pipe.
import { request as httpRequest, type RequestOptions } from 'node:http';
import { type AdminAnswers, STATS_FILTER } from './sample.ts';

/** Where an admin interface is. */
export type AdminPlace =
  | { readonly host: string; readonly port: number }
  | { readonly socketPath: string };

/** What was read, or why not. */
export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: string };

/** Envoy answers from its main thread, which may be busy; longer than this and nobody is there. */
const TIMEOUT_MS = 5000;
/** No proxy has more to say: 100,000 hosts take a third of it. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;
const MAX_PORT = 65_535;

/** `host:port`, `http://host:port` or the path of a pipe; null when it is none of them. */
export function parseAdminPlace(text: string): AdminPlace | null {
  if (text.startsWith('/')) return { socketPath: text };
  const match = /^(?:http:\/\/)?(?:\[([^\]]+)\]|([^:/]+)):(\d+)\/?$/.exec(text);
  const port = Number(match?.[3] ?? 0);
  if (match === null || port < 1 || port > MAX_PORT) return null;
  return { host: match[1] ?? match[2] ?? '', port };
}

/** Everything for one sample, asked for at once. */
export async function readAdmin(place: AdminPlace): Promise<Read<AdminAnswers>> {
  const filter = encodeURIComponent(STATS_FILTER);
  const answers = await Promise.all([
    readJson(place, '/server_info'),
    readJson(place, '/clusters?format=json'),
    readJson(place, `/stats?format=json&histogram_buckets=detailed&filter=${filter}`),
  ]);
  const values: unknown[] = [];
  for (const answer of answers) {
    if (!answer.ok) return answer;
    values.push(answer.value);
  }
  const [serverInfo, clusters, stats] = values;
  return { ok: true, value: { serverInfo, clusters, stats } };
}

/** What the admin interface answers in JSON. */
export async function readJson(place: AdminPlace, path: string): Promise<Read<unknown>> {
  const answer = await readAdminText(place, path);
  if (!answer.ok) return answer;
  try {
    return { ok: true, value: JSON.parse(answer.value) as unknown };
  } catch {
    const what = path.split('?')[0];
    return { ok: false, error: `${what} is not JSON: is this the admin interface?` };
  }
}

/** What the admin interface answers; it changes things with POST only. */
export function readAdminText(
  place: AdminPlace,
  path: string,
  method: 'GET' | 'POST' = 'GET',
): Promise<Read<string>> {
  return readText({ ...place, path, method, agent: false, timeout: TIMEOUT_MS });
}

function readText(options: RequestOptions): Promise<Read<string>> {
  return new Promise((resolve) => {
    const fail = (error: string): void => resolve({ ok: false, error });
    const request = httpRequest(options);
    request.once('timeout', () => {
      fail(`no answer within ${TIMEOUT_MS / 1000} s`);
      request.destroy();
    });
    request.once('error', ({ message }) => fail(message));
    request.once('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > MAX_ANSWER_BYTES) request.destroy(new Error('the answer is too large'));
      });
      response.once('error', ({ message }) => fail(message));
      response.once('end', () => {
        const { statusCode } = response;
        if (statusCode !== 200) fail(`status ${statusCode}: is this the admin interface?`);
        else resolve({ ok: true, value: Buffer.concat(chunks).toString('utf8') });
      });
    });
    request.end();
  });
}
