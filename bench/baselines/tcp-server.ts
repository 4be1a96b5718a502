// `node tcp-server.js PORT`: answers each 8 octets, a big-endian number, with so many octets.
import { createServer, type Socket } from 'node:net';

const REQUEST_BYTES = 8;
const PIECE = Buffer.alloc(256 * 1024, 'octet');

class Sender {
  readonly #socket: Socket;
  #left = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('drain', () => this.#send());
    socket.on('error', () => socket.destroy());
  }

  ask(count: number): void {
    this.#left += count;
    this.#send();
  }

  #send(): void {
    while (this.#left > 0 && !this.#socket.writableNeedDrain) {
      const size = Math.min(this.#left, PIECE.length);
      this.#left -= size;
      this.#socket.write(PIECE.subarray(0, size));
    }
  }
}

createServer({ noDelay: true }, (socket) => {
  const sender = new Sender(socket);
  socket.on('readable', () => {
    for (let request = take(socket); request !== null; request = take(socket)) {
      sender.ask(Number(request.readBigUInt64BE()));
    }
  });
}).listen(Number(process.argv[2]), '127.0.0.1');

function take(socket: Socket): Buffer | null {
  return socket.read(REQUEST_BYTES) as Buffer | null;
}
