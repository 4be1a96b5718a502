import t, { type Test } from 'tap';
import {
  type Cuts,
  clientTranscript,
  everyByte,
  randomCuts,
  serverTranscript,
  type Transcript,
  WHOLE,
} from '../../support/codec-transcript.ts';
import { seededRandom, testSeed } from '../../support/seeded-random.ts';
import { CLIENT_CASES } from './client-cases.ts';
import { SERVER_MESSAGE_CASES } from './server-message-cases.ts';
import { SERVER_REQUEST_CASES } from './server-request-cases.ts';
import { CLIENT_TUNNEL_CASES, SERVER_TUNNEL_CASES } from './tunnel-cases.ts';

const SERVER_CASES = [...SERVER_MESSAGE_CASES, ...SERVER_REQUEST_CASES, ...SERVER_TUNNEL_CASES];
const ALL_CLIENT_CASES = [...CLIENT_CASES, ...CLIENT_TUNNEL_CASES];
const RANDOM_RUNS = 10;
const MAX_RANDOM_CUTS = 12;
const seed = testSeed();
const random = seededRandom(seed);

interface Case {
  readonly name: string;
  readonly input: string;
  readonly expect: readonly string[];
  readonly onlyWhole?: boolean;
}

function cutsOf(one: Case): Cuts[] {
  if (one.onlyWhole === true) return [WHOLE];
  const { length } = one.input;
  const cuts: Cuts[] = [WHOLE, everyByte(length)];
  for (let run = 0; run < RANDOM_RUNS; run += 1) {
    cuts.push(randomCuts(length, 1 + (run % MAX_RANDOM_CUTS), random));
  }
  return cuts;
}

/** Runs a case in every cut; the test's comment names the seed and the first cut that differs. */
function verify(t: Test, one: Case, run: (cuts: Cuts) => Transcript): void {
  let output: string | null = null;
  for (const cuts of cutsOf(one)) {
    const transcript = run(cuts);
    const where = `cut at ${cuts.length > 20 ? `${cuts.length} places` : cuts.join(' ')}, seed ${seed}`;
    if (JSON.stringify(transcript.lines) !== JSON.stringify(one.expect)) {
      t.same(transcript.lines, one.expect, `${one.name}, ${where}`);
      return;
    }
    output ??= transcript.output;
    if (output !== transcript.output) {
      t.equal(transcript.output, output, `${one.name}: output, ${where}`);
      return;
    }
  }
  t.pass(one.name);
}

t.test('a server’s codec gives each request the same verdict in every cut', async (t) => {
  for (const one of SERVER_CASES) {
    verify(t, one, (cuts) => serverTranscript(one.input, { ...one, cuts }));
  }
});

t.test('a client’s codec gives each response the same verdict in every cut', async (t) => {
  for (const one of ALL_CLIENT_CASES) {
    verify(t, one, (cuts) => clientTranscript(one.input, { ...one, cuts }));
  }
});

t.test('no two cases have the same name', async (t) => {
  for (const cases of [SERVER_CASES, ALL_CLIENT_CASES]) {
    t.equal(new Set(cases.map((one: Case) => one.name)).size, cases.length);
  }
});
