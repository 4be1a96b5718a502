import t from 'tap';
import { FrameTextEncoder } from '../../../../proxy/filters/http/grpc-web/frame-text-encoder.ts';
import { base64Text, grpcFrame } from '../../../support/grpc-wire.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

const octets = (text: string) => Buffer.from(text, 'latin1');
const FRAMES = ['', 'a', 'ab', 'abc', 'x'.repeat(1000)].map((message) => grpcFrame(message));
const WANTED = FRAMES.map(base64Text).join('');

t.test('every frame is a text of its own, whatever the cuts', async (t) => {
  const stream = octets(FRAMES.join(''));
  t.equal(new FrameTextEncoder().encode(stream), WANTED);
  const single = new FrameTextEncoder();
  t.equal([...stream].map((octet) => single.encode(Buffer.of(octet))).join(''), WANTED);
  for (let seed = 1; seed <= 30; seed += 1) {
    const random = seededRandom(seed);
    const encoder = new FrameTextEncoder();
    let text = '';
    for (let at = 0; at < stream.length; ) {
      const size = 1 + Math.floor(random.next() * 50);
      text += encoder.encode(stream.subarray(at, at + size));
      at += size;
    }
    t.equal(text + encoder.finish(), WANTED, `seed ${seed}`);
  }
});

t.test('a frame that is cut off is sent as far as it came', async (t) => {
  const encoder = new FrameTextEncoder();
  const cut = grpcFrame('abcdef').slice(0, 7);
  t.equal(encoder.encode(octets(cut)) + encoder.finish(), base64Text(cut));
  t.equal(encoder.finish(), '');
});

t.test('what waits is a copy of the borrowed buffer', async (t) => {
  const encoder = new FrameTextEncoder();
  const borrowed = octets(grpcFrame('ab'));
  let text = encoder.encode(borrowed.subarray(0, 5));
  const copy = Buffer.from(borrowed);
  borrowed.fill(0xff);
  text += encoder.encode(copy.subarray(5));
  t.equal(text, base64Text(grpcFrame('ab')));
});
