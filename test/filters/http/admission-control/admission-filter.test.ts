// The admission control filter over simulated time: what it learns from responses, and whom it turns
// away then.
import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import type { AdmissionConfig } from '../../../../proxy/filters/http/admission-control/admission-config.ts';
import { admissionControlDefinition } from '../../../../proxy/filters/http/admission-control.ts';
import {
  CONTINUE,
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
import { compileJson, problemLines, testEnvironment } from '../../../support/compile-json.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { filterProblems } from '../../../support/filter-fixture.ts';
import { exchange, requestHead } from '../../../support/route-fixtures.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

type Answer = (filter: ReturnType<HttpFilterFactory['create']>) => void;

const status = (code: number): Answer => {
  return (filter) => filter.onResponseHead?.(new ResponseHead(code, HeaderList.empty()), true);
};
const grpcHead = (...more: readonly string[]): ResponseHead =>
  new ResponseHead(200, HeaderList.of('content-type', 'application/grpc', ...more));
const trailersOnly = (code: string): Answer => {
  return (filter) => filter.onResponseHead?.(grpcHead('grpc-status', code), true);
};
const trailers = (fields: HeaderList): Answer => {
  return (filter) => {
    filter.onResponseHead?.(grpcHead(), false);
    filter.onResponseTrailers?.(fields);
  };
};

class Rig {
  readonly clock = new FakeClock();
  readonly runtime: LiveRuntime;
  readonly replies: LocalReply[] = [];
  readonly #store = new StatsStore(null);
  readonly #factory: HttpFilterFactory;

  constructor(json: { [key: string]: JsonValue } = {}, runtime: Record<string, number> = {}) {
    this.runtime = new LiveRuntime(new Map(Object.entries(runtime)));
    const source = {
      schema: admissionControlDefinition.schema,
      json: { success_criteria: {}, ...json },
      environment: testEnvironment({ runtime: this.runtime }),
    };
    const compiled = compileJson(source, admissionControlDefinition.compile as never);
    t.same(problemLines(compiled.rejections), []);
    const services = {
      scope: this.#store.scope('http.p'),
      random: seededRandom(3),
    } as unknown as HttpFilterServices;
    const config = compiled.value as AdmissionConfig;
    const factory = admissionControlDefinition.factory(config, services, 'a');
    if (factory === null) throw new Error('idle');
    this.#factory = factory;
  }

  /** True: it was let through, and answered. */
  request(answer: Answer, isHealthCheck = false): boolean {
    const head = requestHead();
    const context = exchange(head);
    context.info.isHealthCheck = isHealthCheck;
    const filter = this.#factory.create({
      ...context,
      nowMs: () => this.clock.nowMs(),
      sendLocalReply: (reply: LocalReply) => {
        this.replies.push(reply);
        status(reply.status)(filter);
      },
    } as unknown as HttpFilterCallbacks);
    const verdict = filter.onRequestHead?.(head, true);
    if (verdict === CONTINUE) answer(filter);
    else if (verdict !== STOP_ALL) throw new Error(`unexpected status ${verdict}`);
    return verdict === CONTINUE;
  }

  /** How many of so many requests are turned away; what is let through fails. */
  refusals(count: number, answer: Answer = status(503)): number {
    let refused = 0;
    for (let done = 0; done < count; done += 1) if (!this.request(answer)) refused += 1;
    return refused;
  }

  counters(): Readonly<Record<string, number>> {
    const prefix = 'http.p.admission_control.';
    const all = Object.entries(this.#store.snapshot().counters);
    return Object.fromEntries(all.map(([name, value]) => [name.slice(prefix.length), value]));
  }
}

t.test('turns nobody away while requests succeed', async (t) => {
  const rig = new Rig();
  t.same(rig.counters(), {}, 'as in Envoy there are no statistics before the first request');
  t.equal(rig.refusals(500, status(200)), 0);
  t.same(rig.counters(), { rq_rejected: 0, rq_success: 500, rq_failure: 0 });
});

t.test('turns away at most the share that is allowed, with an answer of its own', async (t) => {
  const rig = new Rig();
  rig.refusals(200);
  const refused = rig.refusals(1000);
  t.ok(Math.abs(refused - 800) < 60, `${refused} of 1000 at 80 %`);
  const { rq_rejected: rejected = 0, rq_failure: failed = 0 } = rig.counters();
  t.equal(rejected + failed, 1200, 'what is turned away is no failure');
  t.same(rig.replies[0], {
    ...{ status: 503, body: '', details: 'denied_by_admission_control' },
    ...{ flag: null, headers: null },
  });
});

t.test('lets everybody through again when the window has forgotten', async (t) => {
  const rig = new Rig({ sampling_window: '5s' });
  t.ok(rig.refusals(100) > 0);
  rig.clock.advance(6000);
  t.equal(rig.request(status(200)), true);
  t.equal(rig.refusals(100, status(200)), 0);
});

/** Of 10,000 requests that nobody answers, after `failures` of `total` failed. */
function share(json: { [key: string]: JsonValue }, failures: number, total: number): number {
  const rig = new Rig({ sampling_window: '1s', ...json });
  for (let done = 0; done < total; done += 1) {
    // Learns without turning anybody away: below the threshold of requests a second.
    rig.request(status(done < failures ? 500 : 200));
  }
  rig.runtime.replace(new Map([['rps', 0]]));
  return rig.refusals(10_000, () => undefined) / 10_000;
}

const LEARN = { rps_threshold: { default_value: 1_000_000, runtime_key: 'rps' } };

