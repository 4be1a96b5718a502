import t from 'tap';
import {
  GrpcHealthReader,
  healthRequest,
} from '../../../proxy/upstream/health/grpc-health-message.ts';

function frame(...octets: number[]): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(octets.length, 1);
  return Buffer.concat([head, Buffer.from(octets)]);
}

/** null: it is no answer. */
function read(answer: Buffer, step = 1): boolean | null {
  const reader = new GrpcHealthReader();
  for (let at = 0; at < answer.length; at += step) {
    if (!reader.add(answer.subarray(at, at + step))) return null;
  }
  return reader.isServing;
}

t.test('requests name the service, the server as a whole has no name', async (t) => {
  t.equal(healthRequest('').toString('hex'), '0000000000');
  t.equal(healthRequest('ab').toString('hex'), '00000000040a026162');
  const long = healthRequest('x'.repeat(300));
  t.equal(long.subarray(0, 8).toString('hex'), '000000012f0aac02');
});

t.test('only SERVING is healthy', async (t) => {
  for (const step of [1, 3, 100]) {
    t.equal(read(frame(8, 1), step), true);
    t.equal(read(frame(8, 0), step), false);
    t.equal(read(frame(8, 2), step), false);
    t.equal(read(frame(), step), false);
    t.equal(read(frame(8, 2, 8, 1), step), true, 'the last one counts');
  }
});

t.test('unknown fields are passed over', async (t) => {
  const unknown = [0x10, 0x96, 1, 0x1a, 2, 8, 2, 0x25, 1, 2, 3, 4, 0x29, 1, 2, 3, 4, 5, 6, 7, 8];
  t.equal(read(frame(...unknown, 8, 1)), true);
});

t.test('what is no answer is refused', async (t) => {
  t.equal(read(Buffer.concat([frame(8, 1), frame(8, 1)])), null, 'two messages');
  const compressed = frame(8, 1);
  compressed[0] = 1;
  t.equal(read(compressed), null);
  t.equal(read(frame(8)), null, 'a field without its value');
  t.equal(read(frame(0x1a, 9, 1)), null, 'a field that does not end');
  t.equal(read(frame(0x0b)), null, 'a group');
  t.equal(read(Buffer.from([0, 0, 1, 0, 0])), null, 'too long');
  t.equal(read(frame(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1)), null);
});
