import { once } from 'node:events';
import { createServer, get } from 'node:http';
import t from 'tap';
import { RequestLog } from '../../proxy/admin/request-log.ts';
import type { FormatContext } from '../../proxy/formatter/formatter.ts';
import { eventually } from '../support/eventually.ts';

t.test('tells every log about each exchange when it is over', async (t) => {
  const seen: FormatContext[] = [];
  const log = new RequestLog([{ write: (context) => seen.push(context) }]);
  const server = createServer((request, response) => {
    const info = log.watch(request, response);
    if (info !== null) info.bytesSent = 2;
    response.setHeader('x-a', 'b').writeHead(404).end('no');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  t.teardown(() => server.close());
  get(
    { port, host: '127.0.0.1', path: '/nothing?x', headers: { 'x-multi': ['1', '2'] } },
    (answer) => answer.resume(),
  );
  await eventually(() => seen.length === 1);
  const [context] = seen;
  t.equal(context?.info.responseCode, 404);
  t.equal(context?.info.bytesSent, 2);
  t.equal(context?.info.flags, null);
  t.equal(context?.info.downstream.localAddress.text, `127.0.0.1:${port}`);
  t.equal(context?.request?.path, '/nothing?x');
  t.equal(context?.request?.authority, `127.0.0.1:${port}`);
  t.equal(context?.request?.headers.getByName('x-multi'), '1, 2');
  t.equal(context?.response?.headers.getByName('x-a'), 'b');
});

t.test('watches nothing without logs', async (t) => {
  const log = new RequestLog([]);
  t.equal(log.watch(null as never, null as never), null);
});
