// A connection of many streams under random clients, upstreams and time: whatever happens, each
// exchange ends once, the books agree with what is open, and a connection that drains ends.
import assert from 'node:assert/strict';
import t from 'tap';
import { type Random, randomBelow } from '../../proxy/base/random.ts';
import type { ResetReason } from '../../proxy/http/stream.ts';
import type { FakeServerStream } from '../support/fake-server-codec.ts';
import { HcmRig } from '../support/hcm-rig.ts';
import { seededRandom, testSeed } from '../support/seeded-random.ts';

const STEPS = 600;
const RUNS = 40;
const RESETS: readonly (readonly [ResetReason, string])[] = [
  ['remote-reset', 'http2.remote_reset'],
  ['remote-refused', 'http2.remote_refuse'],
  ['protocol-error', 'http2.violation.of.messaging.rule'],
];

class Simulation {
  readonly #random: Random;
  readonly #rig: HcmRig;
  /** Streams that the codec has not closed. */
  readonly #open: FakeServerStream[] = [];
  readonly #withoutHead = new Set<FakeServerStream>();
  readonly #actions: readonly (() => void)[] = [
    () => this.#begin(),
    () => this.#begin(),
    () => this.#head(),
    () => this.#head(),
    () => this.#any()?.data('x', this.#chance(2)),
    () => this.#reset(),
    () => this.#flush(),
    () => this.#answer(),
    () => this.#answer(),
    () => this.#rig.clock.advance(1 + randomBelow(this.#random, 400)),
    () => this.#drain(),
  ];
  #begun = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#rig = new HcmRig({
      stream_idle_timeout: '2s',
      request_headers_timeout: '1s',
      request_timeout: '3s',
      drain_timeout: '1s',
      common_http_protocol_options: {
        max_requests_per_connection: 50,
        max_connection_duration: '20s',
        max_stream_duration: '4s',
        idle_timeout: '5s',
      },
    });
    this.#rig.connection.receive('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    this.#rig.chosen.isSlow = this.#chance(2);
  }

  run(): void {
    for (let step = 0; step < STEPS && this.#rig.connection.closeMode === null; step += 1) {
      this.#actions[randomBelow(this.#random, this.#actions.length)]?.();
      this.#check();
    }
    this.#end();
  }

  #begin(): void {
    // A codec that was drained takes no streams.
    if (this.#rig.chosen.calls.includes('drain')) return;
    const stream = this.#rig.chosen.open();
    this.#begun += 1;
    this.#open.push(stream);
    this.#withoutHead.add(stream);
  }

  #head(): void {
    const stream = [...this.#withoutHead][0];
    if (stream === undefined) return;
    this.#withoutHead.delete(stream);
    if (stream.isOpen) stream.head(this.#chance(20) ? '/a#b' : '/', this.#chance(2));
  }

  #reset(): void {
    const stream = this.#any();
    const [reason, detail] = RESETS[randomBelow(this.#random, RESETS.length)] ?? ['overflow', ''];
    stream?.end(reason, detail);
  }

  /** The client takes what is complete. */
  #flush(): void {
    for (const stream of this.#open.slice()) if (stream.isEnded && stream.isOpen) stream.close();
  }

  #answer(): void {
    if (this.#rig.requests.length > 0) this.#rig.answer(this.#chance(2));
  }

  #drain(): void {
    if (!this.#chance(20)) return;
    this.#rig.listener.isDraining = true;
    if (this.#chance(2)) this.#rig.http.drain(500);
  }

  #any(): FakeServerStream | undefined {
    const sending = this.#open.filter((stream) => stream.isOpen && !this.#withoutHead.has(stream));
    return sending[randomBelow(this.#random, Math.max(1, sending.length))];
  }

  #chance(outOf: number): boolean {
    return randomBelow(this.#random, outOf) === 0;
  }

  #check(): void {
    const rig = this.#rig;
    for (const stream of this.#open.splice(0)) {
      if (stream.isOpen) this.#open.push(stream);
      else this.#withoutHead.delete(stream);
    }
    const active = this.#open.length;
    assert.equal(rig.chosen.activeStreams, active);
    assert.equal(rig.stat('rq_active'), active, 'open streams are counted');
    assert.equal(rig.logged.length, this.#begun - active, 'each exchange is logged once');
    assert.equal(rig.stat('rq_http2_total'), this.#begun);
    rig.http.checkInvariants();
  }

  /** However it stands, it comes to its end when the client and time go on. */
  #end(): void {
    const rig = this.#rig;
    rig.chosen.isSlow = false;
    for (let second = 0; second < 40 && rig.connection.closeMode === null; second += 1) {
      this.#flush();
      rig.clock.advance(1000);
    }
    assert.equal(rig.connection.closeMode, 'flush-and-delay', 'it ended by itself');
    rig.http.onClose('local-close', '');
    assert.equal(rig.stat('rq_active'), 0);
    assert.equal(rig.stat('cx_http2_active'), 0);
    assert.equal(rig.logged.length, this.#begun);
    assert.equal(rig.clock.timers.armedCount, 0, 'no timer is left');
  }
}

t.test('connections under random streams, answers and time', (t) => {
  const first = testSeed();
  for (let run = 0; run < RUNS; run += 1) {
    const seed = first + run;
    try {
      new Simulation(seed).run();
    } catch (error) {
      t.fail(`seed ${seed}: ${(error as Error).stack}`);
      break;
    }
  }
  t.pass(`${RUNS} runs from seed ${first}`);
  t.end();
});
