// Tiny servers, each as `http|tcp:address:port:name`: they say who they are and whom they see.
import http from 'node:http';
import net from 'node:net';

for (const word of process.argv.slice(2)) {
  const [kind, host, port, name] = word.split(':');
  const greeting = (socket) => `${name} greets ${socket.remoteAddress}\n`;
  const server =
    kind === 'http'
      ? http.createServer((request, response) => response.end(greeting(request.socket)))
      : net.createServer((socket) => socket.on('error', () => {}).end(greeting(socket)));
  server.listen(Number(port), host);
}
