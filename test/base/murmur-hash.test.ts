import t from 'tap';
import { murmurHash2 } from '../../proxy/base/murmur-hash.ts';

function hashed(octets: string): string {
  const into = { high: 0, low: 0 };
  murmurHash2(octets, into);
  return into.high.toString(16).padStart(8, '0') + into.low.toString(16).padStart(8, '0');
}

// Computed with std::hash<std::string> of libstdc++ on a 64-bit machine.
t.test('hashes as the C++ library does', async (t) => {
  t.equal(hashed(''), '553e93901e462a6e');
  t.equal(hashed('a'), '454ddee488c1ed6b');
  t.equal(hashed('abc'), '32d82bf8ed3dba39');
  t.equal(hashed('foo:bar'), '7e61c102db94d8a1');
  t.equal(hashed('10.0.0.1:80_0'), 'bd8f6461ecffb28c');
  t.equal(hashed('1234567'), '6d7a4e79e8a2cbf6');
  t.equal(hashed('12345678'), '8c5b90a33a04dca5');
  t.equal(hashed('123456789'), 'aaeb28d3d5f165c0');
});

t.test('hashes every length from 0 to 300 as the C++ library does', async (t) => {
  const octets = Array.from({ length: 300 }, (_, index) =>
    String.fromCharCode((index * 7 + 13) % 256),
  ).join('');
  let folded = 0n;
  for (let length = 0; length <= 300; length += 1) {
    folded = BigInt.asUintN(64, folded * 31n + BigInt(`0x${hashed(octets.slice(0, length))}`));
  }
  t.equal(folded.toString(16).padStart(16, '0'), '510a213c9a091a1d');
});
