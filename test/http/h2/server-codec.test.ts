import t, { type Test } from 'tap';
import type { H2Case } from '../../conformance/codec/h2-case.ts';
import { H2_MESSAGE_CASES } from '../../conformance/codec/h2-message-cases.ts';
import { H2_SERVER_CASES } from '../../conformance/codec/h2-server-cases.ts';
import { everyByte, randomCuts } from '../../support/codec-transcript.ts';
import { h2ServerTranscript } from '../../support/h2-transcript.ts';
import { likeAll } from '../../support/like-all.ts';
import { seededRandom, testSeed } from '../../support/seeded-random.ts';

const seed = testSeed();
const random = seededRandom(seed);

/** Octets of the greeting, which is cut too. */
const GREETING_BYTES = 24 + 9 + 9;

function check(t: Test, one: H2Case, cuts: readonly number[]): void {
  const { frames, lines } = h2ServerTranscript(one.input, { ...one.run, cuts });
  const isRight = likeAll(frames, one.frames) && likeAll(lines, one.lines);
  t.ok(isRight, `${cuts.length} cuts, seed ${seed}`, {
    frames,
    lines,
    wanted: { frames: one.frames, lines: one.lines },
  });
}

for (const one of [...H2_SERVER_CASES, ...H2_MESSAGE_CASES]) {
  t.test(one.title, (t) => {
    const length = one.input.length + (one.run?.isGreeted === false ? 0 : GREETING_BYTES);
    check(t, one, []);
    if (length < 4000) check(t, one, everyByte(length));
    for (let run = 0; run < 5; run += 1) check(t, one, randomCuts(length, 5, random));
    t.end();
  });
}
