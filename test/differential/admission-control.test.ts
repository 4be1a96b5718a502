// envoy.filters.http.admission_control and adaptive_concurrency: what clients, logs and statistics see
// of them.
import http from 'node:http';
import t from 'tap';
import { eventually } from '../support/eventually.ts';
import { type Json, type TwinConfig, type TwinListener, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type Twin, type TwinCase, withTwins } from '../support/with-twins.ts';
import { type Assertions, compareCases } from './compare-cases.ts';

const admission = (config: Json): Json => ({
  name: 'admission',
  typed_config: typed('extensions.filters.http.admission_control.v3.AdmissionControl', {
    success_criteria: {},
    sampling_window: '7200s',
    ...config,
  }),
});
const percent = (value: number): Json => ({ default_value: { value }, runtime_key: 'none' });
/** Once anything has failed, everything that can be drawn is turned away. */
const STRICT: Json = {
  sr_threshold: percent(100),
  max_rejection_probability: percent(100),
  aggression: { default_value: 1e9, runtime_key: 'none' },
};
const adaptive = (more: Json = {}, rtt: Json = {}, limit: Json = {}): Json => ({
  name: 'adaptive',
  typed_config: typed('extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency', {
    gradient_controller_config: {
      concurrency_limit_params: { concurrency_update_interval: '0.2s', ...limit },
      min_rtt_calc_params: { interval: '3600s', request_count: 3, jitter: {}, ...rtt },
    },
    ...more,
  }),
});
const DELAYS: Json = {
  name: 'fault',
  typed_config: typed('extensions.filters.http.fault.v3.HTTPFault', {
    delay: { header_delay: {}, percentage: { numerator: 100 } },
    abort: { header_abort: {}, percentage: { numerator: 100 } },
  }),
};
const OWN: readonly Json[] = [{ match: { prefix: '/' }, direct_response: { status: 200 } }];

const listener = (...filters: readonly Json[]): TwinListener => ({ filters, routes: OWN });

const CONFIG: TwinConfig = {
  listeners: {
    open: listener(admission({ max_rejection_probability: percent(0) }), DELAYS),
    strict: listener(admission(STRICT), DELAYS),
    off: listener(
      admission({ ...STRICT, enabled: { default_value: true, runtime_key: 'off' } }),
      DELAYS,
    ),
    counted: listener(
      admission({
        ...STRICT,
        success_criteria: {
          http_criteria: { http_success_status: [{ start: 500, end: 501 }] },
          grpc_criteria: { grpc_success_status: [14] },
        },
        rps_threshold: { default_value: 1_000_000, runtime_key: 'none' },
      }),
      DELAYS,
    ),
    learns: listener(adaptive({}, { buffer: { value: 100 } }), DELAYS),
    fixed: listener(
      adaptive(
        { concurrency_limit_exceeded_status: { code: 429 } },
        { fixed_value: '0.02s' },
        {
          min_concurrency_limit: 1,
        },
      ),
      DELAYS,
    ),
    unlimited: listener(adaptive({ enabled: { default_value: true, runtime_key: 'off' } }), DELAYS),
  },
  bootstrap: {
    layered_runtime: { layers: [{ name: 'static', static_layer: { off: false } }] },
  },
  log: {
    log_format: {
      text_format_source: {
        inline_string:
          '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %DOWNSTREAM_REMOTE_ADDRESS%\n',
      },
    },
  },
};

const ABORT = 'x-envoy-fault-abort-request';
const GRPC = 'content-type: application/grpc\r\n';

const get = (name: string, title: string, lines = ''): TwinCase => ({
  title: `${name}: ${title}`,
  listener: name,
  send: `GET /${name} HTTP/1.1\r\nhost: h.test\r\n${lines}\r\n`,
});

/** None of these filters turns anybody away. */
const FAILURES: readonly TwinCase[] = ['open', 'off', 'counted'].flatMap((name) => [
  get(name, 'succeeds'),
  get(name, 'fails', `${ABORT}: 503\r\n`),
  get(name, 'is the client’s fault', `${ABORT}: 404\r\n`),
  get(name, 'fails as gRPC', `${ABORT}: 503\r\n${GRPC}`),
  get(name, 'fails as gRPC without a success', `${ABORT}: 404\r\n${GRPC}`),
]);

