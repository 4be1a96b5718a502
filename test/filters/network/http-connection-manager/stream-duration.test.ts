import t from 'tap';
import { boundStream } from '../../../../proxy/filters/network/http-connection-manager/stream-duration.ts';
import type { StreamDurationConfig } from '../../../../proxy/model/route.ts';
import { requestHead } from '../../../support/route-fixtures.ts';

const NOTHING: StreamDurationConfig = {
  bounds: 'stream',
  maxMs: null,
  grpcTimeoutMaxMs: null,
  grpcTimeoutOffsetMs: 0,
};

const grpc = (timeout?: string) => {
  const fields = timeout === undefined ? [] : ['grpc-timeout', timeout];
  return requestHead({ headers: ['content-type', 'application/grpc', ...fields] });
};

/** The limit, and the deadline that the upstream is told. */
function bound(
  head: ReturnType<typeof requestHead>,
  duration: Partial<StreamDurationConfig>,
  defaultMs = 0,
) {
  const limitMs = boundStream(head, { ...NOTHING, ...duration }, defaultMs);
  return [limitMs, head.headers.getByName('grpc-timeout')];
}

t.test('a route’s own limit wins over that of the connection manager', async (t) => {
  t.same(bound(requestHead(), { maxMs: 50 }, 70), [50, null]);
  t.same(bound(requestHead(), {}, 70), [70, null]);
  t.same(bound(requestHead(), { maxMs: 0 }, 70), [null, null], '0 is none');
  t.same(bound(requestHead(), {}), [null, null]);
});

t.test('a deadline counts where the route looks at it, up to its bound', async (t) => {
  t.same(bound(grpc('10m'), { maxMs: 50, grpcTimeoutMaxMs: 0 }), [10, '10m']);
  t.same(bound(grpc('10S'), { maxMs: 50, grpcTimeoutMaxMs: 0 }), [10_000, '10000m']);
  t.same(bound(grpc('10S'), { maxMs: 50, grpcTimeoutMaxMs: 7_000 }), [7_000, '7000m']);
  t.same(bound(grpc(), { maxMs: 50, grpcTimeoutMaxMs: 7_000 }), [50, '50m'], 'without one');
  t.same(bound(grpc('rubbish'), { maxMs: 50, grpcTimeoutMaxMs: 0 }), [50, '50m'], 'no number');
});

t.test('the offset leaves nothing of a deadline that is not longer', async (t) => {
  const duration = { grpcTimeoutMaxMs: 100, grpcTimeoutOffsetMs: 30 };
  t.same(bound(grpc('50m'), duration), [20, '20m']);
  t.same(bound(grpc('500m'), duration), [70, '70m'], 'off what is capped');
  t.same(bound(grpc('30m'), duration), [0, '0m']);
  t.same(bound(grpc('0m'), duration), [0, '0m']);
});

t.test('a gRPC upstream is told the limit, and what it was told where there is none', async (t) => {
  t.same(bound(grpc('10S'), { maxMs: 50 }), [50, '50m']);
  t.same(bound(grpc('10S'), { maxMs: 0 }), [null, '10S']);
  t.same(bound(grpc('10S'), {}, 70), [70, '70m']);
});

t.test('a deadline of what is not gRPC counts, and is left as it is', async (t) => {
  const head = requestHead({ headers: ['grpc-timeout', '9m'] });
  t.same(bound(head, { maxMs: 50, grpcTimeoutMaxMs: 0 }), [9, '9m']);
  t.same(bound(head, { maxMs: 50 }), [50, '9m']);
});
