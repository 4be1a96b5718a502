// Deadlines of gRPC clients that the proxy itself keeps.
import t from 'tap';
import { withRig } from '../support/with-rig.ts';

const GRPC = 'content-type: application/grpc\r\n';
const routes = [
  {
    match: { prefix: '/' },
    route: {
      cluster: 'main',
      max_stream_duration: { grpc_timeout_header_max: '20s', grpc_timeout_header_offset: '3s' },
    },
  },
];

t.test('a call whose deadline leaves no time is answered and not sent', async (t) => {
  await withRig({ routes }, async (rig) => {
    const { head } = await rig.get('/late', `${GRPC}grpc-timeout: 3S\r\n`);
    t.equal(head.status, 200);
    const answer = new Map(head.fields);
    t.equal(answer.get('grpc-status'), '4');
    t.equal(answer.get('grpc-message'), 'downstream duration timeout');
    t.equal(await rig.verdict('/late'), '200 - max_duration_timeout');
    t.equal(await rig.stat('http.main.downstream_rq_max_duration_reached'), 1);
    t.equal(await rig.stat('cluster.main.upstream_rq_total'), 0);
    const plain = await rig.get('/plain', 'grpc-timeout: 3S\r\n');
    t.equal(plain.head.status, 504);
    const { fields } = await rig.echo('/early', `${GRPC}grpc-timeout: 9S\r\n`);
    t.equal(new Map(fields).get('grpc-timeout'), '6000m', 'the upstream is told what is left');
  });
});
