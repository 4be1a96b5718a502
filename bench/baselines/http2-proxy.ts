// What a proxy costs when it is written with http2-proxy.
import { createServer } from 'node:http';
import proxy from 'http2-proxy';

const [port, upstreamPort] = process.argv.slice(2).map(Number);

createServer((incoming, response) => {
  proxy.web(incoming, response, { hostname: '127.0.0.1', port: upstreamPort ?? 0 }, (error) => {
    if (error === null || error === undefined) return;
    if (!response.headersSent) response.writeHead(502);
    response.end();
  });
}).listen(port, '127.0.0.1');
