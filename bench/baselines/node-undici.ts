// What a proxy costs when it is written with node:http and undici.
import { createServer } from 'node:http';
import { Pool } from 'undici';

const [port, upstreamPort] = process.argv.slice(2).map(Number);
const pool = new Pool(`http://127.0.0.1:${upstreamPort}`, { connections: 512, pipelining: 1 });

createServer((incoming, response) => {
  const hasBody = incoming.method !== 'GET' && incoming.method !== 'HEAD';
  const { connection: _connection, 'keep-alive': _keepAlive, ...headers } = incoming.headers;
  pool.stream(
    {
      path: incoming.url ?? '/',
      method: (incoming.method ?? 'GET') as 'GET',
      headers,
      body: hasBody ? incoming : null,
    },
    ({ statusCode, headers: answered }) => {
      const { connection: _c, 'keep-alive': _k, ...kept } = answered;
      response.writeHead(statusCode, kept);
      return response;
    },
    (error) => {
      if (error !== null && !response.headersSent) response.writeHead(502);
      if (error !== null) response.end();
    },
  );
}).listen(port, '127.0.0.1');
