import t from 'tap';
import { Base64Decoder } from '../../../../proxy/filters/http/grpc-web/base64-decoder.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

/** What the pieces mean together; null: they are not base64. */
function decoded(pieces: readonly string[]): string | null {
  const decoder = new Base64Decoder();
  const parts: Buffer[] = [];
  for (const piece of pieces) {
    const part = decoder.decode(Buffer.from(piece, 'latin1'));
    if (part === null) return null;
    parts.push(Buffer.from(part));
  }
  return decoder.isComplete ? Buffer.concat(parts).toString('latin1') : null;
}

const EVERY_OCTET = Buffer.from(Array.from({ length: 256 }, (_, index) => index));

t.test('text means the same whole, in characters and in random pieces', async (t) => {
  for (const length of [0, 1, 2, 3, 4, 255, 256]) {
    const octets = EVERY_OCTET.subarray(0, length);
    const text = octets.toString('base64');
    const wanted = octets.toString('latin1');
    t.equal(decoded([text]), wanted, `${length} octets`);
    t.equal(decoded([...text]), wanted, `${length} octets in characters`);
    for (let seed = 1; seed <= 10; seed += 1) {
      const random = seededRandom(seed);
      const pieces: string[] = [];
      for (let at = 0; at < text.length; ) {
        const size = Math.floor(random.next() * 7);
        pieces.push(text.slice(at, at + size));
        at += size;
      }
      t.equal(decoded(pieces), wanted, `${length} octets, seed ${seed}`);
    }
  }
});

t.test('padding may stand inside', async (t) => {
  t.equal(decoded(['YQ==YmM=ZGVm']), 'abcdef');
  t.equal(decoded(['YQ=', '=Y', 'mM=ZGVm']), 'abcdef');
});

t.test('what is not base64 is refused', async (t) => {
  const wrong = [
    ...['####', 'AAA!', 'A===', '====', '=AAA', 'AA=A', 'AA-_', 'AA\r\n', 'YR==', 'YWJ='],
    ...['AAAAA!AA', 'AA\xc3\xbc'],
  ];
  for (const text of wrong) t.equal(decoded([text]), null, text);
  for (const text of ['A', 'AA', 'AAA', 'AAAAA']) t.equal(decoded([text]), null, `${text} is cut`);
});
