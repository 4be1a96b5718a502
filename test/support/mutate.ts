// Makes hostile input from good input: small changes where parsers go wrong.
import { type Random, randomBelow } from '../../proxy/base/random.ts';

/** What mutations put in: the grammar's own characters, and numbers at the edges. */
const TOKENS: readonly string[] = [
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '"',
  '0\r\n\r\n',
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Connection: close\r\n',
  'Connection: keep-alive\r\n',
  'Host: x\r\n',
  'Expect: 100-continue\r\n',
  'HTTP/1.0',
  'HTTP/1.1 ',
  'GET ',
  'HEAD ',
  'POST ',
  'http://u/',
  '204',
  '304',
  '100',
  'ffffffffffffffff',
  '9007199254740993',
  '\x80',
  '\xff',
  '\x7f',
];

/** The input after one to four changes. */
export function mutate(input: string, other: string, random: Random): string {
  let text = input;
  for (let left = 1 + randomBelow(random, 4); left > 0; left -= 1) {
    text = change(text, other, random);
  }
  return text;
}

function change(text: string, other: string, random: Random): string {
  const at = randomBelow(random, text.length + 1);
  const end = Math.min(text.length, at + 1 + randomBelow(random, 8));
  switch (randomBelow(random, 6)) {
    case 0:
      return text.slice(0, at) + text.slice(end);
    case 1:
      return text.slice(0, at) + text.slice(at, end) + text.slice(at);
    case 2:
      return text.slice(0, at) + String.fromCharCode(randomBelow(random, 256)) + text.slice(at + 1);
    case 3:
      return text.slice(0, at) + other.slice(randomBelow(random, other.length + 1));
    default:
      return text.slice(0, at) + TOKENS[randomBelow(random, TOKENS.length)] + text.slice(at);
  }
}
