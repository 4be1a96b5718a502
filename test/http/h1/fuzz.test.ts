import t, { type Test } from 'tap';
import { randomBelow } from '../../../proxy/base/random.ts';
import { DEFAULT_H1_SERVER_OPTIONS, type H1ServerOptions } from '../../../proxy/http/h1/options.ts';
import { CLIENT_CASES } from '../../conformance/codec/client-cases.ts';
import { SERVER_MESSAGE_CASES } from '../../conformance/codec/server-message-cases.ts';
import { SERVER_REQUEST_CASES } from '../../conformance/codec/server-request-cases.ts';
import { SERVER_TUNNEL_CASES } from '../../conformance/codec/tunnel-cases.ts';
import { forward } from '../../support/codec-round-trip.ts';
import {
  clientTranscript,
  everyByte,
  randomCuts,
  serverTranscript,
  type Transcript,
} from '../../support/codec-transcript.ts';
import { mutate } from '../../support/mutate.ts';
import { seededRandom, testSeed } from '../../support/seeded-random.ts';

/** Inputs in all; OUTRIGGER_FUZZ_RUNS sets another number. */
const RUNS = Number(process.env['OUTRIGGER_FUZZ_RUNS'] ?? 100_000);
const MAX_SEED_LENGTH = 600;
/** What a codec may write per octet that it read, in the runs' own answers of about 100 octets. */
const MAX_OUTPUT_PER_OCTET = 16;

const ERROR_LINE = /… !\d{3} (http1\.[a-z_]+|low_version)$/;

const LOOSE: H1ServerOptions = {
  ...DEFAULT_H1_SERVER_OPTIONS,
  enableTrailers: true,
  acceptHttp10: true,
  allowChunkedLength: true,
  allowCustomMethods: true,
};

const seed = testSeed();
const random = seededRandom(seed);

function corpus(cases: readonly { readonly input: string }[]): string[] {
  return cases.map((one) => one.input).filter((input) => input.length <= MAX_SEED_LENGTH);
}

function pick(inputs: readonly string[]): string {
  return inputs[randomBelow(random, inputs.length)] as string;
}

/** What differs between the input whole and cut; '' when nothing does. */
function difference(input: string, run: (cuts: readonly number[]) => Transcript): string {
  const whole = run([]);
  const isBytewise = randomBelow(random, 8) === 0;
  const cuts = isBytewise
    ? everyByte(input.length)
    : randomCuts(input.length, 1 + randomBelow(random, 4), random);
  const cut = run(cuts);
  if (whole.output !== cut.output) return `output differs, cut at ${cuts}`;
  if (JSON.stringify(whole.lines) !== JSON.stringify(cut.lines)) {
    return `${JSON.stringify(whole.lines)} whole, ${JSON.stringify(cut.lines)} cut at ${cuts}`;
  }
  const errors = whole.lines.filter((line) => ERROR_LINE.test(line));
  if (errors.length > 1) return 'more than one error on a connection';
  const isAmplified = whole.output.length > 200 + input.length * MAX_OUTPUT_PER_OCTET;
  return isAmplified ? 'output out of proportion' : '';
}

/** Runs `check` on mutated inputs; reports the first that it finds fault with. */
function fuzz(t: Test, runs: number, inputs: readonly string[], check: (input: string) => string) {
  for (let run = 0; run < runs; run += 1) {
    const input = mutate(pick(inputs), pick(inputs), random);
    let fault: string;
    try {
      fault = check(input);
    } catch (error) {
      fault = `threw ${String(error)}`;
    }
    if (fault !== '') {
      t.fail(`seed ${seed}, run ${run}: ${fault}`, { input: JSON.stringify(input) });
      return;
    }
  }
  t.pass(`${runs} inputs, seed ${seed}`);
}

const REQUESTS = corpus([...SERVER_MESSAGE_CASES, ...SERVER_REQUEST_CASES, ...SERVER_TUNNEL_CASES]);

t.test('requests of any kind have one verdict in every cut', async (t) => {
  fuzz(t, Math.ceil(RUNS * 0.3), REQUESTS, (input) =>
    difference(input, (cuts) => serverTranscript(input, { cuts, fields: true, eof: true })),
  );
});

t.test('so they have with every option on', async (t) => {
  fuzz(t, Math.ceil(RUNS * 0.2), REQUESTS, (input) =>
    difference(input, (cuts) => serverTranscript(input, { cuts, fields: true, options: LOOSE })),
  );
});

t.test('responses of any kind have one verdict in every cut', async (t) => {
  fuzz(t, Math.ceil(RUNS * 0.3), corpus(CLIENT_CASES), (input) =>
    difference(input, (cuts) => clientTranscript(input, { cuts, fields: true, ending: 'fin' })),
  );
});

t.test('what is sent on decodes to what was received', async (t) => {
  fuzz(t, Math.ceil(RUNS * 0.2), REQUESTS, (input) => {
    const first = forward(input, LOOSE);
    const second = forward(first.wire, LOOSE);
    const expected = JSON.stringify(first.requests);
    const found = JSON.stringify(second.requests);
    return expected === found ? '' : `${expected} became ${found}`;
  });
});
