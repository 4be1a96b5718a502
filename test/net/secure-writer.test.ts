import type { Socket } from 'node:net';
import t from 'tap';
import { secureWriter } from '../../proxy/net/secure-writer.ts';

interface Request {
  oncomplete: (status: number) => void;
}

/** A handle of TLS that must never be given a second write while one is under way. */
class StrictHandle {
  readonly writeQueueSize = 7;
  readonly writes: string[] = [];
  status = 0;
  #request: Request | null = null;

  writeBuffer(request: Request, data: Buffer): number {
    return this.#write(request, data.toString('latin1'));
  }

  writev(request: Request, chunks: readonly Buffer[]): number {
    return this.#write(request, chunks.map((each) => each.toString('latin1')).join('+'));
  }

  complete(status: number): void {
    const request = this.#request as Request;
    this.#request = null;
    request.oncomplete(status);
  }

  #write(request: Request, text: string): number {
    if (this.#request !== null) throw new Error('a second write');
    this.writes.push(text);
    if (this.status === 0) this.#request = request;
    return this.status;
  }
}

function fixture() {
  const handle = new StrictHandle();
  const errors: string[] = [];
  const socket = {
    ...{ _handle: handle as StrictHandle | null, writable: true, writableLength: 0 },
    destroyed: false,
    destroy(error: Error) {
      this.destroyed = true;
      errors.push(error.message);
    },
  };
  let drains = 0;
  const writer = secureWriter(socket as unknown as Socket, false, () => {
    drains += 1;
  });
  return { handle, socket, writer, errors, drains: () => drains };
}

t.test('what comes while a write is under way leaves behind it in one', async (t) => {
  const { handle, writer, drains } = fixture();
  t.equal(writer.write(Buffer.from('one')), true, 'TLS has it');
  t.equal(writer.write(Buffer.from('two')), false, 'it must stay as it is');
  t.equal(writer.write('three'), false);
  t.equal(writer.pendingBytes, 11);
  t.equal(writer.unsentBytes(), 7, 'as the handle says');
  t.same(handle.writes, ['one']);
  handle.complete(0);
  t.same(handle.writes, ['one', 'two+three']);
  t.equal(writer.pendingBytes, 8);
  t.equal(drains(), 0);
  writer.write(Buffer.from('four'));
  handle.complete(0);
  t.same(handle.writes, ['one', 'two+three', 'four']);
  handle.complete(0);
  t.equal(writer.pendingBytes, 0);
  t.equal(drains(), 1, 'when all of it has left');
});

t.test('a write that fails ends the socket, and nothing follows', async (t) => {
  for (const isLate of [false, true]) {
    const { handle, writer, errors, drains } = fixture();
    if (!isLate) handle.status = -32;
    writer.write(Buffer.from('one'));
    if (isLate) {
      writer.write(Buffer.from('two'));
      handle.complete(-104);
    }
    t.same(handle.writes, ['one']);
    t.same(errors, [isLate ? 'write ECONNRESET' : 'write EPIPE']);
    t.equal(writer.pendingBytes, 0);
    t.equal(drains(), 0);
  }
});

t.test('a socket without its handle is written to no more', async (t) => {
  const { handle, socket, writer } = fixture();
  writer.write(Buffer.from('one'));
  writer.write(Buffer.from('two'));
  socket._handle = null;
  handle.complete(0);
  t.equal(writer.write(Buffer.from('three')), true);
  t.same(handle.writes, ['one']);
});
