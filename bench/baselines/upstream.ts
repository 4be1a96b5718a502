// The back end of the benches where nginx is missing: answers every head with 90 octets.
import { createServer } from 'node:net';

const BODY = 'x'.repeat(90);
const ANSWER = `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 90\r\n\r\n${BODY}`;

createServer({ noDelay: true }, (socket) => {
  let tail = '';
  socket.setEncoding('latin1');
  socket.on('error', () => socket.destroy());
  socket.on('data', (text: string) => {
    const heads = (tail + text).split('\r\n\r\n');
    tail = heads.pop() ?? '';
    if (heads.length > 0) socket.write(ANSWER.repeat(heads.length), 'latin1');
  });
}).listen(Number(process.argv[2]), '127.0.0.1');
