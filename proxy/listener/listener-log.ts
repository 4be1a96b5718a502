// Listener.access_log: one line for each connection when it ends, whether it got a filter chain or
// not.

import type { Logger } from '../base/log.ts';
import type { DownstreamConnection, WorkerServices } from '../filters/network-filter.ts';
import type { AccessLog } from '../formatter/access-log.ts';
import { type DownstreamConnectionInfo, StreamInfo } from '../http/stream-info.ts';
import type { AccessLogConfig } from '../model/access-log.ts';
import type { Candidate } from './candidate.ts';
import { factsOf } from './connection-facts.ts';
import type { FilterChainMatcher } from './filter-chain-matcher.ts';

type AnyMatcher = Pick<FilterChainMatcher<unknown>, 'find'>;

/** A connection at its end. */
export interface EndedConnection {
  readonly candidate: Candidate;
  readonly info: DownstreamConnectionInfo;
  /** null: it never came so far. */
  readonly filter: DownstreamConnection | null;
  readonly isWithoutChain: boolean;
}

/** The logs of one listener. */
export class ListenerLog {
  readonly #services: WorkerServices;
  readonly #logs: readonly AccessLog[];

  constructor(configs: readonly AccessLogConfig[], services: WorkerServices) {
    this.#services = services;
    this.#logs = configs.map((config) => services.openAccessLog(config));
  }

  /** False: nothing is written, so nothing need be known. */
  get isWanted(): boolean {
    return this.#logs.length > 0;
  }

  write(ended: EndedConnection): void {
    const { clock } = this.#services;
    const context = {
      info: this.#describe(ended),
      request: null,
      response: null,
      responseTrailers: null,
      logType: 'NotSet',
      localReplyBody: '',
      wallMs: clock.wallMs(),
    } as const;
    for (const log of this.#logs) log.write(context);
  }

  /** What the filter knows of the connection, if it keeps such an account, else what we know. */
  #describe({ candidate, info, filter, isWithoutChain }: EndedConnection): StreamInfo {
    const { connection, startMs, startWallMs } = candidate;
    const kept = filter?.accountOf?.();
    const account = kept ?? candidate.notes ?? new StreamInfo(info, startMs, startWallMs);
    if (kept === undefined) {
      account.protocol = null;
      account.dynamicMetadata ??= candidate.dynamicMetadata;
      // What never came to a filter was looked at only, not received.
      account.bytesReceived = filter === null ? 0 : connection.bytesRead;
      account.bytesSent = connection.bytesWritten;
    }
    if (isWithoutChain) {
      account.addFlag('NR');
      account.responseCodeDetails = 'filter_chain_not_found';
    }
    account.endMs = this.#services.clock.nowMs();
    return account;
  }
}

/** Says why a client got no TLS, and which one. */
export function logFailedHandshake(log: Logger, listener: string, candidate: Candidate): void {
  const { transportFailure: reason, remoteAddress } = candidate;
  if (reason === '' || !log.enabled('info')) return;
  log.log('info', 'TLS handshake failed', { listener, peer: remoteAddress.text, reason });
}

/** Says of whom no filter chain took, and whether that is for want of TLS. */
export function logWithoutChain(
  log: Logger,
  listener: string,
  { candidate, matcher }: { readonly candidate: Candidate; readonly matcher: AnyMatcher },
): void {
  if (!log.enabled('info')) return;
  const { transportProtocol, serverName, applicationProtocols } = candidate;
  const facts = factsOf(candidate);
  const wantsTls =
    transportProtocol !== 'tls' && matcher.find({ ...facts, transportProtocol: 'tls' }) !== null;
  log.log('info', wantsTls ? 'refused for want of TLS' : 'no filter chain takes a connection', {
    listener,
    peer: candidate.remoteAddress.text,
    destination: candidate.localAddress.text,
    transportProtocol,
    ...(serverName === '' ? {} : { serverName }),
    ...(applicationProtocols.length === 0 ? {} : { protocols: applicationProtocols.join() }),
  });
}
