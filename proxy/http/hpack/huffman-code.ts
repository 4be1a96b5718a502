// The Huffman code of RFC 7541 Appendix B. It is canonical: codes of one length follow each other
// in the order of their symbols, so that lengths are all there is to write down.

/** Length of each symbol's code in bits, 0 to 256 (EOS), as digits of base 36. */
const LENGTHS =
  'dnsssssssoussussssssssusssssssss' + // controls
  '6aacd68baa8b8666555666666678f6ca' + // ` ` to `?`
  'd67777777777777777777777878djde6' + // `@` to `_`
  'f56565666577666567655677777fbeds' + // backquote to DEL
  'kmkkmmmnmnnnnnonoomnonnnnlmnmnno' +
  'mlkmmnnlnmmolmnnllmlnmnnkmmmnmmn' +
  'qqkjmnmpqqqrrqopjlqrrqrollqqsrrr' +
  'koklmllnmmppooqnqrqqrrrrrsrrrrrq' +
  'u';

/** Symbols without EOS. */
const SYMBOLS = 256;

/** End of string: it may only be cut off, as padding. */
export const EOS = 256;

/** Bits of the longest code. */
export const MAX_CODE_BITS = 30;

/** Bits of each symbol's code, and the code itself, right-aligned. */
export const CODE_BITS = new Uint8Array(SYMBOLS + 1);
export const CODES = new Uint32Array(SYMBOLS + 1);

/** By length: the first code, how many there are, and where their symbols stand in CODE_SYMBOLS. */
export const FIRST_CODE = new Uint32Array(MAX_CODE_BITS + 1);
export const CODE_COUNT = new Uint16Array(MAX_CODE_BITS + 1);
export const FIRST_SYMBOL = new Uint16Array(MAX_CODE_BITS + 1);

/** Symbols in the order of their codes. */
export const CODE_SYMBOLS = new Uint16Array(SYMBOLS + 1);

for (let symbol = 0; symbol <= SYMBOLS; symbol += 1) {
  CODE_BITS[symbol] = Number.parseInt(LENGTHS.charAt(symbol), 36);
}

let code = 0;
let rank = 0;
for (let bits = 1; bits <= MAX_CODE_BITS; bits += 1) {
  code *= 2;
  FIRST_CODE[bits] = code;
  FIRST_SYMBOL[bits] = rank;
  for (let symbol = 0; symbol <= SYMBOLS; symbol += 1) {
    if (CODE_BITS[symbol] !== bits) continue;
    CODES[symbol] = code;
    CODE_SYMBOLS[rank] = symbol;
    code += 1;
    rank += 1;
  }
  CODE_COUNT[bits] = rank - (FIRST_SYMBOL[bits] as number);
}
