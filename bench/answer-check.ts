// One request before any load: a proxy whose answers are wrong has no numbers.
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import http from 'node:http';
import http2 from 'node:http2';
import { GRPC_MESSAGE, pathOf, type Scenario } from './scenario.ts';

const DEADLINE_MS = 5_000;

interface Answer {
  readonly status: number;
  readonly body: Buffer;
  readonly trailers: IncomingHttpHeaders;
}

/** Rejects, saying what is wrong, unless the proxy on `port` answers as the scenario's upstream. */
export async function checkAnswer(scenario: Scenario, port: number): Promise<void> {
  const ask = scenario.downstream === 'HTTP/2' ? askHttp2 : askHttp1;
  const { status, body, trailers } = await ask(scenario, port);
  const wanted = scenario.isGrpc ? GRPC_MESSAGE : Buffer.alloc(90, 'x');
  if (status !== 200) throw new Error(`answers with status ${status}`);
  if (!body.equals(wanted)) throw new Error(`answers with ${body.length} other octets`);
  if (scenario.isGrpc && trailers['grpc-status'] !== '0') {
    throw new Error('answers without the trailer grpc-status: 0');
  }
}

async function askHttp1(scenario: Scenario, port: number): Promise<Answer> {
  const request = http.get({ port, host: '127.0.0.1', path: pathOf(scenario), agent: false });
  request.setTimeout(DEADLINE_MS, () => request.destroy(new Error('does not answer')));
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const { statusCode = 0, trailers } = response;
  return { status: statusCode, body: Buffer.concat(chunks), trailers };
}

async function askHttp2(scenario: Scenario, port: number): Promise<Answer> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  const failed = once(session, 'error').then(([error]) => Promise.reject(error as Error));
  try {
    return await Promise.race([exchange(session, scenario), failed]);
  } finally {
    session.destroy();
    failed.catch(() => undefined);
  }
}

async function exchange(session: http2.ClientHttp2Session, scenario: Scenario): Promise<Answer> {
  const method = scenario.isGrpc ? 'POST' : 'GET';
  const fields = scenario.isGrpc ? { 'content-type': 'application/grpc', te: 'trailers' } : {};
  const stream = session.request({ ':path': pathOf(scenario), ':method': method, ...fields });
  stream.setTimeout(DEADLINE_MS, () => stream.destroy(new Error('does not answer')));
  let trailers: IncomingHttpHeaders = {};
  stream.once('trailers', (received: IncomingHttpHeaders) => {
    trailers = received;
  });
  stream.end(scenario.isGrpc ? GRPC_MESSAGE : undefined);
  const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return { status: Number(head[':status']), body: Buffer.concat(chunks), trailers };
}
