// Whether our side would accept a server: the handshake and the judgement of the data path itself.
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { SILENT_LOG } from '../../base/log.ts';
import { secureSocket } from '../../net/secure-socket.ts';
import type { TlsHandshake } from '../../net/transport.ts';
import { SYSTEM_CLOCK } from '../../server/system-clock.ts';
import { StatsStore } from '../../stats/store.ts';
import { ClientTls } from '../../tls/client-tls.ts';
import { makeTlsServices } from '../../tls/make-tls-services.ts';
import type { ClientContext } from './client-context.ts';
import type { ProbeTarget } from './probe.ts';

/** What came of it. */
export type Verdict =
  | { readonly kind: 'accepted'; readonly isJudged: boolean }
  /** Envoy's transport failure reason. */
  | { readonly kind: 'refused'; readonly reason: string };

const TIMEOUT_MS = 5000;
const READ_BYTES = 16_384;

/** Connects as a cluster would. */
export async function verdictOn(target: ProbeTarget, context: ClientContext): Promise<Verdict> {
  const services = makeTlsServices({
    secrets: context.secrets,
    clock: SYSTEM_CLOCK,
    log: SILENT_LOG.logger('tls'),
    ticketSecret: randomBytes(32),
  });
  const { tls } = context;
  const clientTls = new ClientTls(tls, services, new StatsStore(null).scope('cluster.peer'));
  const handshake = clientTls.connect({
    server: `${target.host}:${target.port}`,
    serverName: target.serverName,
    expectedName: tls.verifiesServerName ? target.serverName : '',
    applicationProtocols: tls.applicationProtocols,
  });
  try {
    if (typeof handshake === 'string') return { kind: 'refused', reason: handshake };
    return await shakeHands(target, handshake);
  } finally {
    clientTls.close();
  }
}

function shakeHands({ host, port }: ProbeTarget, handshake: TlsHandshake): Promise<Verdict> {
  return new Promise((resolve) => {
    const raw: Socket = connect({ host, port });
    const refuse = (reason: string): void => resolve({ kind: 'refused', reason });
    raw.setTimeout(TIMEOUT_MS, () => raw.destroy(new Error('no answer in time')));
    const onRawError = (error: Error): void => refuse(error.message);
    raw.once('error', onRawError);
    raw.once('connect', () => {
      raw.setTimeout(0);
      raw.off('error', onRawError);
      const socket = secureSocket(raw, {
        parameters: handshake.parameters,
        early: Buffer.alloc(0),
        buffer: Buffer.allocUnsafe(READ_BYTES),
        onRead: () => true,
        publicOnly: true,
      });
      const timer = setTimeout(() => socket.destroy(new Error('no answer in time')), TIMEOUT_MS);
      socket.once('error', (error) => refuse(handshake.onFailure(error)));
      socket.once('close', () => {
        clearTimeout(timer);
        refuse(handshake.onFailure(null) || 'the peer closed the connection');
      });
      socket.once('secure', () => {
        const info = handshake.onSecure(socket);
        if (typeof info === 'string') refuse(info);
        else resolve({ kind: 'accepted', isJudged: info.isPeerValidated });
        socket.destroy();
      });
    });
  });
}
