import t from 'tap';
import { GrpcFrameScanner } from '../../proxy/http/grpc-frames.ts';
import { grpcFrame } from '../support/grpc-wire.ts';
import { seededRandom } from '../support/seeded-random.ts';

const octets = (text: string) => Buffer.from(text, 'latin1');
const MESSAGES = ['', 'a', 'x'.repeat(300), '', 'y'.repeat(70_000), 'z'];
const STREAM = octets(MESSAGES.map((message) => grpcFrame(message)).join(''));

/** Content cut at random places. */
function cut(content: Buffer, seed: number): Buffer[] {
  const random = seededRandom(seed);
  const pieces: Buffer[] = [];
  for (let at = 0; at < content.length; ) {
    const size = 1 + Math.floor(random.next() * (content.length / 20));
    pieces.push(content.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

t.test('frames are counted as they begin, whatever the cuts', async (t) => {
  const whole = new GrpcFrameScanner();
  t.equal(whole.count(STREAM), MESSAGES.length);
  const single = new GrpcFrameScanner();
  let counted = 0;
  for (const octet of STREAM) counted += single.count(Buffer.of(octet));
  t.equal(counted, MESSAGES.length);
  for (let seed = 1; seed <= 50; seed += 1) {
    const scanner = new GrpcFrameScanner();
    const sum = cut(STREAM, seed).reduce((total, piece) => total + scanner.count(piece), 0);
    t.equal(sum, MESSAGES.length, `seed ${seed}`);
  }
});

t.test('a frame counts with its first octet', async (t) => {
  const scanner = new GrpcFrameScanner();
  t.equal(scanner.count(Buffer.alloc(0)), 0);
  t.equal(scanner.count(Buffer.of(0)), 1);
  t.equal(scanner.count(Buffer.of(0, 0, 0)), 0);
  t.equal(scanner.count(Buffer.of(2, 7, 7)), 0);
  t.equal(scanner.count(Buffer.of(1)), 1);
  t.equal(scanner.begun, 2);
});

t.test('the end of each frame is found', async (t) => {
  const scanner = new GrpcFrameScanner();
  const content = octets(grpcFrame('abc') + grpcFrame('') + grpcFrame('de').slice(0, 6));
  const ends = [0, 8, 13].map((from) => scanner.nextEnd(content, from));
  t.same(ends, [8, 13, -1]);
  t.equal(scanner.nextEnd(octets('e'), 0), 1);
});

t.test('a length of four octets is no negative number', async (t) => {
  const scanner = new GrpcFrameScanner();
  t.equal(scanner.nextEnd(Buffer.of(0, 255, 255, 255, 255, 1, 2), 0), -1);
  t.equal(scanner.count(Buffer.alloc(100_000)), 0);
});
