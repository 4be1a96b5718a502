import t from 'tap';
import { type Hash64, hashModulo, xxHash64 } from '../../proxy/base/xx-hash.ts';

function hexOf({ high, low }: Hash64): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

function hashed(octets: string, seed = 0): string {
  const into = { high: 0, low: 0 };
  xxHash64(octets, into, { high: 0, low: seed });
  return hexOf(into);
}

/** Octets of every value, without a pattern that a fault could fit. */
const OCTETS = Array.from({ length: 300 }, (_, index) =>
  String.fromCharCode((index * 7 + 13) % 256),
).join('');

// Computed with libxxhash 0.8.1.
t.test('hashes as the C library does', async (t) => {
  t.equal(hashed(''), 'ef46db3751d8e999');
  t.equal(hashed('a'), 'd24ec4f1a98c6e5b');
  t.equal(hashed('abc'), '44bc2cf5ad770999');
  t.equal(hashed('foo:bar'), '0f9faf8349295445');
  t.equal(hashed('10.0.0.1'), 'ed16cb68c786e3d7');
  const byLength: readonly (readonly [number, string])[] = [
    ...([
      [3, 'bdef762e8804c53e'],
      [7, '31365618ad874893'],
      [8, '3ba000679fbee7b5'],
    ] as const),
    ...([
      [12, '16db5bec86b7f42a'],
      [31, '7231380363bb4388'],
      [32, '56699a69da28fd3b'],
    ] as const),
    ...([
      [33, 'd477447593124012'],
      [44, '99971a6e9b95f464'],
      [64, 'bad331060e4cd79a'],
    ] as const),
    ...([
      [255, '13b7475c10294970'],
      [300, 'e5b78babde83ab6a'],
    ] as const),
  ];
  for (const [length, wanted] of byLength) t.equal(hashed(OCTETS.slice(0, length)), wanted);
});

t.test('a seed makes another hash', async (t) => {
  t.equal(hashed('', 1), 'd5afba1336a3be4b');
  t.equal(hashed('a', 1), 'dec2bc81c3cd46c6');
  t.equal(hashed('10.0.0.1:80', 1), 'a456919bcbffaa92');
  t.equal(hashed(OCTETS.slice(0, 33), 1), '91917cb3f3ca5d58');
  t.equal(hashed(OCTETS, 1), '0b852a29f8611a71');
});

t.test('hashes every length from 0 to 300 as the C library does', async (t) => {
  let folded = 0n;
  for (let length = 0; length <= 300; length += 1) {
    folded = BigInt.asUintN(64, folded * 31n + BigInt(`0x${hashed(OCTETS.slice(0, length))}`));
  }
  t.equal(folded.toString(16).padStart(16, '0'), '17f02bbae0ed62c2');
});

t.test('begins with the seed', async (t) => {
  const seed = { high: 0x01234567, low: 0x89abcdef };
  const into = { high: 0, low: 0 };
  xxHash64('abc', into, seed);
  t.equal(hexOf(into), '1fc03ef74cebaa7d');
  xxHash64(OCTETS, into, seed);
  t.equal(hexOf(into), '0b3080326994fd7a');
});

t.test('divides without losing digits', async (t) => {
  const hashes = ['', 'a', 'abc', 'foo:bar'].map((text) => {
    const into = { high: 0, low: 0 };
    xxHash64(text, into);
    return into;
  });
  for (const hash of [...hashes, { high: 0xffff_ffff, low: 0xffff_ffff }]) {
    for (const divisor of [1, 3, 100, 65_537, 0xffff_fffb, 0xffff_ffff]) {
      const exact = (BigInt(hash.high) << 32n) | BigInt(hash.low);
      t.equal(hashModulo(hash, divisor), Number(exact % BigInt(divisor)));
    }
  }
});
