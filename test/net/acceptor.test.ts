// What accepted connections have of keep-alive.
import { connect } from 'node:net';
import t from 'tap';
import { socketAddress } from '../../proxy/base/address.ts';
import type { TcpKeepaliveConfig } from '../../proxy/model/listener.ts';
import { type AcceptedConnection, Acceptor } from '../../proxy/net/acceptor.ts';
import { EventLoop } from '../../proxy/net/event-loop.ts';
import { type SocketOption, socketOptions } from '../../proxy/net/socket-options.ts';

const system = socketOptions();
const skip = typeof system === 'string' ? `skipped: ${system}` : false;
const CLOCK = { nowMs: () => performance.now(), wallMs: () => Date.now() };
const OPTIONS: Readonly<Record<string, SocketOption>> = {
  isOn: { level: 1, name: 9 },
  idleSeconds: { level: 6, name: 4 },
  intervalSeconds: { level: 6, name: 5 },
  probes: { level: 6, name: 6 },
};

/** The options of the first connection to a listener. */
async function accepted(keepalive: TcpKeepaliveConfig | null): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  const options = {
    ...{ address: socketAddress('127.0.0.1', 0), backlog: null, bufferLimitBytes: 65_536 },
    ...{ keepalive, isTransparent: false },
  };
  let begin: (connection: AcceptedConnection) => void = () => undefined;
  const first = new Promise<AcceptedConnection>((resolve) => {
    begin = resolve;
  });
  const acceptor = new Acceptor(new EventLoop(CLOCK), options, {
    mayAccept: () => true,
    onConnection: (connection) => begin(connection),
    onAcceptError: () => undefined,
  });
  const bound = await acceptor.listen();
  if ('error' in bound) throw new Error(bound.error);
  const client = connect(bound.address.port, '127.0.0.1');
  const { fileDescriptor } = await first;
  for (const [name, option] of Object.entries(OPTIONS)) {
    const out = Buffer.alloc(4);
    if (typeof system !== 'string') system.read(fileDescriptor, option, out);
    found[name] = out.readInt32LE();
  }
  client.destroy();
  acceptor.close();
  return found;
}

t.test('probes are sent, spaced and counted as the listener says', { skip }, async (t) => {
  const all = { idleMs: 100_000, probes: 4, intervalSeconds: 11 };
  t.same(await accepted(all), { isOn: 1, idleSeconds: 100, intervalSeconds: 11, probes: 4 });
  const system = await accepted(null);
  t.equal(system['isOn'], 0);
  t.same(await accepted({ idleMs: null, probes: 4 }), { ...system, isOn: 1, probes: 4 });
  t.same(await accepted({ idleMs: 7000 }), { ...system, isOn: 1, idleSeconds: 7 });
});
