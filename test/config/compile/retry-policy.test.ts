import t from 'tap';
import { RetryPolicySchema } from '../../../proxy/api/gen/envoy/config/route/v3/route_components_pb.js';
import { compileRetryPolicy } from '../../../proxy/config/compile/retry-policy.ts';
import { LiveRuntime } from '../../../proxy/model/runtime.ts';
import { compileJson, testEnvironment } from '../../support/compile-json.ts';

function compiled(runtime: LiveRuntime, retry_back_off?: { base_interval: string }) {
  const source = {
    schema: RetryPolicySchema,
    json: { retry_on: '5xx', ...(retry_back_off !== undefined && { retry_back_off }) },
    environment: testEnvironment({ runtime }),
  };
  return compileJson(source, compileRetryPolicy).value;
}

t.test(
  'the runtime says how many retries are made, and how soon, while the proxy runs',
  async (t) => {
    const runtime = new LiveRuntime(new Map());
    const policy = compiled(runtime);
    const own = compiled(runtime, { base_interval: '0.5s' });
    t.match(policy, { usedPercent: 100, backOff: { baseMs: 25, maxMs: 250 } });
    runtime.replace(
      new Map([
        ['upstream.use_retry', 30],
        ['upstream.base_retry_backoff_ms', 40],
      ]),
    );
    t.match(policy, { usedPercent: 30, backOff: { baseMs: 40, maxMs: 400 } });
    t.match(own, { backOff: { baseMs: 500, maxMs: 5000 } }, 'the route has its own');
  },
);
