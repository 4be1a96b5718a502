import t from 'tap';
import { pipeAddress, socketAddress } from '../../../proxy/base/address.ts';
import { failureOf } from '../../../proxy/upstream/pool/connect-failure.ts';

t.test('the reason says whether the system refused at once or later', async (t) => {
  const tcp = socketAddress('10.0.0.1', 80);
  t.equal(
    failureOf('connect-failed', tcp, 'Connection refused').detail,
    'delayed connect error: Connection refused',
  );
  t.equal(
    failureOf('connect-failed', tcp, 'Network is unreachable').detail,
    'immediate connect error: Network is unreachable|remote address:10.0.0.1:80',
  );
  t.equal(
    failureOf('connect-failed', pipeAddress('/run/x.sock'), 'No such file or directory').detail,
    'immediate connect error: No such file or directory|remote address:/run/x.sock',
  );
  t.equal(failureOf('connect-failed', tcp, '').detail, '');
});
