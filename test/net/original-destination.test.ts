import { once } from 'node:events';
import net from 'node:net';
import t from 'tap';
import { socketAddress } from '../../proxy/base/address.ts';
import { descriptorOf } from '../../proxy/net/accepted-socket.ts';
import { originalDestination } from '../../proxy/net/original-destination.ts';
import {
  IP_TRANSPARENT,
  optionInt,
  SO_ORIGINAL_DST,
  type SocketOption,
  type SocketOptions,
  socketOptions,
} from '../../proxy/net/socket-options.ts';

const loaded = socketOptions();
const skip = typeof loaded === 'string' ? `skipped: ${loaded}` : false;

/** Answers reads with these octets, in hex, by level and name. */
function answering(answers: Readonly<Record<string, string>>): SocketOptions {
  return {
    read: (_fd: number, { level, name }: SocketOption, out: Buffer) => {
      const answer = answers[`${level}/${name}`];
      if (answer !== undefined) Buffer.from(answer, 'hex').copy(out);
      return answer !== undefined;
    },
    write: () => '',
    open: () => -1,
  };
}

t.test('reads the address that the packet filter remembers', async (t) => {
  const v4 = answering({ '0/80': '020001bb0a000001' });
  t.same(
    originalDestination(v4, 5, socketAddress('127.0.0.1', 15_001)),
    socketAddress('10.0.0.1', 443),
  );
  const v6 = answering({ '41/80': `0a0001bb00000000${'20010db8'.padEnd(31, '0')}1` });
  t.same(
    originalDestination(v6, 5, socketAddress('::1', 15_001)),
    socketAddress('2001:db8::1', 443),
  );
});

t.test('with a transparent socket the local end is the destination', async (t) => {
  const local = socketAddress('10.0.0.1', 443);
  t.equal(originalDestination(answering({ '0/19': '01000000' }), 5, local), local);
  t.equal(originalDestination(answering({ '0/19': '00000000' }), 5, local), null);
  const v6 = socketAddress('fd00::1', 443);
  t.equal(originalDestination(answering({ '41/75': '01000000' }), 5, v6), v6);
  t.equal(originalDestination(answering({}), 5, local), null);
});

t.test('there is none without a socket, or of a pipe', async (t) => {
  const all = answering({ '0/80': '020001bb0a000001' });
  t.equal(originalDestination(all, -1, socketAddress('127.0.0.1', 1)), null);
  t.equal(originalDestination(all, 5, { ip: '/run/x', port: -1, text: '/run/x' }), null);
});

t.test('asks the system about a real connection', { skip }, async (t) => {
  const options = loaded as SocketOptions;
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const client = net.connect(port, '127.0.0.1');
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  const fd = descriptorOf(socket);
  const local = socketAddress('127.0.0.1', port);
  // Where connections are tracked the system tells what it was, elsewhere that there is nothing.
  const found = originalDestination(options, fd, local);
  t.ok(found === null || found.text === local.text);
  const out = Buffer.alloc(28);
  t.equal(options.read(fd, IP_TRANSPARENT, out), true);
  t.equal(out.readUInt32LE(0), 0);
  t.equal(options.read(-1, SO_ORIGINAL_DST, out), false);
  t.match(options.write(-1, IP_TRANSPARENT, optionInt(1)), /EBADF/);
  client.destroy();
  socket.destroy();
  server.close();
});
