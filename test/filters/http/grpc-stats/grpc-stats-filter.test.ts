import t from 'tap';
import { GrpcStatsFilter } from '../../../../proxy/filters/http/grpc-stats/grpc-stats-filter.ts';
import type { GrpcStatsConfig } from '../../../../proxy/filters/http/grpc-stats/method-selection.ts';
import type { HttpFilterCallbacks } from '../../../../proxy/filters/http-filter.ts';
import { isPrintableState } from '../../../../proxy/formatter/printable-state.ts';
import { HeaderList } from '../../../../proxy/http/header-list.ts';
import { ResponseHead } from '../../../../proxy/http/message.ts';
import { FilterRig } from '../../../support/filter-rig.ts';
import { grpcFrame } from '../../../support/grpc-wire.ts';
import { requestHead } from '../../../support/route-fixtures.ts';

const EACH: GrpcStatsConfig = {
  methods: { kind: 'each', replacesDots: false },
  emitsFilterState: false,
  recordsUpstreamTime: false,
};

function call(config: Partial<GrpcStatsConfig> = {}, type = 'application/grpc') {
  let info: HttpFilterCallbacks['info'] | null = null;
  const head = requestHead({ path: '/p.S/Do', headers: ['content-type', type] });
  const rig = new FilterRig((callbacks) => {
    info = callbacks.info;
    return new GrpcStatsFilter({ ...EACH, ...config }, callbacks);
  }, head);
  return { rig, info: info as unknown as HttpFilterCallbacks['info'] };
}

const grpcHead = () => new ResponseHead(200, HeaderList.of('content-type', 'application/grpc'));
const CONTENT = ['a', '', 'bcd'].map((message) => grpcFrame(message)).join('');

t.test('messages are counted whatever the cuts, and the status once', async (t) => {
  for (const pieces of [[CONTENT], [...CONTENT]]) {
    const { rig } = call();
    rig.send(pieces);
    rig.answer(grpcHead(), pieces, HeaderList.of('grpc-status', '7'));
    t.same(rig.counters(), {
      'grpc.p.S.Do.request_message_count': 3,
      'grpc.p.S.Do.response_message_count': 3,
      'grpc.p.S.Do.7': 1,
      'grpc.p.S.Do.failure': 1,
      'grpc.p.S.Do.total': 1,
    });
    t.equal(rig.upstream.content, CONTENT);
    t.equal(rig.client.content, CONTENT);
  }
});

t.test('a status in the head counts, content that is not gRPC does not', async (t) => {
  const { rig } = call();
  rig.answer(new ResponseHead(200, HeaderList.of('grpc-status', '0')), ['page'], null);
  t.same(rig.counters(), {
    'grpc.p.S.Do.0': 1,
    'grpc.p.S.Do.success': 1,
    'grpc.p.S.Do.total': 1,
  });
});

t.test('a request that is not gRPC is not counted', async (t) => {
  const { rig, info } = call({ emitsFilterState: true }, 'application/grpc-web');
  rig.send([CONTENT]);
  rig.answer(new ResponseHead(200, HeaderList.of('grpc-status', '0')), [CONTENT], null);
  t.same(rig.counters(), {});
  t.equal(info.filterState, null);
});

t.test('the counts are left for access logs', async (t) => {
  const { rig, info } = call({ emitsFilterState: true });
  rig.send([CONTENT]);
  const state = info.filterState?.get('envoy.filters.http.grpc_stats');
  if (!isPrintableState(state)) throw new Error('there is no state');
  t.equal(state.asText(), '3,0');
  t.same(state.asJson(), { requestMessageCount: '3' });
  rig.answer(grpcHead(), [grpcFrame('x')], HeaderList.of('grpc-status', '0'));
  t.equal(state.asText(), '3,1');
  t.same(state.asJson(), { requestMessageCount: '3', responseMessageCount: '1' });
});

t.test('time counts from the request’s last octet to the response’s', async (t) => {
  const { rig, info } = call({ recordsUpstreamTime: true });
  info.lastUpstreamTxByteMs = 100;
  info.lastUpstreamRxByteMs = 130.7;
  rig.answer(grpcHead(), [CONTENT], HeaderList.of('grpc-status', '0'));
  t.same(rig.histogram('grpc.p.S.Do.upstream_rq_time'), { count: 1, sum: 30 });
});
