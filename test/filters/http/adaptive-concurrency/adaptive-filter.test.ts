// The adaptive concurrency filter: who holds a place, and for how long.
import t from 'tap';
import { privateCells } from '../../../../proxy/base/cells/shared-cells.ts';
import type { AdaptiveConfig } from '../../../../proxy/filters/http/adaptive-concurrency/adaptive-config.ts';
import { adaptiveConcurrencyDefinition } from '../../../../proxy/filters/http/adaptive-concurrency.ts';
import {
  CONTINUE,
  type HttpFilter,
  type HttpFilterCallbacks,
  type HttpFilterFactory,
  type HttpFilterServices,
  type LocalReply,
  STOP_ALL,
} from '../../../../proxy/filters/http-filter.ts';
import { HeaderList } from '../../../../proxy/http/header-list.ts';
import { ResponseHead } from '../../../../proxy/http/message.ts';
import { LiveRuntime } from '../../../../proxy/model/runtime.ts';
import { StatsStore } from '../../../../proxy/stats/store.ts';
import { compileJson, testEnvironment } from '../../../support/compile-json.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { exchange, requestHead } from '../../../support/route-fixtures.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

class Rig {
  readonly clock = new FakeClock();
  readonly runtime = new LiveRuntime(new Map());
  readonly replies: LocalReply[] = [];
  readonly #factory: HttpFilterFactory;

  constructor(code?: number) {
    const json = {
      gradient_controller_config: {
        concurrency_limit_params: { concurrency_update_interval: '0.1s' },
        min_rtt_calc_params: { interval: '30s', min_concurrency: 2 },
      },
      enabled: { default_value: true, runtime_key: 'on' },
      ...(code !== undefined && { concurrency_limit_exceeded_status: { code } }),
    };
    const { schema, compile } = adaptiveConcurrencyDefinition;
    const environment = testEnvironment({ runtime: this.runtime });
    const { value } = compileJson({ schema, json, environment }, compile as never);
    const services = {
      ...{ clock: this.clock, timers: this.clock.timers, random: seededRandom(1) },
      cells: privateCells(() => this.clock.nowMs()),
      scope: new StatsStore(null).scope('http.p'),
    } as unknown as HttpFilterServices;
    const config = value as unknown as AdaptiveConfig;
    const factory = adaptiveConcurrencyDefinition.factory(config, services, 'a');
    if (factory === null) throw new Error('idle');
    this.#factory = factory;
  }

  /** null: it was refused. */
  begin(isHealthCheck = false): HttpFilter | null {
    const head = requestHead();
    const context = exchange(head);
    context.info.isHealthCheck = isHealthCheck;
    const filter = this.#factory.create({
      ...context,
      sendLocalReply: (reply: LocalReply) => {
        this.replies.push(reply);
        filter.onResponseHead?.(new ResponseHead(reply.status, HeaderList.empty()), true);
      },
    } as unknown as HttpFilterCallbacks);
    const status = filter.onRequestHead?.(head, true);
    if (status !== CONTINUE) t.equal(status, STOP_ALL);
    return status === CONTINUE ? filter : null;
  }

  /** How many places there are; they are given back. */
  free(): number {
    const held: HttpFilter[] = [];
    for (let next = this.begin(); next !== null; next = this.begin()) held.push(next);
    for (const filter of held) filter.onStreamEnd?.();
    return held.length;
  }
}

t.test('a request beyond the limit is answered', async (t) => {
  const rig = new Rig();
  t.equal(rig.free(), 2);
  t.same(rig.replies, [
    {
      ...{ status: 503, body: 'reached concurrency limit', details: 'reached_concurrency_limit' },
      ...{ flag: null, headers: null },
    },
  ]);
});

t.test('with the status that is configured, if it is one for refusals', async (t) => {
  for (const [code, sent] of [
    [429, 429],
    [400, 400],
    [200, 503],
  ]) {
    const rig = new Rig(code);
    rig.free();
    t.equal(rig.replies[0]?.status, sent);
  }
});

t.test('a place is free again when the answer has passed, or the stream ends', async (t) => {
  const head = new ResponseHead(200, HeaderList.empty());
  const ends: readonly [string, (filter: HttpFilter) => void][] = [
    ['its head', (filter) => filter.onResponseHead?.(head, true)],
    ['its content', (filter) => filter.onResponseData?.(Buffer.from('x'), true)],
    ['its trailers', (filter) => filter.onResponseTrailers?.(HeaderList.empty())],
    ['the stream', (filter) => filter.onStreamEnd?.()],
  ];
  for (const [title, end] of ends) {
    const rig = new Rig();
    const filter = rig.begin();
    if (filter === null) throw new Error('refused');
    if (title !== 'its head') filter.onResponseHead?.(head, false);
    filter.onResponseData?.(Buffer.from('x'), false);
    t.equal(rig.free(), 1, 'not yet');
    end(filter);
    t.equal(rig.free(), 2, title);
    filter.onStreamEnd?.();
    t.equal(rig.free(), 2, 'given back once');
  }
});

t.test('health checks need no place, and without the filter nobody does', async (t) => {
  const rig = new Rig();
  t.not(rig.begin(), null);
  t.not(rig.begin(), null);
  t.equal(rig.begin(), null);
  t.not(rig.begin(true), null);
  rig.runtime.replace(new Map([['on', false]]));
  t.not(rig.begin(), null);
});
