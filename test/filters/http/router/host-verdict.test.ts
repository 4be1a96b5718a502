import t from 'tap';
import {
  type JudgedAttempt,
  judgeEnd,
  judgeHead,
  type Verdict,
} from '../../../../proxy/filters/http/router/host-verdict.ts';
import { HeaderList } from '../../../../proxy/http/header-list.ts';
import { ResponseHead } from '../../../../proxy/http/message.ts';
import { type Host, HostStats } from '../../../../proxy/upstream/host.ts';
import { requestHead } from '../../../support/route-fixtures.ts';

const PLAIN = requestHead();
const GRPC = requestHead({ headers: ['content-type', 'application/grpc'] });

function counted(use: (attempt: JudgedAttempt) => unknown, verdict: Verdict = 'given') {
  const stats = new HostStats();
  const host = { stats, load: null, reported: null } as unknown as Host;
  const attempt = { host, verdict, hasReported: false };
  use(attempt);
  return [stats.rqSuccess, stats.rqError, attempt.verdict];
}

const fields = (status: string) => HeaderList.of('grpc-status', status);
const head = (status: number, grpcStatus?: string) =>
  new ResponseHead(status, grpcStatus === undefined ? HeaderList.empty() : fields(grpcStatus));

t.test('outside of gRPC the status says it', async (t) => {
  const judge = (status: number) =>
    counted((attempt) => judgeHead(attempt, head(status), { request: PLAIN, endStream: false }));
  t.same(judge(200), [1, 0, 'given']);
  t.same(judge(499), [1, 0, 'given']);
  t.same(judge(500), [0, 1, 'given']);
});

t.test('a gRPC response waits for its last fields', async (t) => {
  const judge = (status: number, endStream: boolean, grpcStatus?: string) =>
    counted((attempt) =>
      judgeHead(attempt, head(status, grpcStatus), { request: GRPC, endStream }),
    );
  t.same(judge(200, false), [0, 0, 'awaits-grpc-status']);
  t.same(judge(503, false), [0, 1, 'given']);
  t.same(judge(200, true, '0'), [1, 0, 'given']);
  t.same(judge(200, true, '13'), [0, 1, 'given']);
  t.same(judge(200, true), [0, 1, 'given'], 'without a status');
});

t.test('grpc-status is an error where HTTP would say 5xx', async (t) => {
  const good = [0, 1, 3, 5, 6, 7, 8, 9, 10, 11, 16];
  for (let status = 0; status <= 17; status += 1) {
    const wanted = good.includes(status) ? [1, 0] : [0, 1];
    const judged = counted(
      (attempt) => judgeEnd(attempt, fields(`${status}`)),
      'awaits-grpc-status',
    );
    t.same(judged.slice(0, 2), wanted, `${status}`);
  }
  for (const last of [null, HeaderList.empty()]) {
    const judged = counted((attempt) => judgeEnd(attempt, last), 'awaits-grpc-status');
    t.same(judged, [0, 1, 'given'], 'no status');
  }
  t.same(
    counted((attempt) => judgeEnd(attempt, null)),
    [0, 0, 'given'],
    'once is enough',
  );
});
