import t from 'tap';
import type { CompressorConfig } from '../../../../proxy/filters/http/compressor/compressor-config.ts';
import { chooseEncoding } from '../../../../proxy/filters/http/compressor/encoding-choice.ts';

function config(coding: string, types: readonly string[] = [], chooseFirst = false) {
  const response = { types: new Set(types), typeMatchers: [] };
  return { coding, chooseFirst, response } as unknown as CompressorConfig;
}

t.test('the client’s preference decides, then the order of its list', async (t) => {
  const chain = [config('gzip'), config('br')];
  const cases = {
    'gzip;q=0.5, br;q=0.6': 'br compressor',
    'br, gzip': 'br compressor',
    'gzip;q=0, *': 'br wildcard',
    '*': 'gzip wildcard',
    'identity;q=0.9, gzip;q=0.8': 'identity identity',
    deflate: 'identity not-valid',
    '': 'identity not-valid',
    'gzip;q=x, br;q=0.1': 'br compressor',
    'gzip;q=0, br;q=0': 'identity not-valid',
  };
  for (const [accept, wanted] of Object.entries(cases)) {
    const { coding, verdict } = chooseEncoding(chain, accept, '');
    t.equal(`${coding} ${verdict}`, wanted, accept);
  }
});

t.test('who compresses no such content does not take part', async (t) => {
  const chain = [config('gzip', ['text/html']), config('br', ['text/css'])];
  t.equal(chooseEncoding(chain, 'gzip, br;q=0.1', 'text/css').coding, 'br');
});

t.test('of equal ones whoever asks to be first wins', async (t) => {
  const chain = [config('gzip'), config('br', [], true)];
  t.equal(chooseEncoding(chain, 'gzip, br', '').coding, 'br');
  t.equal(chooseEncoding(chain, 'gzip, br;q=0.9', '').coding, 'gzip');
});