async function stats(twin: Twin, filter: string): Promise<readonly string[]> {
  const response = await fetch(`${twin.admin}/stats?filter=${filter}`);
  return (await response.text()).split('\n').filter((line) => line.startsWith('http.'));
}

function get1(port: number, headers: http.OutgoingHttpHeaders): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = http.get({ port, host: '127.0.0.1', headers, agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', reject);
  });
}

t.test('counts what Envoy counts and answers as it does', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, async (twins) => {
    await compareCases(t, twins, FAILURES);
    const { ours, envoy } = twins;
    const all = 'admission_control';
    t.same(await stats(ours, all), await stats(envoy, all), 'statistics of admission control');
    for (const twin of [ours, envoy]) {
      // Nine of ten failures: the next is turned away with a probability of more than 99 %.
      const port = twin.ports['strict'] ?? 0;
      for (let count = 0; count < 300; count += 1) await get1(port, { [ABORT]: '503' });
      const [rejected = 0] = (await stats(twin, 'strict.*rq_rejected')).map((line) =>
        Number(line.split(': ')[1]),
      );
      t.ok(rejected > 200, `${rejected} of 300`);
    }
    const refused = await Promise.all([ours, envoy].map((twin) => refusedOutcome(twin)));
    t.same(refused[0], refused[1], 'a request that is turned away');
  });
});

/** The first answer that the filter gave itself, with its log line. */
async function refusedOutcome(twin: Twin): Promise<unknown> {
  for (let tries = 0; tries < 20; tries += 1) {
    const [outcome] = await twin.run([get('strict', 'is turned away', `${ABORT}: 503\r\n`)]);
    if (outcome?.log.some((line) => line.includes('denied_by_admission_control'))) return outcome;
  }
  return 'never';
}

/** The three that are always there while it measures, and one more. */
async function overLimit(twin: Twin, name: string, places: number): Promise<unknown> {
  const port = twin.ports[name] ?? 0;
  const held = Array.from({ length: places }, () =>
    get1(port, { 'x-envoy-fault-delay-request': '1500' }),
  );
  await eventually(async () => {
    const [active] = await stats(twin, `^http.${name}.downstream_rq_active$`);
    return active?.endsWith(`: ${places}`) === true;
  });
  const [outcome] = await twin.run([get(name, 'one too many')]);
  return { outcome, held: await Promise.all(held) };
}

t.test('limits what Envoy limits', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, async ({ ours, envoy }) => {
    const both = [ours, envoy];
    const filter = '^http.(learns|fixed|unlimited).adaptive';
    t.same(await stats(ours, filter), await stats(envoy, filter), 'statistics at the start');
    const three = await Promise.all(both.map((twin) => overLimit(twin, 'learns', 3)));
    t.same(three[0], three[1], 'three while it measures');
    const one = await Promise.all(both.map((twin) => overLimit(twin, 'fixed', 1)));
    t.same(one[0], one[1], 'one of a fixed time');
    const free = await Promise.all(both.map((twin) => overLimit(twin, 'unlimited', 4)));
    t.same(free[0], free[1], 'any number without it');
    await Promise.all(both.map((twin) => learned(t, twin)));
  });
});

/** It has measured 1.5 s; requests that are faster let the limit rise, window by window. */
async function learned(t: Assertions, twin: Twin): Promise<void> {
  const name = 'learns';
  const gauge = async (which: string): Promise<number> => {
    const [line = ''] = await stats(twin, `^http.${name}.adaptive_.*${which}$`);
    return Number(line.split(': ')[1]);
  };
  t.equal(await gauge('min_rtt_calculation_active'), 0, 'it has measured');
  const minRttMs = await gauge('min_rtt_msecs');
  // The proxy's time begins when it gets its turn on a busy machine.
  t.equal(minRttMs >= 1200, true, `${minRttMs} ms`);
  t.equal(await gauge('concurrency_limit'), 3, 'the limit it had');
  await get1(twin.ports[name] ?? 0, {});
  await eventually(async () => (await gauge('concurrency_limit')) === 8);
  t.equal(await gauge('gradient'), 2000, 'gradient');
  t.equal(await gauge('burst_queue_size'), 2, 'burst');
  await get1(twin.ports[name] ?? 0, {});
  await eventually(async () => (await gauge('concurrency_limit')) === 20);
}
