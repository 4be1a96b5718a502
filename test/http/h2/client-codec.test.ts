import t, { type Test } from 'tap';
import { H2_CLIENT_CASES, type H2ClientCase } from '../../conformance/codec/h2-client-cases.ts';
import { everyByte, randomCuts } from '../../support/codec-transcript.ts';
import { h2ClientTranscript } from '../../support/h2-transcript.ts';
import { likeAll } from '../../support/like-all.ts';
import { seededRandom, testSeed } from '../../support/seeded-random.ts';

const seed = testSeed();
const random = seededRandom(seed);
const GREETING_BYTES = 9 + 9;

function check(t: Test, one: H2ClientCase, cuts: readonly number[]): void {
  const { frames, lines } = h2ClientTranscript(Buffer.concat(one.input), { ...one.run, cuts });
  const wanted = { frames: one.frames ?? [], lines: one.lines };
  const isRight = likeAll(frames, wanted.frames) && likeAll(lines, wanted.lines);
  t.ok(isRight, `${cuts.length} cuts, seed ${seed}`, { frames, lines, wanted });
}

for (const one of H2_CLIENT_CASES) {
  t.test(one.title, (t) => {
    const length =
      Buffer.concat(one.input).length + (one.run?.isGreeted === false ? 0 : GREETING_BYTES);
    check(t, one, []);
    check(t, one, everyByte(length));
    for (let run = 0; run < 5; run += 1) check(t, one, randomCuts(length, 5, random));
    t.end();
  });
}
