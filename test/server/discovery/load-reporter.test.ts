import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import t from 'tap';
import { NodeSchema } from '../../../proxy/api/gen/envoy/config/core/v3/base_pb.js';
import {
  type LoadStatsRequest,
  LoadStatsRequestSchema,
  type LoadStatsResponse,
  LoadStatsResponseSchema,
} from '../../../proxy/api/gen/envoy/service/load_stats/v3/lrs_pb.js';
import { SILENT_LOG } from '../../../proxy/base/log.ts';
import { LoadReporter } from '../../../proxy/server/discovery/load-reporter.ts';
import { StatsStore } from '../../../proxy/stats/store.ts';
import type { ClusterLoad } from '../../../proxy/upstream/load-counts.ts';
import { ReconnectBackOff } from '../../../proxy/xds/reconnect-back-off.ts';
import type { StreamSink } from '../../../proxy/xds/xds-server.ts';
import { eventually } from '../../support/eventually.ts';
import { seededRandom } from '../../support/seeded-random.ts';

const LOCALITY = { region: 'r', zone: 'z', subZone: '' };

const load = (cluster: string, issued: number, active = 0): ClusterLoad => ({
  ...{ cluster, dropped: 0, dropCategory: '' },
  endpoints: [
    {
      ...{ ip: '10.0.0.1', port: 80, priority: 0, locality: LOCALITY, metrics: [] },
      ...{ success: issued, error: 0, issued, active },
    },
  ],
});

/** A reporter with a server and workers that the test plays. */
function rig() {
  const stats = new StatsStore(null);
  const streams: { sink: StreamSink; sent: LoadStatsRequest[]; isCancelled: boolean }[] = [];
  const asked: (readonly string[])[] = [];
  const place = { next: [] as ClusterLoad[], names: ['a', 'b'] };
  const reporter = new LoadReporter({
    server: {
      name: 'lrs',
      openStream: (_method, sink) => {
        const stream = { sink, sent: [] as LoadStatsRequest[], isCancelled: false };
        streams.push(stream);
        return {
          send: (octets) => {
            stream.sent.push(fromBinary(LoadStatsRequestSchema, octets));
            return true;
          },
          cancel: () => {
            stream.isCancelled = true;
          },
        };
      },
      close: () => undefined,
    },
    node: () => create(NodeSchema, { id: 'node' }),
    backOff: new ReconnectBackOff({ baseMs: 2, maxMs: 5 }, seededRandom(1)),
    ...{ stats, log: SILENT_LOG.logger('config') },
    nowMs: () => performance.now(),
    clusters: () => place.names.map((name) => ({ name, serviceName: '' })),
    collect: async (names) => {
      asked.push(names);
      const loads = place.next;
      place.next = [];
      return loads;
    },
  });
  const ask = (fields: Omit<Partial<LoadStatsResponse>, '$typeName'>) => {
    const message = create(LoadStatsResponseSchema, {
      loadReportingInterval: { seconds: 0n, nanos: 20_000_000 },
      ...fields,
    });
    streams.at(-1)?.sink.onMessage(toBinary(LoadStatsResponseSchema, message));
  };
  const counters = () => stats.snapshot().counters;
  return { reporter, streams, asked, place, ask, counters };
}

/** Requests issued, over all reports of a stream. */
function issued(sent: readonly LoadStatsRequest[]): number {
  const stats = sent.flatMap(({ clusterStats }) => clusterStats);
  const localities = stats.flatMap(({ upstreamLocalityStats }) => upstreamLocalityStats);
  return localities.reduce((sum, each) => sum + Number(each.totalIssuedRequests), 0);
}

t.test('says who it is, then what workers counted since it was asked', async (t) => {
  const { ask, asked, counters, place, reporter, streams } = rig();
  t.teardown(() => reporter.stop());
  await reporter.behindPrimaryClusters();
  const [stream] = streams;
  stream?.sink.onOpen();
  await eventually(() => stream?.sent.length === 1);
  t.same([stream?.sent[0]?.node?.id, stream?.sent[0]?.clusterStats], ['node', []]);
  place.next = [load('a', 5)];
  ask({ clusters: ['a', 'unknown'] });
  await eventually(() => asked.length === 1);
  place.next = [load('a', 2), load('a', 1, 3)];
  await eventually(() => stream?.sent.length === 2);
  const [report] = stream?.sent[1]?.clusterStats ?? [];
  const [locality] = report?.upstreamLocalityStats ?? [];
  t.equal(stream?.sent[1]?.clusterStats.length, 1, 'a cluster that is not there is left out');
  t.same([locality?.locality?.region, locality?.totalIssuedRequests], ['r', 3n]);
  t.same([locality?.totalRequestsInProgress, locality?.upstreamEndpointStats], [3n, []]);
  t.match(counters(), { 'load_reporter.requests': 1, 'load_reporter.errors': 0 });
});

t.test('nothing is lost or told twice when the stream ends', async (t) => {
  const { ask, counters, place, reporter, streams } = rig();
  t.teardown(() => reporter.stop());
  await reporter.behindPrimaryClusters();
  streams[0]?.sink.onOpen();
  ask({ sendAllClusters: true });
  await eventually(() => (streams[0]?.sent.length ?? 0) > 2);
  streams[0]?.sink.onEnd({ code: 14, message: 'gone' });
  place.next = [load('a', 7, 2)];
  reporter.retire([load('b', 4, 1), load('unknown', 9)]);
  await eventually(() => streams.length === 2);
  streams[1]?.sink.onOpen();
  const sent = () => streams[1]?.sent ?? [];
  await eventually(() => sent().length > 2);
  t.equal(issued(sent()), 11, 'of workers that live and of one that ended');
  const b = sent()[0]?.clusterStats.find(({ clusterName }) => clusterName === 'b');
  t.equal(b?.upstreamLocalityStats[0]?.totalRequestsInProgress, 0n, 'it has none any more');
  t.match(counters(), { 'load_reporter.retries': 1, 'load_reporter.errors': 1 });
});

t.test('what is counted while there is no stream waits for the next one', async (t) => {
  const { ask, place, reporter, streams } = rig();
  t.teardown(() => reporter.stop());
  await reporter.behindPrimaryClusters();
  streams[0]?.sink.onOpen();
  ask({ clusters: ['a'] });
  await eventually(() => (streams[0]?.sent.length ?? 0) > 1);
  for (let round = 0; round < 3; round += 1) {
    place.next = [load('a', 1)];
    const stream = streams.at(-1);
    // It ends while workers are being asked.
    stream?.sink.onOpen();
    stream?.sink.onEnd({ code: 14, message: 'gone' });
    await eventually(() => streams.at(-1) !== stream);
  }
  streams.at(-1)?.sink.onOpen();
  await eventually(() => issued(streams.at(-1)?.sent ?? []) === 3);
  t.ok(true);
});

t.test('a message that is none is left, and a stop ends the stream', async (t) => {
  const { reporter, streams } = rig();
  await reporter.behindPrimaryClusters();
  streams[0]?.sink.onOpen();
  streams[0]?.sink.onMessage(Buffer.from([0xff]));
  reporter.stop();
  t.equal(streams[0]?.isCancelled, true);
});
