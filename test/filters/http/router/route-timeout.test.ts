import t from 'tap';
import {
  announceTimeout,
  readTimeouts,
  takeOrders,
} from '../../../../proxy/filters/http/router/route-timeout.ts';
import type { RouterConfig } from '../../../../proxy/filters/http/router/router-config.ts';
import type { ForwardActionConfig, StreamDurationConfig } from '../../../../proxy/model/route.ts';
import { matchedRoute, requestHead, routeTo, tableOf } from '../../../support/route-fixtures.ts';

const ROUTER: RouterConfig = {
  suppressEnvoyHeaders: false,
  respectExpectedRequestTimeout: false,
  dynamicStats: true,
};
const RESPONSE: StreamDurationConfig = {
  bounds: 'response',
  maxMs: null,
  grpcTimeoutMaxMs: 0,
  grpcTimeoutOffsetMs: 0,
};

function actionWith(streamDuration: StreamDurationConfig | null): ForwardActionConfig {
  const table = tableOf(routeTo('c', { prefix: '/' }, { timeout: '2s' }));
  const route = matchedRoute(table, requestHead());
  return { ...(route.config.action as ForwardActionConfig), streamDuration };
}

/** The timeout, and what the upstream is told in two fields. */
function timeoutOf(
  fields: readonly string[],
  duration: StreamDurationConfig | null,
  config: Partial<RouterConfig> = {},
) {
  const head = requestHead({ headers: fields });
  const action = actionWith(duration);
  const router = { ...ROUTER, ...config };
  const timeouts = readTimeouts(head, { action, config: router, retry: null, hedge: null });
  takeOrders(head, router);
  const suppresses = router.suppressEnvoyHeaders;
  announceTimeout({ head, timeouts, action, suppresses }, 0);
  const names = ['x-envoy-expected-rq-timeout-ms', 'grpc-timeout'];
  return [timeouts.globalMs, ...names.map((name) => head.headers.getByName(name))];
}

const GRPC = ['content-type', 'application/grpc'];

t.test('a route’s timeout is told to the upstream', async (t) => {
  t.same(timeoutOf([], null), [2000, '2000', null]);
  t.same(timeoutOf([], null, { suppressEnvoyHeaders: true }), [2000, null, null]);
  t.same(timeoutOf(['x-envoy-upstream-rq-timeout-ms', '7'], null), [7, '7', null]);
  t.same(timeoutOf(['x-envoy-upstream-rq-timeout-ms', 'x'], null), [2000, '2000', null]);
  t.same(timeoutOf(['x-envoy-upstream-rq-timeout-ms', '0'], null), [0, null, null]);
  const expected = ['x-envoy-expected-rq-timeout-ms', '9'];
  t.same(timeoutOf(expected, null), [2000, '2000', null]);
  t.same(timeoutOf(expected, null, { respectExpectedRequestTimeout: true }), [9, '9', null]);
});

t.test('a bound of the stream leaves the response without one', async (t) => {
  const stream = { ...RESPONSE, bounds: 'stream', maxMs: 50 } as const;
  t.same(timeoutOf([...GRPC, 'grpc-timeout', '1S'], stream), [0, null, '1S']);
});

t.test('a gRPC deadline is the timeout where max_grpc_timeout says so', async (t) => {
  const asked = (text: string) => [...GRPC, 'grpc-timeout', text];
  t.same(timeoutOf(asked('1S'), RESPONSE), [1000, '1000', '1000m']);
  t.same(timeoutOf(asked('1S'), { ...RESPONSE, grpcTimeoutMaxMs: 500 }), [500, '500', '500m']);
  t.same(timeoutOf(GRPC, { ...RESPONSE, grpcTimeoutMaxMs: 500 }), [500, '500', '500m']);
  t.same(timeoutOf(GRPC, RESPONSE), [0, null, null], 'neither a deadline nor a bound');
  t.same(timeoutOf(['grpc-timeout', '1S'], RESPONSE), [2000, '2000', '1S'], 'not gRPC');
});

t.test('an offset comes off a deadline that is longer than it', async (t) => {
  const asked = (text: string) => [...GRPC, 'grpc-timeout', text];
  const duration = { ...RESPONSE, grpcTimeoutOffsetMs: 100 };
  t.same(timeoutOf(asked('300m'), duration), [200, '200', '200m']);
  t.same(timeoutOf(asked('100m'), duration), [100, '100', '100m']);
});
