import t from 'tap';
import type { AccessLogFilter, FormatContext } from '../../proxy/formatter/formatter.ts';
import * as filters from '../../proxy/formatter/log-filter.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { RequestHead } from '../../proxy/http/message.ts';
import { emptyContext, grpcContext, proxiedContext } from '../support/format-context.ts';

const YES: AccessLogFilter = { accepts: () => true };
const NO: AccessLogFilter = { accepts: () => false };

function withRequestId(id: string): FormatContext {
  const target = { path: '/', authority: 'h', scheme: 'http' };
  const headers = HeaderList.of('x-request-id', id);
  return { ...emptyContext(), request: new RequestHead('HTTP/1.1', 'GET', target, headers) };
}

t.test('status codes are compared, a missing response is 0', async (t) => {
  const { statusCodeFilter } = filters;
  t.ok(statusCodeFilter('EQ', { value: 200 }).accepts(proxiedContext()));
  t.notOk(statusCodeFilter('NE', { value: 200 }).accepts(proxiedContext()));
  t.ok(statusCodeFilter('GE', { value: 200 }).accepts(proxiedContext()));
  t.notOk(statusCodeFilter('GE', { value: 201 }).accepts(proxiedContext()));
  t.ok(statusCodeFilter('LE', { value: 200 }).accepts(proxiedContext()));
  t.ok(statusCodeFilter('EQ', { value: 0 }).accepts(emptyContext()));
});

t.test('durations are whole milliseconds, to the end or to now', async (t) => {
  t.ok(filters.durationFilter('EQ', { value: 2 }).accepts(proxiedContext()));
  t.notOk(filters.durationFilter('GE', { value: 3 }).accepts(proxiedContext()));
  t.ok(filters.durationFilter('EQ', { value: 0 }).accepts(emptyContext()));
  const context = proxiedContext();
  context.info.endMs = -1;
  t.ok(filters.durationFilter('EQ', { value: 5000 }).accepts(context));
  t.ok(filters.durationFilter('EQ', { value: 0 }).accepts({ ...context, wallMs: 0 }));
});

t.test('health checks can be left out, traces accept nothing', async (t) => {
  const context = proxiedContext();
  t.ok(filters.notHealthCheckFilter().accepts(context));
  context.info.isHealthCheck = true;
  t.notOk(filters.notHealthCheckFilter().accepts(context));
  t.notOk(filters.traceableFilter().accepts(context));
});

t.test('header filters see the request, if there is one', async (t) => {
  const filter = filters.headerFilter((request) => request.method === 'POST');
  t.ok(filter.accepts(proxiedContext()));
  t.notOk(filter.accepts(withRequestId('')));
  const isAbsent = filters.headerFilter(({ headers }) => headers.getByName('x') === null);
  t.ok(isAbsent.accepts(emptyContext()), 'none has no field');
  t.notOk(filter.accepts(emptyContext()));
});

t.test('samples by request id when it is a UUID, else by the random number', async (t) => {
  const half = { numerator: 50, denominator: 100 };
  const sampled = filters.runtimeFilter(half, false);
  t.ok(sampled.accepts(withRequestId('00000031-0000-4000-8000-000000000000')));
  t.notOk(sampled.accepts(withRequestId('00000032-0000-4000-8000-000000000000')));
  for (const context of [withRequestId('no-uuid-here'), emptyContext()]) {
    context.info.streamRandom = 49;
    t.ok(sampled.accepts(context));
    context.info.streamRandom = 1_000_050;
    t.notOk(sampled.accepts(context));
  }
  const independent = filters.runtimeFilter(half, true);
  const context = withRequestId('00000031-0000-4000-8000-000000000000');
  context.info.streamRandom = 50;
  t.notOk(independent.accepts(context));
});

t.test('flags: any of the named ones, or any at all', async (t) => {
  const context = proxiedContext();
  t.notOk(filters.responseFlagFilter([]).accepts(context));
  context.info.addFlag('UF');
  t.ok(filters.responseFlagFilter([]).accepts(context));
  t.ok(filters.responseFlagFilter(['UH', 'UF']).accepts(context));
  t.notOk(filters.responseFlagFilter(['UH']).accepts(context));
});

t.test('gRPC statuses are included or excluded; without a response it is UNKNOWN', async (t) => {
  t.ok(filters.grpcStatusFilter([5], false).accepts(grpcContext(200, null, '5')));
  t.notOk(filters.grpcStatusFilter([5], true).accepts(grpcContext(200, null, '5')));
  t.notOk(filters.grpcStatusFilter([2], false).accepts(grpcContext(200, null, '99')));
  t.ok(filters.grpcStatusFilter([2], false).accepts(grpcContext(0, null, null)));
});

t.test('log types are included or excluded', async (t) => {
  t.ok(filters.logTypeFilter(['DownstreamEnd'], false).accepts(proxiedContext()));
  t.notOk(filters.logTypeFilter(['DownstreamEnd'], true).accepts(proxiedContext()));
});

t.test('filters combine', async (t) => {
  const context = emptyContext();
  t.ok(filters.andFilter([YES, YES]).accepts(context));
  t.notOk(filters.andFilter([YES, NO]).accepts(context));
  t.ok(filters.orFilter([NO, YES]).accepts(context));
  t.notOk(filters.orFilter([NO, NO]).accepts(context));
});
