// A client and a server of HTTP/1.1 over TLS, each with what it shows of itself; the server answers
// with the request as it came.
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import type { TestCertificate } from './certificates.ts';

/** What a client does. */
export interface TlsExchange {
  /** Its certificate and those above; null: it shows none. */
  readonly shown: Pick<TestCertificate, 'chainPem' | 'keyPem'> | null;
  /** Lines of the request's head. */
  readonly lines?: readonly string[];
  readonly target?: string;
  readonly options?: tls.ConnectionOptions;
}

/** All that comes back until the proxy closes; '' : it was refused. */
export function tlsExchange(port: number, exchange: TlsExchange): Promise<string> {
  const { shown, lines = [], target = '/', options } = exchange;
  const socket = tls.connect({
    ...{ host: '127.0.0.1', port, rejectUnauthorized: false },
    ...(shown === null ? {} : { cert: shown.chainPem, key: shown.keyPem }),
    ...options,
  });
  const head = [`GET ${target} HTTP/1.1`, 'host: h.test', 'connection: close', ...lines, '', ''];
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => {
    // A refused certificate is an alert, which Node makes an error of.
  });
  socket.write(head.join('\r\n'), 'latin1');
  return new Promise((resolve) => {
    socket.once('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
  });
}

/** A server whose answers are what it was asked. */
export interface MirrorServer {
  readonly port: number;
  close(): void;
}

/** Starts one; it asks its clients for certificates and believes any. */
export async function openMirror(
  own: Pick<TestCertificate, 'chainPem' | 'keyPem'>,
  options: tls.TlsOptions = {},
): Promise<MirrorServer> {
  const base = {
    cert: own.chainPem,
    key: own.keyPem,
    requestCert: true,
    rejectUnauthorized: false,
  };
  const server = tls.createServer({ ...base, ...options }, (socket) => {
    let head = '';
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      head += chunk.toString('latin1');
      if (!head.endsWith('\r\n\r\n')) return;
      const fields = `content-length: ${head.length}\r\nconnection: close`;
      socket.end(`HTTP/1.1 200 OK\r\n${fields}\r\n\r\n${head}`, 'latin1');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}
