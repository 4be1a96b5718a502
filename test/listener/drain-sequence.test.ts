import t from 'tap';
import { DrainSequence } from '../../proxy/listener/drain-sequence.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { seededRandom } from '../support/seeded-random.ts';

const TIME_MS = 10_000;

function rig(strategy: 'gradual' | 'immediate', timeMs = TIME_MS) {
  const clock = new FakeClock();
  const settings = { timeMs, strategy };
  const sequence = new DrainSequence({ settings, clock, random: seededRandom(7) });
  /** Of 1,000 responses, how many end their connection. */
  const share = (): number => {
    let closed = 0;
    for (let response = 0; response < 1000; response += 1) if (sequence.shouldClose()) closed += 1;
    return closed;
  };
  return { clock, sequence, share };
}

t.test('ends no connection before it begins, and all at once when it is immediate', async (t) => {
  const { sequence, share } = rig('immediate');
  t.equal(share(), 0);
  sequence.begin();
  t.equal(share(), 1000);
});

t.test('ends more connections with every second, and all at the drain time', async (t) => {
  const { clock, sequence, share } = rig('gradual');
  t.equal(share(), 0);
  sequence.begin();
  const shares: number[] = [];
  for (let second = 0; second < 10; second += 1) {
    clock.advance(second === 0 ? 500 : 1000);
    sequence.begin();
    shares.push(share());
  }
  for (const [second, of1000] of shares.entries()) {
    const expected = (second + 1) * 100;
    t.ok(Math.abs(of1000 - expected) < 60, `${of1000} of 1000 in second ${second + 1}`);
  }
  clock.advance(1000);
  t.equal(share(), 1000);
});

t.test('without a drain time it is immediate', async (t) => {
  const { sequence, share } = rig('gradual', 0);
  sequence.begin();
  t.equal(share(), 1000);
});