t.test('the probability follows the formula', async (t) => {
  const near = (found: number, wanted: number, title: string) =>
    t.ok(Math.abs(found - wanted) < 0.02, `${title}: ${found}, wanted ${wanted}`);
  const excess = (failures: number, total: number, threshold: number) =>
    (total - (total - failures) / threshold) / (total + 1);
  near(share(LEARN, 500, 1000), excess(500, 1000, 0.95), 'half fails');
  const half = { ...LEARN, sr_threshold: { default_value: { value: 50 }, runtime_key: 'sr' } };
  near(share(half, 400, 1000), 0, 'above the threshold');
  near(share(half, 750, 1000), excess(750, 1000, 0.5), 'below it');
  const keen = { ...half, aggression: { default_value: 2, runtime_key: 'a' } };
  near(share(keen, 750, 1000), Math.sqrt(excess(750, 1000, 0.5)), 'with aggression');
  const meek = { ...half, aggression: { default_value: 0.1, runtime_key: 'a' } };
  near(share(meek, 750, 1000), excess(750, 1000, 0.5), 'aggression is at least 1');
  const most = { default_value: { value: 10 }, runtime_key: 'm' };
  near(share({ ...half, max_rejection_probability: most }, 1000, 1000), 0.1, 'bounded');
});

t.test('below the threshold of requests a second it only counts', async (t) => {
  const rig = new Rig({ rps_threshold: { default_value: 50, runtime_key: 'rps' } });
  t.equal(rig.refusals(50), 0, '49 a second before the last');
  t.ok(rig.refusals(100) > 0);
  rig.clock.advance(20_000);
  t.equal(rig.refusals(5), 0, 'few a second on average');
});

t.test('follows the runtime', async (t) => {
  const rig = new Rig({
    enabled: { default_value: true, runtime_key: 'on' },
    sr_threshold: { default_value: { value: 95 }, runtime_key: 'sr' },
    max_rejection_probability: { default_value: { value: 80 }, runtime_key: 'max' },
  });
  t.ok(rig.refusals(200) > 0);
  rig.runtime.replace(new Map([['max', 0]]));
  t.equal(rig.refusals(200), 0);
  rig.runtime.replace(new Map([['max', 101]]));
  t.ok(rig.refusals(200) > 0, 'no percentage: as configured');
  const before = rig.counters();
  rig.runtime.replace(new Map<string, boolean>([['on', false]]));
  t.equal(rig.refusals(200), 0);
  t.same(rig.counters(), before, 'switched off nothing is counted');
});

t.test('health checks are neither turned away nor counted', async (t) => {
  const rig = new Rig();
  rig.refusals(300);
  const before = rig.counters();
  for (let done = 0; done < 50; done += 1) t.equal(rig.request(status(503), true), true);
  t.same(rig.counters(), before);
});

t.test('tells successes from failures', async (t) => {
  const outcome = (answer: Answer, json: { [key: string]: JsonValue } = {}): string => {
    const rig = new Rig(json);
    rig.request(answer);
    const { rq_success: successes, rq_failure: failures } = rig.counters();
    return `${successes}/${failures}`;
  };
  for (const code of [100, 200, 302, 404, 499]) t.equal(outcome(status(code)), '1/0', `${code}`);
  for (const code of [500, 503, 599]) t.equal(outcome(status(code)), '0/1', `${code}`);
  for (const code of ['0', '1', '2', '3', '5', '6', '7', '9', '11', '12', '16']) {
    t.equal(outcome(trailersOnly(code)), '1/0', `gRPC ${code}`);
    t.equal(
      outcome(trailers(HeaderList.of('grpc-status', code))),
      '1/0',
      `gRPC ${code} at the end`,
    );
  }
  for (const code of ['4', '8', '10', '13', '14', '15', '17', 'x']) {
    t.equal(outcome(trailersOnly(code)), '0/1', `gRPC ${code}`);
  }
  t.equal(outcome(trailers(HeaderList.empty())), '0/1', 'no gRPC status at all');
  t.equal(
    outcome(() => undefined),
    '0/0',
    'no response',
  );
  const http = {
    success_criteria: {
      http_criteria: {
        http_success_status: [
          { start: 200, end: 201 },
          { start: 503, end: 600 },
        ],
      },
    },
  };
  const seen = [199, 200, 201, 502, 503, 599].map((code) => outcome(status(code), http));
  t.same(seen, ['0/1', '1/0', '0/1', '0/1', '1/0', '1/0']);
  const grpc = { success_criteria: { grpc_criteria: { grpc_success_status: [14] } } };
  t.same(
    ['0', '14'].map((code) => outcome(trailersOnly(code), grpc)),
    ['0/1', '1/0'],
  );
});

t.test('refuses what Envoy refuses', async (t) => {
  const problems = (json: { [key: string]: JsonValue }) =>
    filterProblems(admissionControlDefinition as never, { success_criteria: {}, ...json });
  t.same(problems({ sr_threshold: { default_value: { value: 0.9 }, runtime_key: 'k' } }), [
    'sr_threshold: Success rate threshold cannot be less than 1.0%.',
  ]);
  t.same(problems({ sr_threshold: { default_value: { value: 1 }, runtime_key: 'k' } }), []);
  const ranges = [
    { start: 100, end: 600 },
    { start: 99, end: 200 },
    { start: 300, end: 200 },
    { start: 300, end: 601 },
  ];
  t.same(problems({ success_criteria: { http_criteria: { http_success_status: ranges } } }), [
    'success_criteria.http_criteria.http_success_status[1]: invalid HTTP range: [99, 200)',
    'success_criteria.http_criteria.http_success_status[2]: invalid HTTP range: [300, 200)',
    'success_criteria.http_criteria.http_success_status[3]: invalid HTTP range: [300, 601)',
  ]);
  t.same(problems({ success_criteria: { grpc_criteria: { grpc_success_status: [16, 17] } } }), [
    'success_criteria.grpc_criteria.grpc_success_status[1]: invalid gRPC code 17',
  ]);
});
