// Connections with options that Node does not set.
import { createServer, type Server } from 'node:net';
import t from 'tap';
import { socketAddress } from '../../proxy/base/address.ts';
import { descriptorOf } from '../../proxy/net/accepted-socket.ts';
import type { CloseReason, Connection, ConnectionHandler } from '../../proxy/net/connection.ts';
import { type ConnectOptions, SocketConnector } from '../../proxy/net/connector.ts';
import { EventLoop } from '../../proxy/net/event-loop.ts';
import { keepaliveOptions } from '../../proxy/net/keepalive-options.ts';
import { preparedSocket } from '../../proxy/net/prepared-socket.ts';
import { optionInt, type SocketOption, socketOptions } from '../../proxy/net/socket-options.ts';
import { eventually } from '../support/eventually.ts';

const system = socketOptions();
const skip = typeof system === 'string' ? `skipped: ${system}` : false;
const IP_TOS: SocketOption = { level: 0, name: 1 };
const TCP_KEEPIDLE: SocketOption = { level: 6, name: 4 };
const CLOCK = { nowMs: () => performance.now(), wallMs: () => Date.now() };

function setting(option: SocketOption, value: number, family?: 4 | 6) {
  const octets = optionInt(value).toString('base64');
  return { ...option, octets, ...(family !== undefined && { family }) };
}

class Recorder implements ConnectionHandler {
  readonly events: string[] = [];
  received = '';

  onConnected(): void {
    this.events.push('connected');
  }

  onBytes(buffer: Buffer, length: number): void {
    this.received += buffer.toString('latin1', 0, length);
  }

  onEnd(): void {
    this.events.push('end');
  }

  onDrain(): void {}

  onClose(reason: CloseReason, detail: string): void {
    this.events.push(`${reason}: ${detail}`);
  }
}

async function echo(): Promise<{ server: Server; port: number; peers: string[] }> {
  const peers: string[] = [];
  const server = createServer((socket) => {
    peers.push(socket.remoteAddress ?? '');
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return { server, port, peers };
}

function open(port: number, options: Partial<ConnectOptions>) {
  const loop = new EventLoop(CLOCK);
  const recorder = new Recorder();
  const all = { bufferLimitBytes: 1000, keepalive: null, bindAddress: null, ...options };
  const target = socketAddress('127.0.0.1', port);
  const connection: Connection = new SocketConnector(loop).connect(target, all, recorder);
  return { loop, recorder, connection };
}

t.test('an option is set before the connection is made', { skip }, async (t) => {
  const made = preparedSocket('127.0.0.1', [setting(IP_TOS, 16)], {});
  if (typeof made === 'string' || typeof system === 'string') return t.fail(String(made));
  const value = Buffer.alloc(4);
  t.equal(system.read(descriptorOf(made), IP_TOS, value), true);
  t.equal(value.readInt32LE(), 16);
  made.destroy();
  const other = preparedSocket('::1', [setting({ level: 0, name: 9999 }, 1, 4)], {});
  t.not(typeof other, 'string', 'options of the other IP version are left out');
  if (typeof other !== 'string') other.destroy();
});

t.test('a connection with options is like any other', { skip }, async (t) => {
  const { server, port, peers } = await echo();
  const { loop, recorder, connection } = open(port, {
    socketOptions: [setting(IP_TOS, 16)],
    bindAddress: { ip: '127.0.0.7', port: 0 },
    keepalive: { idleMs: 7000, probes: 3, intervalSeconds: 4 },
  });
  await eventually(() => recorder.events.length > 0);
  t.same(recorder.events, ['connected']);
  t.equal(connection.localAddress.ip, '127.0.0.7');
  connection.writeText('ping');
  await eventually(() => recorder.received === 'ping');
  t.same(peers, ['127.0.0.7']);
  connection.halfClose();
  await eventually(() => recorder.events.includes('end'));
  connection.close('now');
  server.close();
  loop.close();
});

t.test('an option that the system refuses fails the connection', { skip }, async (t) => {
  const { recorder, loop } = open(1, { socketOptions: [setting({ level: 0, name: 9999 }, 1)] });
  t.same(recorder.events, [], 'not inside the call');
  await eventually(() => recorder.events.length > 0);
  t.match(recorder.events[0], /^connect-failed: cannot set socket option 0\/9999: .*ENOPROTOOPT/);
  loop.close();
});

t.test('a refused connection with options fails as without', { skip }, async (t) => {
  const { server, port } = await echo();
  server.close();
  const { recorder, loop } = open(port, { socketOptions: [setting(IP_TOS, 16)] });
  await eventually(() => recorder.events.length > 0);
  t.same(recorder.events, ['connect-failed: Connection refused']);
  loop.close();
});

t.test('keep-alive is set whole: Node would space the probes as it likes', { skip }, async (t) => {
  t.same(keepaliveOptions(null), []);
  t.same(keepaliveOptions({ idleMs: null }).length, 1);
  const set = keepaliveOptions({ idleMs: 7000, probes: 3 });
  t.same(set.slice(1), [setting(TCP_KEEPIDLE, 7), setting({ level: 6, name: 6 }, 3)]);
});
