// ClientHellos: those of a real TLS client, and any other put together by hand.
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';

/** What node's own TLS client sends first. */
export async function realClientHello(options: tls.ConnectionOptions): Promise<Buffer> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const client = tls.connect({ ...options, host: '127.0.0.1', port, rejectUnauthorized: false });
  client.on('error', () => undefined);
  try {
    const [socket] = (await once(server, 'connection')) as [net.Socket];
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return bytes;
  } finally {
    client.destroy();
    server.close();
  }
}

/** A vector with its length in front. */
export function vector(size: 1 | 2 | 3, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const length = Buffer.alloc(size);
  length.writeUIntBE(body.length, 0, size);
  return Buffer.concat([length, body]);
}

/** An extension. */
export function extension(type: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type >> 8, type & 255]), vector(2, content)]);
}

/** RFC 6066 §3. */
export function serverNameExtension(name: string | Buffer, type = 0): Buffer {
  return extension(0, vector(2, Buffer.from([type]), vector(2, Buffer.from(name))));
}

/** RFC 7301 §3.1. */
export function alpnExtension(...names: readonly string[]): Buffer {
  return extension(16, vector(2, ...names.map((name) => vector(1, Buffer.from(name)))));
}

/** A ClientHello message with these extensions; null: without the field. */
export function helloMessage(
  extensions: readonly Buffer[] | null,
  { version = 0x0303, sessionId = 0, suites = 2 } = {},
): Buffer {
  const body = Buffer.concat([
    Buffer.from([version >> 8, version & 255]),
    Buffer.alloc(32, 7),
    vector(1, Buffer.alloc(sessionId)),
    vector(2, Buffer.alloc(suites, 0x13)),
    vector(1, Buffer.alloc(1)),
    extensions === null ? Buffer.alloc(0) : vector(2, ...extensions),
  ]);
  return Buffer.concat([Buffer.from([1]), vector(3, body)]);
}

/** Handshake records of at most `size` octets of content each. */
export function records(message: Buffer, size = 16_384): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    parts.push(Buffer.from([22, 3, 1]), vector(2, message.subarray(at, at + size)));
  }
  return Buffer.concat(parts);
}
